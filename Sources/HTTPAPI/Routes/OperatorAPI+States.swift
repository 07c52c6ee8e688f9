import Access
import Customers
import Hummingbird
import Journal
import Licensing
import Primitives

extension OperatorAPI {
    /// Changes of how a license stands: `POST /api/v1/licenses/{id}/suspend` and so on.
    func addStates(to routes: inout Routes) {
        for kind in LicenseTransition.Kind.allCases {
            routes.add(.post, "/api/v1/licenses/{id}/\(kind.rawValue)", scope: .licensesWrite) { request, context in
                try await changeState(kind, request, context)
            }
        }
    }

    private func changeState(
        _ kind: LicenseTransition.Kind, _ request: Request, _ context: OperatorContext
    ) async throws -> Response {
        var members = try await members(request)
        let change = try await change(&members, context)
        let transition = try members.transition(kind, today: change.provenance.at.date)
        let id = try licenseID(in: context)
        return try await answered(change, status: .ok) { (changed: LicenseChanged) in
            JSONWriter.object { changed.write(to: &$0, at: change.provenance.at) }
        } by: { receipt in
            try await licensing.change(
                transition, of: id, dryRun: change.dryRun, by: change.provenance, receipt: receipt)
        }
    }
}

// MARK: - Reading

extension Members {
    /// What is asked of a license. Throws `InvalidInput`, and `LicensingRefusal.expiryInPast` for an end before
    /// `today`.
    fileprivate mutating func transition(_ kind: LicenseTransition.Kind, today: CivilDate) throws -> LicenseTransition {
        switch kind {
        case .suspend:
            try finish()
            return .suspend
        case .reinstate:
            let liftsBilling = bool("lift_billing") ?? false
            try finish()
            return .reinstate(liftingBilling: liftsBilling)
        case .revoke:
            try finish()
            return .revoke
        case .renew: return .renew(try renewal(today: today))
        case .transfer: return .transfer(to: try newCustomer())
        case .merge: return try merger()
        }
    }

    private mutating func renewal(today: CivilDate) throws -> Renewal {
        let days = string("by")
        let basis = value("from", Self.basisExpectation, Renewal.Basis.init(rawValue:))
        let expires = string("expires")
        try finish()
        switch (days, expires) {
        case (.some(let days), nil): return .days(try Renewal.days(days, member: "by"), from: basis ?? .expiry)
        case (nil, .some(let expires)) where basis == nil:
            return .until(try Expiry(expires, member: "expires", today: today))
        default: throw InvalidInput("by", "say either by (with from or without) or expires")
        }
    }

    private static let basisExpectation =
        "must be one of " + Renewal.Basis.allCases.map(\.rawValue).joined(separator: ", ")

    private mutating func newCustomer() throws -> CustomerID {
        let customer = integer("customer_id").flatMap { CustomerID(Int64($0)) }
        if customer == nil { refuse("customer_id", "must be the number of a customer") }
        try finish()
        guard let customer else { throw InvalidInput("customer_id", "must be the number of a customer") }
        return customer
    }

    private mutating func merger() throws -> LicenseTransition {
        let (old, new) = (requiredDomain("from"), requiredDomain("into"))
        if let old, old == new { refuse("into", "must be another domain than from") }
        try finish()
        guard let old, let new else { throw InvalidInput("from", "must be there and not empty") }
        return .merge(old, into: new)
    }

    private mutating func requiredDomain(_ name: String) -> CanonicalDomain? {
        if isAbsent(name) { refuse(name, "must be there and not empty") }
        return domain(name)
    }
}

// MARK: - Writing

extension LicenseChanged {
    /// The license as it stands after it, with what it was before and what followed.
    fileprivate func write(to json: inout JSONWriter, at now: Timestamp) {
        after.write(to: &json, at: now)
        json.member("changed", isChanged)
        json.member("before") { json in
            json.member("customer_id", before.license.customerID.rawValue)
            json.member("status", before.license.status(at: now).rawValue)
            json.member("expires_at", before.license.expiresAt?.lastValidDay.description)
            before.writeState(to: &json)
        }
        if !released.isEmpty { json.member("released", objects: released) { $0.write(to: &$1) } }
        if let reach {
            json.member("ends") { json in
                json.member("activations", reach.seats)
                json.member("tokens_until", reach.tokensUntil?.description)
                json.member("license_files_until", reach.filesUntil?.description)
                json.member("offline_keys", reach.offlineKeys)
            }
        }
    }
}

extension LicenseRecord {
    /// What suspends it, and that it was revoked.
    func writeState(to json: inout JSONWriter) {
        json.member("suspension", objects: holds) { hold, json in
            json.member("by", hold.holder.rawValue)
            json.member("reason", hold.reason)
            json.member("actor", hold.actor)
            json.member("since", hold.since.description)
        }
        guard let revocation else { return json.member("revocation", nil as String?) }
        json.member("revocation") { json in
            json.member("by", revocation.holder.rawValue)
            json.member("reason", revocation.reason)
            json.member("actor", revocation.actor)
            json.member("at", revocation.at.description)
        }
    }
}
