import Synchronization

/// An end of waiting that holds whatever is waited for: what does not end in time is canceled and left alone.
///
/// A task group would wait for its child even after the time, and a transport is somebody else's code.
struct Deadline: Sendable {
    let instant: ContinuousClock.Instant

    init(after duration: Duration) { instant = ContinuousClock.now + duration }

    /// The time that is left, never negative.
    var remaining: Duration { max(.zero, instant - ContinuousClock.now) }

    /// What `work` gives, or throws. Throws `TransportFailure.timedOut` at `limit` from now, and `CancellationError` as
    /// soon as the caller's task is canceled.
    static func first<Value: Sendable>(
        within limit: Duration, _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let race = Race<Value>()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                race.begin(continuation, within: limit, work)
            }
        } onCancel: {
            race.finish(.failure(CancellationError()))
        }
    }
}

/// One waiter, and whoever answers it first.
private final class Race<Value: Sendable>: Sendable {
    private struct State: Sendable {
        var waiter: CheckedContinuation<Value, any Error>?
        var tasks: [Task<Void, Never>] = []
        var isOver = false
    }

    private let state = Mutex(State())

    func begin(
        _ waiter: CheckedContinuation<Value, any Error>, within limit: Duration,
        _ work: @escaping @Sendable () async throws -> Value
    ) {
        let isOver = state.withLock { state in
            if !state.isOver { state.waiter = waiter }
            return state.isOver
        }
        guard !isOver else { return waiter.resume(throwing: CancellationError()) }
        let worker = Task {
            do { finish(.success(try await work())) } catch { finish(.failure(error)) }
        }
        let timer = Task {
            // Canceled when the work was faster.
            do { try await Task.sleep(for: limit) } catch { return }
            finish(.failure(TransportFailure.timedOut))
        }
        keep([worker, timer])
    }

    private func keep(_ tasks: [Task<Void, Never>]) {
        let isOver = state.withLock { state in
            state.tasks = tasks
            return state.isOver
        }
        if isOver { for task in tasks { task.cancel() } }
    }

    /// The first call answers the waiter and stops the others; later ones do nothing.
    func finish(_ result: Result<Value, any Error>) {
        let (waiter, tasks) = state.withLock { state in
            defer { state = State(isOver: true) }
            return (state.waiter, state.tasks)
        }
        waiter?.resume(with: result)
        for task in tasks { task.cancel() }
    }
}
