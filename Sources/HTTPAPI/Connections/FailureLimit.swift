import Licensing
import Primitives
import Synchronization

/// How often one address may fail to say who it is: 20 times at once, then 10 a minute. An IPv4 address counts for
/// itself, an IPv6 one with its /64. Who succeeds is never asked.
///
/// The generic cell rate algorithm (ITU-T I.371): one instant an address is all the state there is.
final class FailureLimit: Sendable {
    static let burst: Int64 = 20
    static let perMinute: Int64 = 10
    /// Addresses remembered; those whose bucket is full again are forgotten first, all when there is none.
    static let addressesMax = 65_536

    private static let intervalMilliseconds = 60_000 / perMinute
    private static let burstDuration = Duration.milliseconds(burst * intervalMilliseconds)

    /// By network, when its bucket will be full again.
    private let fullAgainAt = Mutex([UInt128: Timestamp]())

    /// Notes a failure. Nil while there were few, else how long until the next one is judged again.
    func delay(afterFailureOf address: CanonicalAddress, at now: Timestamp) -> Duration? {
        let network = address.isIPv4 ? address.bits : (address.bits >> 64) << 64
        return fullAgainAt.withLock { table in
            // Later than a full burst from now is what a clock that was set back leaves.
            let known = table[network].flatMap { $0 <= now + Self.burstDuration ? $0 : nil }
            let next = max(known ?? now, now) + .milliseconds(Self.intervalMilliseconds)
            let excess = next - now - Self.burstDuration
            guard excess <= .zero else { return excess }
            if table[network] == nil, table.count >= Self.addressesMax { Self.makeRoom(in: &table, at: now) }
            table[network] = next
            return nil
        }
    }

    private static func makeRoom(in table: inout [UInt128: Timestamp], at now: Timestamp) {
        table = table.filter { $0.value > now }
        if table.count >= addressesMax { table.removeAll() }
    }
}
