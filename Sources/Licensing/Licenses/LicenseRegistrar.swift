import Customers
package import Database
package import Journal
import Primitives

/// Everything that makes a license or changes how it stands, inside a transaction of the caller: billing and imports
/// write licenses together with what those follow from, all of it or nothing (DESIGN D10).
///
/// Each function appends its events, and gives what memory must be told once the transaction has committed:
/// `LicensingService.apply`. What it refuses it throws before it has written anything, so a caller may catch that and
/// go on with the transaction.
package struct LicenseRegistrar: Sendable {
    private let licenses: LicenseStore
    private let seats: SeatStore
    private let customers: CustomerStore

    init(licenses: LicenseStore, seats: SeatStore, customers: CustomerStore) {
        self.licenses = licenses
        self.seats = seats
        self.customers = customers
    }

    /// Issues a license under a new key. Throws `LicensingRefusal.customerUnknown` and `.customerClosed`.
    package func issue(
        _ new: NewLicense, by provenance: Provenance, in transaction: WriteTransaction
    ) throws -> LicenseIssued {
        var generator = SystemRandomNumberGenerator()
        let key = LicenseKey(new.product.keyFormat, using: &generator)
        return try issue(new, key: key, by: provenance, in: transaction)
    }

    /// Issues a license under a key that the caller made. Throws as above.
    package func issue(
        _ new: NewLicense, key: LicenseKey, by provenance: Provenance, in transaction: WriteTransaction
    ) throws -> LicenseIssued {
        let license = try licenses.issue(new, key: key, customers: customers, by: provenance, in: transaction)
        return LicenseIssued(
            record: LicenseRecord(license: license, productCode: new.product.code, last4: key.last4), key: key,
            // The license before its key: a request that finds the key finds the license.
            changes: [.license(license), .key(licenses.hash(of: key), license.id)])
    }

    /// Changes how a license stands, in the name of `holder`. Safe to repeat, except that each renewal by days adds
    /// days. Throws `LicensingRefusal.licenseUnknown`, `TransitionRefusal`; of a transfer `LicensingRefusal
    /// .customerUnknown` and `.customerClosed`, of merging seats `.installationUnknown`.
    package func transition(
        _ transition: LicenseTransition, of id: LicenseID, by holder: LicenseHold.Holder, _ provenance: Provenance,
        in transaction: WriteTransaction
    ) throws -> LicenseChanged {
        guard let before = try licenses.find(id, in: transaction.reading) else { throw LicensingRefusal.licenseUnknown }
        let after = try transition.outcome(on: before.standing, by: holder, provenance)
        if case .merge(let from, let domain) = transition {
            return try merge(from, into: domain, of: before, by: provenance, in: transaction)
        }
        guard after != before.standing else {
            return try changed(transition, from: before, to: before, [], at: provenance.at, in: transaction)
        }
        if case .transfer(let customer) = transition { try customers.requireActive(customer, in: transaction.reading) }
        let license = try licenses.record(
            transition, from: before.standing, to: after, by: holder, provenance, in: transaction)
        return try changed(
            transition, from: before, to: try current(id, in: transaction), [.license(license)], at: provenance.at,
            in: transaction)
    }

    private func merge(
        _ from: CanonicalDomain, into domain: CanonicalDomain, of before: LicenseRecord, by provenance: Provenance,
        in transaction: WriteTransaction
    ) throws -> LicenseChanged {
        let merged = try seats.merge(from, into: domain, of: before.license.id, by: provenance, in: transaction)
        return LicenseChanged(
            before: before, after: try current(before.license.id, in: transaction), released: merged.seats,
            changes: merged.changes)
    }

    private func changed(
        _ transition: LicenseTransition, from before: LicenseRecord, to after: LicenseRecord, _ changes: [IndexChange],
        at now: Timestamp, in transaction: WriteTransaction
    ) throws -> LicenseChanged {
        let reach = transition.kind == .revoke ? try licenses.reach(of: after, at: now, in: transaction.reading) : nil
        return LicenseChanged(before: before, after: after, reach: reach, changes: changes)
    }

    private func current(_ id: LicenseID, in transaction: WriteTransaction) throws -> LicenseRecord {
        guard let record = try licenses.find(id, in: transaction.reading) else {
            throw DatabaseError.statement(detail: "a license just changed is not there")
        }
        return record
    }
}

/// A license that was issued, and its key, which is told here and, sealed, kept.
package struct LicenseIssued: Sendable {
    package let record: LicenseRecord
    package let key: LicenseKey
    /// For memory, after the commit.
    package let changes: [IndexChange]
}

/// What became of a license.
package struct LicenseChanged: Sendable {
    package let before: LicenseRecord
    /// The same as before when nothing was left to do: then there is no new version and no event.
    package let after: LicenseRecord
    /// The seats that a merger ended.
    package let released: [Activation]
    /// What a revocation ends.
    package let reach: RevocationReach?
    /// For memory, after the commit.
    package let changes: [IndexChange]

    init(
        before: LicenseRecord, after: LicenseRecord, released: [Activation] = [], reach: RevocationReach? = nil,
        changes: [IndexChange]
    ) {
        self.before = before
        self.after = after
        self.released = released
        self.reach = reach
        self.changes = changes
    }

    package var isChanged: Bool { after.license.version != before.license.version }
}

extension LicenseRecord {
    /// How it stands.
    package var standing: LicenseStanding { LicenseStanding(license, holds: holds, revocation: revocation) }
}

extension CustomerStore {
    /// Throws `LicensingRefusal.customerUnknown` and `.customerClosed` unless `id` may receive licenses.
    func requireActive(_ id: CustomerID, in transaction: ReadTransaction) throws {
        guard let customer = try find(id, in: transaction) else {
            throw LicensingRefusal.customerUnknown(id.description)
        }
        guard customer.state == .active else { throw LicensingRefusal.customerClosed(id.description) }
    }
}
