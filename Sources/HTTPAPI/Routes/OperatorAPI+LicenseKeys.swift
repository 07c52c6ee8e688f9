import Access
import Hummingbird
import Journal
import Licensing
import Primitives

extension OperatorAPI {
    /// The keys that open licenses.
    func addLicenseKeys(to routes: inout Routes) {
        routes.add(.post, "/api/v1/licenses/{id}/rekey", scope: .licensesWrite, rekey)
        routes.add(.post, "/api/v1/licenses/{id}/reveal", scope: .licensesReveal, reveal)
    }

    @Sendable
    private func rekey(_ request: Request, _ context: OperatorContext) async throws -> Response {
        var members = try await members(request)
        let change = try await change(&members, context)
        let overlap = members.keyOverlap()
        let allKeys = members.bool("all_keys") ?? false
        try members.finish()
        let id = try licenseID(in: context)
        return try await created(change) { (rekeyed: RekeyedLicense) in
            JSONWriter.object { json in
                rekeyed.record.write(to: &json, key: rekeyed.key, at: change.provenance.at)
                json.member("keys", objects: rekeyed.keys) { $0.write(to: &$1, at: change.provenance.at) }
            }
        } by: { receipt in
            try await licensing.rekey(
                id, overlap: overlap, allKeys: allKeys, dryRun: change.dryRun, by: change.provenance, receipt: receipt)
        }
    }

    @Sendable
    private func reveal(_ request: Request, _ context: OperatorContext) async throws -> Response {
        var members = try await members(request)
        let change = try await change(&members, context)
        if change.dryRun { members.refuse("dry_run", "is not for this: what was told cannot be untold") }
        try members.finish()
        let id = try licenseID(in: context)
        let revealed = try await licensing.revealKeys(of: id, by: change.provenance)
        var response = Response.json(
            JSONWriter.object { json in
                json.member("license_id", id.description)
                json.member("keys", objects: revealed) { key, json in
                    json.member("license_key", key.text)
                    key.record.write(to: &json, at: change.provenance.at)
                }
            })
        response.headers[.cacheControl] = "no-store"
        return response
    }

    /// The license that the path names. Throws `LicensingRefusal.licenseUnknown`.
    func licenseID(in context: OperatorContext) throws -> LicenseID {
        guard let id = LicenseID(text: try context.parameters.require("id")) else {
            throw LicensingRefusal.licenseUnknown
        }
        return id
    }
}

extension LicenseKeyRecord {
    /// What is told of a key without telling it.
    func write(to json: inout JSONWriter, at now: Timestamp) {
        json.member("last4", last4)
        json.member("kind", kind.rawValue)
        json.member("state", state(at: now).rawValue)
        json.member("created_at", createdAt.description)
        json.member("valid_until", validUntil?.description)
    }
}

extension Members {
    /// `overlap_days` or `overlap`, or what stands in for both.
    fileprivate mutating func keyOverlap() -> KeyOverlap {
        let text = value("overlap", KeyOverlap.expectation) { KeyOverlap($0) }
        guard let days = integer("overlap_days") else { return text ?? .standard }
        if text != nil { refuse("overlap_days", "says the same as overlap; send one of them") }
        guard let overlap = KeyOverlap(days: days) else {
            refuse("overlap_days", "must be 0 to \(KeyOverlap.daysMax)")
            return .standard
        }
        return overlap
    }
}
