package import Database
import Primitives
import Synchronization

/// The way of newcomers to the database: a bounded queue in the order of their coming, every answer after the commit
/// that covers it (DESIGN D4). How claims are settled depends on who else writes: ``BatchedSettling``,
/// ``SeparateSettling``.
package final class SeatQueue: Sendable {
    /// The queue is full or too slow. Nothing was changed by this claim, or it will be found done when repeated.
    package struct Overloaded: Error {
        /// Seconds after which to try again.
        package let retryAfterSeconds: Int64

        static let standard = Overloaded(retryAfterSeconds: SeatQueue.retryAfterSeconds)
    }

    /// A claim that waited longer is refused instead of tried: its client has given up.
    package static let waitMaxDefault = Duration.seconds(2)
    static let retryAfterSeconds: Int64 = 1
    package static let depthMaxDefault = 4096

    private struct State: Sendable {
        var line: SeatLine
        /// Tasks at work on the line.
        var workers = 0
    }

    private let database: Database
    private let store: SeatStore
    private let index: LicenseIndex
    private let settling: any SeatSettling
    private let depthMax: Int
    private let waitMax: Duration
    private let state: Mutex<State>
    /// Claims that were refused, because the queue was full or they had waited too long.
    let refused = Counter()
    /// Seats taken.
    let activations = Counter()

    /// `refresh` brings memory up to date about licenses, where other processes write to `database` too.
    package init(
        database: Database, store: SeatStore, index: LicenseIndex, depthMax: Int = depthMaxDefault,
        waitMax: Duration = waitMaxDefault, refresh: @escaping MemoryRefresh = { _ in }
    ) {
        self.database = database
        self.store = store
        self.index = index
        self.depthMax = depthMax
        self.waitMax = waitMax
        let claims = SeatTransactions(store: store, index: index, activations: activations)
        settling =
            database.isShared
            ? SeparateSettling(database: database, claims: claims, refresh: refresh)
            : BatchedSettling(database: database, claims: claims)
        state = Mutex(State(line: SeatLine(keepsLicensesApart: database.isShared)))
    }

    /// Claims that wait.
    var depth: Int { state.withLock { $0.line.count } }

    /// Takes or confirms the claim's seat, durable before this returns. Throws `Overloaded`, or `DatabaseError` when
    /// the transaction failed.
    package func claim(_ claim: SeatClaim) async throws -> SeatOutcome {
        try await withCheckedThrowingContinuation { continuation in
            let waiting = WaitingClaim(claim: claim, until: .now.advanced(by: waitMax), answer: continuation)
            switch enqueue(waiting) {
            case .refused: refuse(waiting)
            case .queued: break
            case .needsWorker: Task { await work() }
            }
        }
    }

    /// What `claim` would come to now, undone again. Throws `DatabaseError`.
    func tried(_ claim: SeatClaim) async throws -> SeatOutcome {
        let (store, index) = (store, index)
        return try await database.change(claim.license, dryRun: true) { transaction in
            try store.claim(claim, lastSeen: { index.place($0)?.lastSeen }, in: transaction).outcome
        }
    }

    private enum Enqueued { case refused, queued, needsWorker }

    private func enqueue(_ waiting: WaitingClaim) -> Enqueued {
        state.withLock { state in
            guard state.line.count < depthMax else { return .refused }
            state.line.append(waiting)
            guard state.line.isReady, state.workers < settling.workersMax else { return .queued }
            state.workers += 1
            return .needsWorker
        }
    }

    /// Works until nothing is left that another worker is not at.
    private func work() async {
        while let batch = nextBatch() {
            let now = ContinuousClock.now
            for waiting in batch where waiting.until < now { refuse(waiting) }
            let inTime = batch.filter { $0.until >= now }
            if !inTime.isEmpty { await settling.settle(inTime) }
            state.withLock { $0.line.finish(batch) }
        }
    }

    private func refuse(_ waiting: WaitingClaim) {
        refused.add()
        waiting.answer.resume(throwing: Overloaded.standard)
    }

    private func nextBatch() -> [WaitingClaim]? {
        state.withLock { state in
            let batch = state.line.take(settling.batchMax)
            if batch.isEmpty { state.workers -= 1 }
            return batch.isEmpty ? nil : batch
        }
    }
}
