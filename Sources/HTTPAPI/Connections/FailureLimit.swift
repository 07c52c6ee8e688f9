import Licensing
import Primitives

/// How often one address may fail to say who it is: 20 times at once, then 10 a minute. An IPv4 address counts for
/// itself, an IPv6 one with its /64. Who succeeds is never asked.
final class FailureLimit: Sendable {
    static let burst: Int64 = 20
    static let perMinute: Int64 = 10
    /// Addresses remembered.
    static let addressesMax = 65_536

    private let table = CellRateTable<CanonicalAddress>(
        CellRate(burst: burst, intervalMilliseconds: 60_000 / perMinute), entriesMax: addressesMax)

    /// Notes a failure. Nil while there were few, else how long until the next one is judged again.
    func delay(afterFailureOf address: CanonicalAddress, at now: Timestamp) -> Duration? {
        table.delay(for: address.clientBlock, at: now)
    }
}
