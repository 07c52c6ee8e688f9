import Customers
import Database
import Journal
import Primitives

// MARK: - Reading

extension LicenseStore {
    /// `record` with what was decided about its state: nothing, for an active license.
    func withState(_ record: LicenseRecord, in transaction: ReadTransaction) throws -> LicenseRecord {
        var record = record
        switch record.license.state {
        case .active: break
        case .suspended: record.holds = try holds(of: record.license.id, in: transaction)
        case .revoked: record.revocation = try revocation(of: record.license.id, in: transaction)
        }
        return record
    }

    private func holds(of id: LicenseID, in transaction: ReadTransaction) throws -> [LicenseHold] {
        try transaction.all(
            "SELECT holder, reason, actor, since FROM license_holds WHERE license_id = ? ORDER BY holder DESC", id
        ) { row in
            LicenseHold(
                holder: try Self.holder(row.text(0)), reason: row.optionalText(1), actor: row.text(2),
                since: row.timestamp(3))
        }
    }

    private func revocation(of id: LicenseID, in transaction: ReadTransaction) throws -> LicenseRevocation? {
        try transaction.first(
            "SELECT holder, reason, actor, revoked_at FROM license_revocations WHERE license_id = ?", id
        ) { row in
            LicenseRevocation(
                holder: try Self.holder(row.text(0)), reason: row.optionalText(1), actor: row.text(2),
                at: row.timestamp(3))
        }
    }

    private static func holder(_ name: String) throws -> LicenseHold.Holder {
        guard let holder = LicenseHold.Holder(rawValue: name) else {
            throw DatabaseError.corrupt(detail: "holder \(name)")
        }
        return holder
    }
}

// MARK: - Writing

extension LicenseStore {
    /// Stores that a license stands as `after`, with the events of `transition`, each with a version of its own; the
    /// license as it is then.
    func record(
        _ transition: LicenseTransition, from before: LicenseStanding, to after: LicenseStanding,
        by holder: LicenseHold.Holder, _ provenance: Provenance, in transaction: WriteTransaction
    ) throws -> License {
        let events = StateEvents(before: before, after: after, holder: holder, reason: provenance.reason)
            .events(of: transition)
        var license = after.license
        license.version = before.license.version + Int64(events.count)
        try transaction.execute(
            """
            UPDATE licenses SET state = ?, customer_id = ?, expires_at = ?, payment_grace_until = ?, version = ?
            WHERE id = ?
            """,
            license.state.rawValue, license.customerID, license.expiresAt, license.paymentGraceUntil, license.version,
            license.id)
        try record(after.holds, of: license.id, was: before.holds, in: transaction)
        if let revocation = after.revocation, revocation != before.revocation {
            try record(revocation, of: license.id, in: transaction)
        }
        for event in events { try journal.append(event, by: provenance.withoutReason, in: transaction) }
        return license
    }

    private func record(
        _ holds: [LicenseHold], of id: LicenseID, was before: [LicenseHold], in transaction: WriteTransaction
    ) throws {
        for gone in before where !holds.contains(where: { $0.holder == gone.holder }) {
            try transaction.execute(
                "DELETE FROM license_holds WHERE license_id = ? AND holder = ?", id, gone.holder.rawValue)
        }
        for hold in holds where !before.contains(hold) {
            try transaction.execute(
                """
                INSERT INTO license_holds (license_id, holder, reason, actor, since) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (license_id, holder) DO UPDATE SET reason = excluded.reason, actor = excluded.actor
                """,
                id, hold.holder.rawValue, hold.reason, hold.actor, hold.since)
        }
    }

    private func record(
        _ revocation: LicenseRevocation, of id: LicenseID, in transaction: WriteTransaction
    ) throws {
        try transaction.execute(
            """
            INSERT INTO license_revocations (license_id, holder, reason, actor, revoked_at) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (license_id) DO UPDATE SET reason = excluded.reason, actor = excluded.actor
            """,
            id, revocation.holder.rawValue, revocation.reason, revocation.actor, revocation.at)
    }
}

extension Provenance {
    /// The same, for events that keep the reason sealed: why a license was suspended is often about a person.
    fileprivate var withoutReason: Provenance { Provenance(actor: actor, requestID: requestID, at: at) }
}
