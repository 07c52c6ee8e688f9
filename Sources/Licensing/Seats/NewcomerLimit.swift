import Primitives
import Synchronization

/// How many newcomers of one license may ask the database: 64 at once, then 30 a minute (DESIGN D4).
///
/// A leaked key that is tried from thousands of sites then costs its own license the waiting, and nobody else. The
/// generic cell rate algorithm (ITU-T I.371): one instant a license is all the state there is.
final class NewcomerLimit: Sendable {
    static let burst: Int64 = 64
    static let perMinute: Int64 = 30
    /// Licenses remembered; those whose bucket is full again are forgotten first, all when there is none.
    static let licensesMax = 65_536

    private static let intervalMilliseconds = 60_000 / perMinute
    private static let burstDuration = Duration.milliseconds(burst * intervalMilliseconds)

    /// Per license, when its bucket will be full again.
    private let fullAgainAt = Mutex([LicenseID: Timestamp]())

    /// Nil when the newcomer may ask, else how long until it may.
    func delay(for license: LicenseID, at now: Timestamp) -> Duration? {
        fullAgainAt.withLock { table in
            // Later than a full burst from now is what a clock that was set back leaves: it would lock the license out.
            let known = table[license].flatMap { $0 <= now + Self.burstDuration ? $0 : nil }
            let next = max(known ?? now, now) + .milliseconds(Self.intervalMilliseconds)
            let excess = next - now - Self.burstDuration
            guard excess <= .zero else { return excess }
            if table[license] == nil, table.count >= Self.licensesMax { Self.makeRoom(in: &table, at: now) }
            table[license] = next
            return nil
        }
    }

    /// Licenses in the table.
    var count: Int { fullAgainAt.withLock { $0.count } }

    private static func makeRoom(in table: inout [LicenseID: Timestamp], at now: Timestamp) {
        table = table.filter { $0.value > now }
        if table.count >= licensesMax { table.removeAll() }
    }
}
