import Access
import Hummingbird
import Journal
import Licensing
import Primitives

extension OperatorAPI {
    /// Changes what a license allows, what it is for and how long.
    @Sendable
    func updateLicense(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let precondition = try request.versionPrecondition()
        var members = try await members(request)
        let change = try await change(&members, context)
        let wanted = try members.licenseChange(precondition, today: change.provenance.at.date)
        let id = try licenseID(in: context)
        do {
            let update = try await licensing.updateLicense(
                id, wanted, dryRun: change.dryRun, by: change.provenance)
            return .json(JSONWriter.object { update.write(to: &$0, at: change.provenance.at) })
        } catch let refusal as LicensingRefusal {
            throw refusal.under(precondition)
        }
    }
}

extension Members {
    /// What a request wants of a license. Throws `InvalidInput` with all that is wrong, and
    /// `LicensingRefusal.expiryInPast`.
    fileprivate mutating func licenseChange(_ precondition: Int64?, today: CivilDate) throws -> LicenseChange {
        var change = LicenseChange()
        change.patch = policy()
        change.recounts = bool("recount") ?? false
        change.version = version(precondition)
        let product = requiredEdit("product")
        let expires = edit("expires") { $0.string("expires") }
        let begins = edit("not_before") { $0.string("not_before") }
        let batch = edit("batch") { $0.string("batch") }
        try finish()
        if case .set(let code) = product { change.product = .set(try Slug(code, member: "product")) }
        if case .set(let text) = expires {
            change.expiry = .set(try Expiry(text ?? "never", member: "expires", today: today))
        }
        if case .set(let text) = begins {
            change.notBefore = .set(try text.map { try Timestamp(beginning: $0, member: "not_before") })
        }
        if case .set(let text) = batch { change.batch = .set(try text.map { try Slug($0, member: "batch") }) }
        return change
    }
}
