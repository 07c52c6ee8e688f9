package import Database
package import Journal
package import Primitives
import Secrets

/// What became of a license file's wish for a seat.
package enum SeatHold: Sendable {
    /// The file has this seat until its end; the changes are for memory, after the commit.
    case held(ActivationID, [IndexChange])
    case refused(Verdict)
}

extension SeatStore {
    /// Lets the installation `identity` keep a seat until a license file of it ends: the one that it holds, or another,
    /// which frees itself then. It is neither dormant nor moved nor leased away before. Refuses with
    /// `activationLimit` when none is free. Throws `LicensingRefusal.licenseUnknown`.
    package func hold(
        _ identity: SeatIdentity, of id: LicenseID, until end: Timestamp, by provenance: Provenance,
        in transaction: WriteTransaction
    ) throws -> SeatHold {
        guard let license = try licenses.current(id, in: transaction.reading) else {
            throw LicensingRefusal.licenseUnknown
        }
        let own = try transaction.reading.first(
            """
            SELECT a.id FROM activations a
            WHERE a.license_id = ? AND a.released_at IS NULL AND a.domain IS NOT DISTINCT FROM ?
                AND a.network IS NOT DISTINCT FROM ? AND a.installation_id IS NOT DISTINCT FROM ?
            ORDER BY a.ordinal LIMIT 1
            """, id, identity.domain, identity.network, identity.installationID
        ) { ActivationID(databaseValue: $0.integer(0)) }
        if let own {
            try keep(own, until: end, in: transaction)
            return .held(own, [])
        }
        return try takeFileSeat(identity, of: license, until: end, by: provenance, in: transaction)
    }

    /// Lets a seat that is taken stay with its installation until `end`, or longer when a file holds it longer.
    func keep(_ seat: ActivationID, until end: Timestamp, in transaction: WriteTransaction) throws {
        try transaction.execute(
            "UPDATE activations SET held_until = CASE WHEN held_until > ? THEN held_until ELSE ? END WHERE id = ?",
            end, end, seat)
    }

    private func takeFileSeat(
        _ identity: SeatIdentity, of license: License, until end: Timestamp, by provenance: Provenance,
        in transaction: WriteTransaction
    ) throws -> SeatHold {
        let seat = SeatPlan.HeldSeat(id: .random(), ordinal: 1, firstSeen: provenance.at, kind: .file, places: [])
        let term = SeatRules.term(of: license, startingAt: provenance.at)
        func isTaken(_ license: License) throws -> Bool {
            try transaction.savepoint { transaction -> Bool? in
                try insertActivation(
                    seat, of: license.id, identity, CarriedIdentity(domain: nil, installationID: nil), license.policy,
                    lastSeen: provenance.at, heldUntil: end, in: transaction)
                return try takeSeat(of: license, term, in: transaction) ? true : nil
            } ?? false
        }
        var (current, changes) = (license, [IndexChange]())
        if try !isTaken(current) {
            guard
                let freed = try freeSeat(
                    of: license, by: provenance, lastSeen: { _ in nil }, in: transaction),
                try isTaken(freed.license)
            else { return .refused(.activationLimit) }
            (current, changes) = (freed.license, freed.changes)
        }
        var changed = current.changed(used: current.used + 1)
        if let term { (changed.startedAt, changed.expiresAt) = (term.start, term.end) }
        try journal.append(Self.taken(seat, identity, changed), by: provenance, in: transaction)
        return .held(seat.id, changes + [.license(changed)])
    }

    private static func taken(_ seat: SeatPlan.HeldSeat, _ identity: SeatIdentity, _ license: License) -> Event {
        let personal = JSONWriter.object { json in
            json.member("domain", identity.domain)
            json.member("network", identity.network)
            json.member("installation_id", identity.installationID)
        }
        return Event(
            Event.Kind("activation.created"), subject: license.id.description, subjectVersion: license.version,
            personal: Event.Personal(customer: license.customerID.rawValue, json: personal)
        ) { facts in
            facts.member("activation", seat.id.description)
            facts.member("kind", seat.kind.name)
            facts.member("used", Int64(license.used))
        }
    }
}
