import ArgumentParser
import Primitives
import SignetApp

/// What `license generate` takes to issue many licenses alike, as for a reseller.
struct BatchOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "Issue so many licenses alike, 1 to 1000: all of them or none.")
    var count: Int?

    @Option(help: "The name of the batch, by which they are listed.")
    var batch: String?

    @Flag(help: "Print the keys as CSV.")
    var csv = false

    /// Throws `ValidationError` before anything is issued.
    func check(_ format: LicenseFormat, json: Bool) throws {
        if csv, json { throw ValidationError("Say one of --csv and --json.") }
        guard format == .key || (count == nil && !csv) else {
            throw ValidationError("--format \(format.rawValue) is for one license: leave --count and --csv out.")
        }
    }

    func write(to json: inout JSONWriter) {
        json.member("count", count.map(Int64.init))
        json.member("batch", batch)
    }

    /// Prints what was issued. False for a single license, which others print better.
    func print(_ answer: OperatorClient.Answer, _ options: GlobalOptions) -> Bool {
        guard let object = answer.json.objectValue else { return false }
        let licenses = object["data"]?.arrayValue?.compactMap(\.objectValue) ?? [object]
        if csv {
            Output.raw(Self.csv(licenses))
            return true
        }
        guard count != nil, !options.json else { return false }
        Output.table(
            ["KEY", "LICENSE", "PRODUCT", "TYPE", "EXPIRES", "BATCH"],
            licenses.map { license in
                [
                    license.text("license_key") ?? "-", license.text("id") ?? "-", license.text("product") ?? "-",
                    license.text("license_type") ?? "-", license.text("expires_at") ?? "never",
                    license.text("batch") ?? "-",
                ]
            })
        return true
    }

    private static func csv(_ licenses: [JSONObject]) -> [UInt8] {
        let columns = ["license_key", "id", "customer_id", "product", "license_type", "batch", "expires_at"]
        var csv = CSVWriter()
        csv.row(columns)
        for license in licenses { csv.row(columns.map { license.text($0) }) }
        return csv.bytes
    }
}
