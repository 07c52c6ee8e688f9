package import Database
import Synchronization

/// Where memory stands behind a database that other nodes write to.
package struct FeedStatus: Sendable {
    /// Everything that transactions before this one did is in memory.
    package let position: Int64
    /// The time since memory had everything that was committed.
    package let age: Duration
    /// Events that were followed, since the start.
    package let events: Int
}

/// How far this process's memory has followed the database that other nodes write to.
package final class FeedProgress: Sendable {
    private struct Reached: Sendable {
        var position = TransactionID.none
        /// Readings that did not see all there was when they began, the oldest first: a transaction was running.
        var open: [(begun: ContinuousClock.Instant, next: TransactionID)] = []
        var epoch: Int64 = 0
        var events = 0
    }

    private let reached = Mutex(Reached())
    private let now: @Sendable () -> ContinuousClock.Instant
    private let base: ContinuousClock.Instant
    /// Nanoseconds after `base` at which the last reading began that saw everything.
    private let seenAt = Atomic<Int64>(0)

    /// `now`: a clock that nobody sets, and that goes on while the process stands still.
    package init(now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.now = now
        base = now()
    }

    /// Beyond this age a node asks for no new requests.
    package static let readyAgeMax = Duration.seconds(10)

    /// Everything that transactions before this one did is in memory.
    package var position: TransactionID { reached.withLock { $0.position } }

    /// Events that were followed, since the start.
    package var events: Int { reached.withLock { $0.events } }

    /// The time since memory had everything that was committed.
    package var age: Duration {
        base.duration(to: now()) - .nanoseconds(seenAt.load(ordering: .relaxed))
    }

    var epoch: Int64 { reached.withLock { $0.epoch } }

    /// Notes that memory was read wholly again, at `position` of what may be another history.
    func restart(at position: TransactionID, epoch: Int64, begun: ContinuousClock.Instant) {
        reached.withLock { reached in
            reached.position = position
            reached.epoch = epoch
            reached.open.removeAll()
        }
        note(begun)
    }

    /// The instant at which a reading begins; given back with what it saw.
    func begin() -> ContinuousClock.Instant { now() }

    /// Notes that memory has every event before `position`, and when `isLast`, all of the transactions that were over
    /// by `horizon`. What others had begun by then is in memory once a later horizon is beyond them.
    func reach(
        _ position: TransactionID, events: Int, isLast: Bool, _ horizon: TransactionHorizon,
        begun: ContinuousClock.Instant
    ) {
        let complete = reached.withLock { reached -> ContinuousClock.Instant? in
            reached.position = max(reached.position, position)
            reached.events += events
            guard isLast else { return nil }
            // Numbers that went back, as they do after a crash, can settle nothing that counted on the higher ones.
            reached.open.removeAll { $0.next > horizon.next }
            if reached.open.count < Self.openMax { reached.open.append((begun, horizon.next)) }
            let settled = reached.open.prefix { $0.next <= horizon.settled }
            reached.open.removeFirst(settled.count)
            return settled.last?.begun
        }
        if let complete { note(complete) }
    }

    /// Readings remembered at most, a few minutes of them: later ones are left out, so the age is told too high.
    private static let openMax = 1_000

    private func note(_ begun: ContinuousClock.Instant) {
        let elapsed = base.duration(to: begun).components
        seenAt.store(elapsed.seconds * 1_000_000_000 + elapsed.attoseconds / 1_000_000_000, ordering: .relaxed)
    }
}
