import Primitives

/// How many keys that open nothing one client may try: 20 at once, then one each 10 s (reliability notes §3.1).
///
/// Only malformed and unknown keys count, so a good key from behind the same address is never kept waiting. A client is
/// an IPv4 address or an IPv6 /64, as observed: what a request claims of itself is the guesser's to choose.
package final class GuessLimit: Sendable {
    package static let burstDefault = 20
    static let intervalSeconds: Int64 = 10
    /// Clients remembered.
    static let clientsMax = 65_536

    /// Guesses that were told to wait.
    let limited = Counter()
    /// Nil without a limit.
    private let table: CellRateTable<CanonicalAddress>?

    /// `burst`: guesses at once; 0 for no limit.
    package init(burst: Int = burstDefault) {
        let rate = CellRate(burst: Int64(burst), intervalMilliseconds: Self.intervalSeconds * 1000)
        table = burst > 0 ? CellRateTable(rate, entriesMax: Self.clientsMax) : nil
    }

    /// Counts one guess of `client`; nil within the budget, else how long until the next one will be answered.
    func delay(for client: CanonicalAddress, at now: Timestamp) -> Duration? {
        let delay = table?.delay(for: client.clientBlock, at: now)
        if delay != nil { limited.add() }
        return delay
    }

    /// Clients in the table.
    var count: Int { table?.count ?? 0 }
}

extension Verdict {
    /// Whether the key opened nothing. Malformed and unknown keys are counted and refused alike: beyond the budget
    /// nobody learns which of the two a text is.
    var isGuess: Bool { self == .keyMalformed || self == .notFound }
}

extension CanonicalAddress {
    /// Who is behind it, for limits: the address itself, or the first one of its /64, of which a client has at least
    /// one.
    package var clientBlock: CanonicalAddress { isIPv4 ? self : CanonicalAddress(bits: bits & (UInt128.max << 64)) }
}
