import Primitives
import Synchronization

/// How many newcomers of one license may ask the database: 64 at once, then 30 a minute (DESIGN D4).
///
/// A leaked key that is tried from thousands of sites then costs its own license the waiting, and nobody else. The
/// generic cell rate algorithm (ITU-T I.371): one instant a license is all the state there is.
final class NewcomerLimit: Sendable {
    static let burst: Int64 = 64
    static let perMinute: Int64 = 30
    /// Licenses remembered; those whose bucket is full again are forgotten first.
    static let licensesMax = 65_536

    private static let intervalMilliseconds = 60_000 / perMinute

    /// Per license, when its bucket will be full again.
    private let fullAgainAt = Mutex([LicenseID: Timestamp]())

    /// Nil when the newcomer may ask, else how long until it may.
    func delay(for license: LicenseID, at now: Timestamp) -> Duration? {
        fullAgainAt.withLock { table in
            let start = max(table[license] ?? now, now)
            let next = start + .milliseconds(Self.intervalMilliseconds)
            let excess = next.milliseconds - now.milliseconds - Self.burst * Self.intervalMilliseconds
            guard excess <= 0 else { return .milliseconds(excess) }
            if table.count >= Self.licensesMax { table = table.filter { $0.value > now } }
            table[license] = next
            return nil
        }
    }
}
