import Database
import Journal
import Primitives
import Secrets

// MARK: - Seats that nobody uses

extension SeatStore {
    /// Seats looked at to find those that were not seen for longest.
    private static let candidatesMax = 256

    /// Frees a seat of a license whose seats are all taken: those of license files that have ended, those whose lease
    /// has run out, or else, if that is enough, the one that was dormant for longest. Nil when none would become free.
    func freeSeat(
        of license: License, by provenance: Provenance, lastSeen: LastSeen, in transaction: WriteTransaction
    ) throws -> SeatsReleased? {
        let needed = license.used - license.policy.maxActivations + 1
        guard license.policy.maxActivations > 0, (1...Self.candidatesMax).contains(needed) else { return nil }
        let ended = try endedFiles(of: license, at: provenance.at, in: transaction.reading)
        if ended.count >= needed {
            return try release(
                Array(ended.prefix(needed)), as: .fileEnded, of: license, by: provenance, in: transaction)
        }
        if let lease = license.policy.lease {
            let lapsed = try unseenSeats(
                .production, of: license, before: provenance.at - lease, lastSeen: lastSeen, in: transaction.reading)
            if lapsed.count >= needed {
                return try release(
                    Array(lapsed.prefix(needed)), as: .lease, of: license, by: provenance, in: transaction)
            }
        }
        guard needed == 1 else { return nil }
        let dormant = try unseenSeats(
            .production, of: license, before: provenance.at - .days(SeatRules.dormantDays), lastSeen: lastSeen,
            in: transaction.reading)
        guard let oldest = dormant.first else { return nil }
        return try release([oldest], as: .dormant, of: license, by: provenance, in: transaction)
    }

    /// The taken seats of one kind that were last seen before `cutoff`, those unseen for longest first. What memory saw
    /// counts, and so does a license file that holds a seat.
    func unseenSeats(
        _ kind: SeatKind, of license: License, before cutoff: Timestamp, lastSeen: LastSeen,
        in transaction: ReadTransaction
    ) throws -> [Activation] {
        let candidates = try transaction.all(
            """
            SELECT \(Self.seatColumns) FROM activations a
            WHERE a.license_id = ? AND a.released_at IS NULL AND a.kind = ? AND a.last_seen < ?
                AND a.held_until IS NULL
            ORDER BY a.last_seen, a.id LIMIT ?
            """,
            license.id, kind.name, cutoff, Self.candidatesMax, as: { try Self.seat($0) })
        let seen = try candidates.map { seat in
            (seat: seat, at: try lastUse(of: seat, lastSeen: lastSeen, in: transaction))
        }
        return seen.filter { $0.at < cutoff }.sorted { $0.at < $1.at }.map(\.seat)
    }

    /// The seats of license files that have ended and whose installations never called, oldest first. A seat in
    /// production was there before the file.
    func endedFiles(of license: License, at now: Timestamp, in transaction: ReadTransaction) throws -> [Activation] {
        try transaction.all(
            """
            SELECT \(Self.seatColumns) FROM activations a
            WHERE a.license_id = ? AND a.released_at IS NULL AND a.kind <> 'production' AND a.held_until <= ?
                AND NOT EXISTS (SELECT 1 FROM seat_addresses s WHERE s.activation_id = a.id)
            ORDER BY a.held_until, a.id LIMIT ?
            """,
            license.id, now, Self.candidatesMax, as: { try Self.seat($0) })
    }

    /// When a seat was last used, as database and memory know it together.
    func lastUse(of seat: Activation, lastSeen: LastSeen, in transaction: ReadTransaction) throws -> Timestamp {
        var latest = seat.lastSeen
        try transaction.forEach("SELECT place_key FROM seat_addresses WHERE activation_id = ?", seat.id) { row in
            latest = max(latest, lastSeen(KeyedHash(bytes: row.blob(0))) ?? latest)
        }
        return latest
    }
}
