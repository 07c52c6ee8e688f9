import Primitives

/// How many newcomers of one license may ask the database: 64 at once, then 30 a minute (DESIGN D4).
///
/// A leaked key that is tried from thousands of sites then costs its own license the waiting, and nobody else.
final class NewcomerLimit: Sendable {
    static let burst: Int64 = 64
    static let perMinute: Int64 = 30
    /// Licenses remembered.
    static let licensesMax = 65_536

    /// Newcomers that were told to wait.
    let limited = Counter()
    private let table = CellRateTable<LicenseID>(
        CellRate(burst: burst, intervalMilliseconds: 60_000 / perMinute), entriesMax: licensesMax)

    /// Nil when the newcomer may ask, else how long until it may.
    func delay(for license: LicenseID, at now: Timestamp) -> Duration? {
        let delay = table.delay(for: license, at: now)
        if delay != nil { limited.add() }
        return delay
    }

    /// Licenses in the table.
    var count: Int { table.count }
}
