import Database
import Journal
import Primitives

// What a change of policy means for the seats that are taken.

/// A license as it stands after a change of its seats, and what that changes in memory.
struct SeatsChanged: Sendable {
    var license: License
    var changes: [IndexChange]
    var isRecounted = false
}

/// The same for all licenses of a product.
struct ProductSeatsChanged: Sendable {
    var changes: [IndexChange] = []
    /// Licenses whose seats were counted anew.
    var recounted = 0
    /// Licenses that have more seats taken than their limit since now.
    var overLimit = 0
    /// Licenses that have not any more.
    var withinLimit = 0

    fileprivate mutating func add(_ limited: SeatsChanged, of before: License) {
        changes += limited.changes
        let (was, isNow) = (before.overLimitUntil != nil, limited.license.overLimitUntil != nil)
        if !was, isNow { overLimit += 1 }
        if was, !isNow { withinLimit += 1 }
    }
}

extension SeatStore {
    /// Brings the seats of a license in line with a change of what it allows; `after` is its row as it stands, the
    /// event of the change appended. What follows for the seats is a version and an event of its own. Throws
    /// `LicensingRefusal.recountNeeded` when seats would have to be counted anew and `recounts` does not allow it.
    func policyChanged(
        from before: Policy, of after: License, recounts: Bool, by provenance: Provenance,
        in transaction: WriteTransaction
    ) throws -> SeatsChanged {
        var result = SeatsChanged(license: after, changes: [.license(after)])
        try alignLease(of: after, in: transaction)
        if after.policy.countsOtherwise(than: before) {
            let seats = try takenSeats(of: after.id, in: transaction.reading)
            if seats > 0, !recounts { throw LicensingRefusal.recountNeeded(seats: seats) }
            if seats > 0 {
                result = try recount(after, by: provenance, in: transaction)
                result.isRecounted = true
            }
        }
        let limited = try limitChanged(of: result.license, by: provenance, in: transaction)
        return SeatsChanged(
            license: limited.license, changes: result.changes + limited.changes, isRecounted: result.isRecounted)
    }

    /// The same for all licenses of a product, those that choose otherwise left alone; `after` is its row as it stands,
    /// with `before` as it was.
    func policyChanged(
        from before: Product, to after: Product, recounts: Bool, by provenance: Provenance,
        in transaction: WriteTransaction
    ) throws -> ProductSeatsChanged {
        var result = ProductSeatsChanged()
        if after.policy.countsOtherwise(than: before.policy) {
            let affected = try licensesWithSeats(of: after, in: transaction.reading).filter {
                $0.policy.countsOtherwise(than: Policy(before.settings, $0.overrides))
            }
            let seats = try affected.map { try takenSeats(of: $0.id, in: transaction.reading) }.reduce(0, +)
            if seats > 0, !recounts { throw LicensingRefusal.recountNeeded(seats: seats) }
            for license in affected {
                let recounted = try recount(license, by: provenance, in: transaction)
                result.changes += recounted.changes
                result.recounted += 1
                // Also where the license chooses its limit itself: more seats may be taken than before.
                result.add(
                    try limitChanged(of: recounted.license, by: provenance, in: transaction), of: license)
            }
        }
        if after.policy.lease != before.policy.lease { try alignLeases(of: after, in: transaction) }
        for license in try licensesToLimit(of: after, in: transaction.reading) {
            result.add(try limitChanged(of: license, by: provenance, in: transaction), of: license)
        }
        return result
    }

    /// Marks a license whose limit is below its seats with the date until which they stay, and takes the mark away from
    /// one whose limit is not.
    func limitChanged(
        of license: License, by provenance: Provenance, in transaction: WriteTransaction
    ) throws -> SeatsChanged {
        let until = SeatRules.overLimitUntil(of: license, at: provenance.at)
        guard until != license.overLimitUntil else { return SeatsChanged(license: license, changes: []) }
        var changed = license.changed(used: license.used)
        changed.overLimitUntil = until
        try transaction.execute(
            "UPDATE licenses SET over_limit_until = ?, version = ? WHERE id = ?", until, changed.version, changed.id)
        let event = Event(
            Event.Kind(until == nil ? "license.within_limit" : "license.over_limit"),
            subject: changed.id.description, subjectVersion: changed.version
        ) { facts in
            facts.member("used", Int64(license.used))
            facts.member("max_activations", Int64(license.policy.maxActivations))
            facts.member("over_limit_until", until?.description)
        }
        try journal.append(event, by: provenance, in: transaction)
        return SeatsChanged(license: changed, changes: [.license(changed)])
    }
}

// MARK: - What is affected

extension SeatStore {
    func takenSeats(of license: LicenseID, in transaction: ReadTransaction) throws -> Int64 {
        try transaction.count(
            "SELECT count(*) FROM activations WHERE license_id = ? AND released_at IS NULL",
            arguments: [license.sqlValue])
    }

    private func licensesWithSeats(of product: Product, in transaction: ReadTransaction) throws -> [License] {
        let ids = try transaction.all(
            """
            SELECT l.id FROM licenses l WHERE l.product_id = ?
                AND EXISTS (SELECT 1 FROM activations a WHERE a.license_id = l.id AND a.released_at IS NULL)
            ORDER BY l.id
            """, product.id
        ) { LicenseID(databaseValue: $0.integer(0)) }
        return try ids.compactMap { try licenses.current($0, in: transaction) }
    }

    /// Licenses that have their limit from the product and are beyond it, or were.
    private func licensesToLimit(of product: Product, in transaction: ReadTransaction) throws -> [License] {
        let max = product.policy.maxActivations
        let ids = try transaction.all(
            """
            SELECT id FROM licenses WHERE product_id = ? AND max_activations IS NULL
                AND (over_limit_until IS NOT NULL OR (? > 0 AND used > ?))
            ORDER BY id
            """, product.id, max, max
        ) { LicenseID(databaseValue: $0.integer(0)) }
        return try ids.compactMap { try licenses.current($0, in: transaction) }
    }

    /// The minutes are beside the seats for those who look for seats to free.
    func alignLease(of license: License, in transaction: WriteTransaction) throws {
        try transaction.execute(
            """
            UPDATE activations SET lease_minutes = ? WHERE license_id = ? AND released_at IS NULL
                AND lease_minutes <> ?
            """,
            license.policy.leaseMinutes, license.id, license.policy.leaseMinutes)
    }

    /// A license that chooses its lease itself has it in its stored settings, by this name and in no other place.
    private func alignLeases(of product: Product, in transaction: WriteTransaction) throws {
        try transaction.execute(
            """
            UPDATE activations SET lease_minutes = ? WHERE released_at IS NULL AND license_id IN
                (SELECT id FROM licenses WHERE product_id = ? AND policy NOT LIKE '%"lease_minutes":%')
            """,
            product.policy.leaseMinutes, product.id)
    }
}

extension Policy {
    /// Whether seats have other identities or locations under this policy than under `other`.
    func countsOtherwise(than other: Policy) -> Bool {
        countedBy != other.countedBy || ipv6Prefix != other.ipv6Prefix
    }
}
