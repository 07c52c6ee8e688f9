package import Primitives
import Synchronization

/// A pace: `burst` at once, then one each interval.
///
/// The generic cell rate algorithm (ITU-T I.371): the instant at which the bucket will be full again is all the state
/// there is.
package struct CellRate: Sendable {
    enum Decision: Sendable, Equatable {
        /// Go on, and remember this instant.
        case pass(fullAgainAt: Timestamp)
        /// How long until the next one may.
        case wait(Duration)
    }

    /// 1 or more.
    let burst: Int64
    let intervalMilliseconds: Int64

    /// `burst`: 1 or more at once; then one each interval.
    package init(burst: Int64, intervalMilliseconds: Int64) {
        self.burst = burst
        self.intervalMilliseconds = intervalMilliseconds
    }

    private var burstDuration: Duration { .milliseconds(burst * intervalMilliseconds) }

    /// What is decided at `now`; `fullAgainAt` is what the last `pass` said, nil before the first.
    func decide(fullAgainAt: Timestamp?, at now: Timestamp) -> Decision {
        // Later than a full burst from now is what a clock that was set back leaves: it would lock someone out.
        let known = fullAgainAt.flatMap { $0 <= now + burstDuration ? $0 : nil }
        let next = max(known ?? now, now) + .milliseconds(intervalMilliseconds)
        let excess = next - now - burstDuration
        return excess <= .zero ? .pass(fullAgainAt: next) : .wait(excess)
    }
}

/// The pace of each of many, in a bounded table: those whose bucket is full again are forgotten first, all when there
/// is none.
package final class CellRateTable<Key: Hashable & Sendable>: Sendable {
    private let rate: CellRate
    private let entriesMax: Int
    private let fullAgainAt = Mutex([Key: Timestamp]())

    /// `entriesMax`: keys remembered.
    package init(_ rate: CellRate, entriesMax: Int) {
        self.rate = rate
        self.entriesMax = entriesMax
    }

    /// Nil when `key` may go on, else how long until it may.
    package func delay(for key: Key, at now: Timestamp) -> Duration? {
        fullAgainAt.withLock { table in
            switch rate.decide(fullAgainAt: table[key], at: now) {
            case .wait(let delay): return delay
            case .pass(let next):
                if table[key] == nil, table.count >= entriesMax { makeRoom(in: &table, at: now) }
                table[key] = next
                return nil
            }
        }
    }

    /// Keys in the table.
    var count: Int { fullAgainAt.withLock { $0.count } }

    private func makeRoom(in table: inout [Key: Timestamp], at now: Timestamp) {
        table = table.filter { $0.value > now }
        if table.count >= entriesMax { table.removeAll() }
    }
}
