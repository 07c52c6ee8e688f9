import HTTPTypes
import Hummingbird
import Licensing
import NIOCore
import Primitives

extension OperatorAPI {
    /// Licenses read and sent at once: what an export holds in memory, however many there are.
    private static let exportSliceMax = 500

    private static let exportColumns = [
        "id", "last4", "customer_id", "product", "batch", "license_type", "features", "status", "expires_at",
        "grace_until", "max_activations", "current_activations", "created_at",
    ]

    /// The same licenses as the list, all of them, as CSV. A license issued meanwhile may be missing, none is there
    /// twice.
    @Sendable
    func exportLicenses(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let (conditions, _) = try await conditions(Self.licenseFilters, of: request)
        let (filter, now, licensing) = (LicenseFilter(conditions), clock.now(), licensing)
        // The first slice before the status line: what fails is told as a problem and not by a cut answer.
        let first = try await licensing.licenses(filter, below: .max, max: Self.exportSliceMax, at: now)
        let body = ResponseBody { writer in
            var slice = first
            try await writer.write(ByteBuffer(bytes: Self.csv(slice, withHeadings: true, at: now)))
            while slice.count == Self.exportSliceMax, let last = slice.last?.license.statusIndex {
                slice = try await licensing.licenses(filter, below: last, max: Self.exportSliceMax, at: now)
                try await writer.write(ByteBuffer(bytes: Self.csv(slice, at: now)))
            }
            try await writer.finish(nil)
        }
        let headers: HTTPFields = [
            .contentType: "text/csv; charset=utf-8; header=present",
            .contentDisposition: "attachment; filename=\"licenses.csv\"",
        ]
        return Response(status: .ok, headers: headers, body: body)
    }

    private static func csv(_ records: [LicenseRecord], withHeadings: Bool = false, at now: Timestamp) -> [UInt8] {
        var csv = CSVWriter()
        if withHeadings { csv.row(exportColumns) }
        for record in records { csv.row(fields(record, at: now)) }
        return csv.bytes
    }

    private static func fields(_ record: LicenseRecord, at now: Timestamp) -> [String?] {
        let license = record.license
        return [
            license.id.description, record.last4, license.customerID.description, record.productCode.text,
            license.batch?.text, license.policy.licenseType.text,
            license.policy.features.map(\.text).joined(separator: " "),
            license.status(at: now).rawValue, license.expiresAt?.lastValidDay.description,
            license.graceUntil?.description, String(license.policy.maxActivations), String(license.used),
            license.createdAt.description,
        ]
    }
}
