import Customers
import Journal
import Primitives

/// The journal's events of a change of state. The reason is sealed under the key of the customer it is about.
struct StateEvents {
    let before: LicenseStanding
    let after: LicenseStanding
    let holder: LicenseHold.Holder
    let reason: String?

    /// One, or two for a transfer: the license leaves one customer and comes to another, and each part is readable for
    /// as long as that customer's key is there. Their subject versions are the next ones.
    func events(of transition: LicenseTransition) -> [Event] {
        let (by, holders) = (holder.rawValue, after.holds.map(\.holder.rawValue))
        switch transition {
        case .suspend:
            return [
                event("license.suspended") { facts in
                    facts.member("by", by)
                    facts.member("holders", holders)
                }
            ]
        case .reinstate:
            let lifted = before.holds.map(\.holder.rawValue).filter { !holders.contains($0) }
            return [
                event("license.reinstated") { facts in
                    facts.member("by", by)
                    facts.member("lifted", lifted)
                    facts.member("holders", holders)
                }
            ]
        case .revoke:
            return [event("license.revoked") { $0.member("by", by) }]
        case .renew:
            let (from, to) = (before.license.expiresAt, after.license.expiresAt)
            return [
                event("license.renewed") { facts in
                    facts.member("by", by)
                    facts.member("from_expires_at", from?.description)
                    facts.member("expires_at", to?.description)
                }
            ]
        case .transfer: return transfer()
        case .merge: return []
        }
    }

    private func transfer() -> [Event] {
        let (from, to) = (before.license.customerID, after.license.customerID)
        let facts: @Sendable (inout JSONWriter) -> Void = { json in
            json.member("from_customer_id", from.rawValue)
            json.member("customer_id", to.rawValue)
        }
        let arrival = Event(
            Event.Kind("license.transferred_in"), subject: after.license.id.description,
            subjectVersion: before.license.version + 2, personal: after.license.overrides.personal(of: to),
            facts: facts)
        return [event("license.transferred_out", facts), arrival]
    }

    private func event(_ kind: String, _ facts: @escaping @Sendable (inout JSONWriter) -> Void) -> Event {
        let personal = reason.map { reason in
            Event.Personal(
                customer: before.license.customerID.rawValue, json: JSONWriter.object { $0.member("reason", reason) })
        }
        return Event(
            Event.Kind(kind), subject: before.license.id.description, subjectVersion: before.license.version + 1,
            personal: personal, facts: facts)
    }
}
