import Database
import Primitives

/// About how many networks a license was used from lately.
package struct LicenseSpread: Sendable {
    package let license: LicenseID
    package let networks: Int
}

// From how many networks seats are used: kept beside the times of last use.

extension SeatStore {
    /// Days over which the networks of a license are estimated, today included.
    static let spreadWindowDays = 7

    /// Adds the networks of the days on which places were last seen to what their seats have of those days. The union
    /// is made where the sketches are, so that what several nodes saw adds up.
    func recordSpread(_ places: [PlaceFacts], in transaction: WriteTransaction) throws {
        try transaction.executeAll(
            """
            INSERT INTO seat_spread (activation_id, day, sketch) VALUES (?, ?, ?)
            ON CONFLICT (activation_id, day) DO UPDATE SET sketch = seat_spread.sketch | excluded.sketch
            """,
            places.filter { $0.sketch != 0 }.map { facts in
                [facts.activation, facts.lastSeen.date.daysSinceEpoch, Int64(bitPattern: facts.sketch)]
            })
    }

    /// About how many networks used each license in the last days, those with most first; licenses that were not used
    /// are not among them.
    func spread(at now: Timestamp, in transaction: ReadTransaction) throws -> [LicenseSpread] {
        var sketches: [LicenseID: SpreadSketch] = [:]
        try transaction.forEach(
            """
            SELECT a.license_id, s.sketch FROM seat_spread s JOIN activations a ON a.id = s.activation_id
            WHERE s.day > ?
            """,
            now.date.daysSinceEpoch - Int64(Self.spreadWindowDays)
        ) { row in
            let sketch = SpreadSketch(bits: UInt64(bitPattern: row.integer(1)))
            let license = LicenseID(databaseValue: row.integer(0))
            sketches[license] = (sketches[license] ?? .empty).union(sketch)
        }
        return sketches.map { LicenseSpread(license: $0.key, networks: $0.value.estimate) }.sorted {
            ($1.networks, $0.license) < ($0.networks, $1.license)
        }
    }

    /// Deletes what is older than `day`.
    func forgetSpread(before day: CivilDate, in transaction: WriteTransaction) throws {
        try transaction.execute("DELETE FROM seat_spread WHERE day < ?", day.daysSinceEpoch)
    }
}
