import Database
import Journal
import Primitives
import Secrets

// What time does to seats, when nobody asks.

extension SeatStore {
    /// Licenses that have something to be done about their seats at `now`, at most `limit` of each kind.
    func licensesToKeep(at now: Timestamp, limit: Int, in transaction: ReadTransaction) throws -> [LicenseID] {
        let questions = [
            """
            SELECT license_id FROM activations WHERE released_at IS NULL AND lease_minutes > 0
                AND last_seen + lease_minutes * 60000 < ?
            ORDER BY last_seen + lease_minutes * 60000 LIMIT ?
            """,
            """
            SELECT license_id FROM activations WHERE released_at IS NULL AND held_until <= ?
            ORDER BY held_until LIMIT ?
            """,
            """
            SELECT id FROM licenses WHERE over_limit_until <= ? ORDER BY over_limit_until LIMIT ?
            """,
        ]
        var ids: Set<LicenseID> = []
        for sql in questions {
            ids.formUnion(try transaction.all(sql, now, limit) { LicenseID(databaseValue: $0.integer(0)) })
        }
        return ids.sorted()
    }

    /// Does what is due for one license: ends the seats of files that have ended, those whose lease has run out, and
    /// those above a lowered limit whose time is over, the newest first. Says what changes in memory, and how many
    /// seats became free.
    func keep(
        _ id: LicenseID, by provenance: Provenance, lastSeen: LastSeen, in transaction: WriteTransaction
    ) throws -> (changes: [IndexChange], released: Int) {
        guard var license = try licenses.current(id, in: transaction.reading) else { return ([], 0) }
        var (changes, released) = ([IndexChange](), 0)
        try alignLease(of: license, in: transaction)
        func release(_ seats: [Activation], _ kind: SeatReleaseKind) throws {
            guard !seats.isEmpty else { return }
            let result = try self.release(seats, as: kind, of: license, by: provenance, in: transaction)
            (license, released) = (result.license, released + seats.count)
            changes += result.changes
        }
        try release(endedFiles(of: license, at: provenance.at, in: transaction.reading), .fileEnded)
        changes += try endHolds(of: license, at: provenance.at, in: transaction)
        try release(lapsedSeats(of: license, at: provenance.at, lastSeen: lastSeen, in: transaction.reading), .lease)
        try release(excessSeats(of: license, at: provenance.at, in: transaction.reading), .overLimit)
        return (changes, released)
    }

    /// Lets a seat that is taken stay with its installation until `end`, or longer when a file holds it longer.
    func keep(_ seat: ActivationID, until end: Timestamp, in transaction: WriteTransaction) throws {
        try transaction.execute(
            "UPDATE activations SET held_until = CASE WHEN held_until > ? THEN held_until ELSE ? END WHERE id = ?",
            end, end, seat)
    }

    /// A seat whose license file has ended is like any other again.
    private func endHolds(
        of license: License, at now: Timestamp, in transaction: WriteTransaction
    ) throws -> [IndexChange] {
        let ended = try transaction.reading.all(
            """
            SELECT \(Self.seatColumns) FROM activations a
            WHERE a.license_id = ? AND a.released_at IS NULL AND a.held_until <= ?
            """, license.id, now, as: { try Self.seat($0) })
        var changes: [IndexChange] = []
        for seat in ended {
            let kind = seat.kind == .file ? SeatKind.production : seat.kind
            try transaction.execute(
                "UPDATE activations SET held_until = NULL, kind = ? WHERE id = ?", kind.name, seat.id)
            if kind != seat.kind { changes += try places(of: seat, as: kind, in: transaction.reading) }
        }
        return changes
    }

    private func places(
        of seat: Activation, as kind: SeatKind, in transaction: ReadTransaction
    ) throws -> [IndexChange] {
        let places = try transaction.all(
            "SELECT place_key, last_seen FROM seat_addresses WHERE activation_id = ?", seat.id
        ) { (key: KeyedHash(bytes: $0.blob(0)), lastSeen: $0.timestamp(1)) }
        return places.map { place in
            .place(
                place.key,
                PlaceFacts(
                    activation: seat.id, firstSeen: seat.firstSeen, lastSeen: place.lastSeen,
                    placesOfSeat: places.count, kind: kind, carried: seat.carried.mark))
        }
    }

    private func lapsedSeats(
        of license: License, at now: Timestamp, lastSeen: LastSeen, in transaction: ReadTransaction
    ) throws -> [Activation] {
        guard let lease = license.policy.lease else { return [] }
        return try [.production, .staging].flatMap { kind in
            try unseenSeats(kind, of: license, before: now - lease, lastSeen: lastSeen, in: transaction)
        }
    }

    /// The newest of the seats above the limit, but none that a license file holds.
    private func excessSeats(
        of license: License, at now: Timestamp, in transaction: ReadTransaction
    ) throws -> [Activation] {
        guard let until = license.overLimitUntil, until <= now, license.isOverLimit else { return [] }
        return try transaction.all(
            """
            SELECT \(Self.seatColumns) FROM activations a
            WHERE a.license_id = ? AND a.released_at IS NULL AND a.kind <> 'staging' AND a.held_until IS NULL
            ORDER BY a.first_seen DESC, a.id DESC LIMIT ?
            """,
            license.id, license.used - license.policy.maxActivations, as: { try Self.seat($0) })
    }
}
