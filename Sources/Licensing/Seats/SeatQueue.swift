package import Database
import DequeModule
import Primitives
import Synchronization

/// The way of newcomers to the one writer: a bounded queue, many claims in a transaction, each in its savepoint, every
/// answer after the commit that covers it (DESIGN D4).
package final class SeatQueue: Sendable {
    /// The queue is full or too slow. Nothing was changed by this claim, or it will be found done when repeated.
    package struct Overloaded: Error {
        /// Seconds after which to try again.
        package let retryAfterSeconds: Int64
    }

    /// Claims in one transaction: enough to share one fsync among many, few enough to answer soon.
    static let batchMax = 256
    /// A claim that waited longer is refused instead of tried: its client has given up.
    package static let waitMaxDefault = Duration.seconds(2)
    static let retryAfterSeconds: Int64 = 1
    package static let depthMaxDefault = 4096

    private struct Pending: Sendable {
        let claim: SeatClaim
        let queuedAt: ContinuousClock.Instant
        let answer: CheckedContinuation<SeatOutcome, any Error>
    }

    private struct State: Sendable {
        var pending = Deque<Pending>()
        /// Whether a task is at work on the queue; at most one is.
        var isDraining = false
    }

    private let database: Database
    private let store: SeatStore
    private let index: LicenseIndex
    private let depthMax: Int
    private let waitMax: Duration
    private let state = Mutex(State())
    /// Claims that were refused, because the queue was full or they had waited too long.
    let refused = Counter()
    /// Seats taken.
    let activations = Counter()

    package init(
        database: Database, store: SeatStore, index: LicenseIndex, depthMax: Int = depthMaxDefault,
        waitMax: Duration = waitMaxDefault
    ) {
        self.database = database
        self.store = store
        self.index = index
        self.depthMax = depthMax
        self.waitMax = waitMax
    }

    /// Claims that wait.
    var depth: Int { state.withLock { $0.pending.count } }

    /// Takes or confirms the claim's seat, durable before this returns. Throws `Overloaded`, or `DatabaseError` when
    /// the transaction failed.
    package func claim(_ claim: SeatClaim) async throws -> SeatOutcome {
        try await withCheckedThrowingContinuation { continuation in
            let pending = Pending(claim: claim, queuedAt: .now, answer: continuation)
            switch enqueue(pending) {
            case .refused: refuse(pending)
            case .queued: break
            case .queuedFirst: Task { await drain() }
            }
        }
    }

    /// What `claim` would come to now, undone again. Throws `DatabaseError`.
    func tried(_ claim: SeatClaim) async throws -> SeatOutcome {
        let (store, index) = (store, index)
        return try await database.write(dryRun: true) { transaction in
            try store.claim(claim, lastSeen: { index.place($0)?.lastSeen }, in: transaction).outcome
        }
    }

    private enum Enqueued { case refused, queued, queuedFirst }

    private func enqueue(_ pending: Pending) -> Enqueued {
        state.withLock { state in
            guard state.pending.count < depthMax else { return .refused }
            state.pending.append(pending)
            defer { state.isDraining = true }
            return state.isDraining ? .queued : .queuedFirst
        }
    }

    /// Works until the queue is empty.
    private func drain() async {
        while let batch = nextBatch() {
            let now = ContinuousClock.now
            let waitMax = waitMax
            let isLate = { (pending: Pending) in pending.queuedAt.duration(to: now) > waitMax }
            for pending in batch where isLate(pending) {
                refuse(pending)
            }
            let inTime = batch.filter { !isLate($0) }
            if !inTime.isEmpty { await settle(inTime) }
        }
    }

    private func refuse(_ pending: Pending) {
        refused.add()
        pending.answer.resume(throwing: Overloaded(retryAfterSeconds: Self.retryAfterSeconds))
    }

    private func nextBatch() -> [Pending]? {
        state.withLock { state in
            let batch = Array(state.pending.prefix(Self.batchMax))
            state.pending.removeFirst(batch.count)
            if batch.isEmpty { state.isDraining = false }
            return batch.isEmpty ? nil : batch
        }
    }

    private func settle(_ batch: [Pending]) async {
        let (store, index, activations) = (store, index, activations)
        let claims = batch.map(\.claim)
        do {
            let results = try await database.write { transaction in
                try claims.map { try Self.attempt($0, store, index, in: transaction) }
            } committed: { results in
                for case .success(let claimed) in results {
                    if index.gainsSeat(from: claimed.changes) { activations.add() }
                    index.apply(claimed.changes)
                }
            }
            for (pending, result) in zip(batch, results) { pending.answer.resume(with: result.map(\.outcome)) }
        } catch {
            for pending in batch { pending.answer.resume(throwing: error) }
        }
    }

    private typealias Claimed = (outcome: SeatOutcome, changes: [IndexChange])

    /// One claim in its savepoint: what goes wrong with it alone is its own failure. A database that cannot write at
    /// all fails the whole batch.
    private static func attempt(
        _ claim: SeatClaim, _ store: SeatStore, _ index: LicenseIndex, in transaction: WriteTransaction
    ) throws -> Result<Claimed, any Error> {
        do {
            let claimed = try transaction.savepoint { transaction -> Claimed? in
                try store.claim(claim, lastSeen: { index.place($0)?.lastSeen }, in: transaction)
            }
            guard let claimed else { preconditionFailure("a savepoint whose body returned a value has one") }
            return .success(claimed)
        } catch let error as DatabaseError {
            guard case .conflict = error else { throw error }
            return .failure(error)
        } catch {
            return .failure(error)
        }
    }
}
