import DequeModule
import Synchronization

/// Who of this process may write now: the write gate again, on this side of the network.
///
/// The gate in the database opens at COMMIT, before the answer to it is here, so that alone would let the next
/// transaction of this process commit and be brought into memory first. Here a turn ends when memory has it. It also
/// keeps those who wait from holding a connection each, and from the time-out for locks.
final class WriteTurns: Sendable {
    /// Transactions that wait for their turn at most; more are refused at once.
    private static let waitingMax = 8_192

    private struct Waiting {
        let gate: WriteGate
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        /// Transactions that write now: any number of shared ones, or one exclusive one.
        var writing = 0
        var isExclusive = false
        var waiting = Deque<Waiting>()

        /// Whether a transaction may begin that nobody waits before.
        func admits(_ gate: WriteGate) -> Bool { writing == 0 || (gate == .shared && !isExclusive) }

        mutating func begin(_ gate: WriteGate) {
            writing += 1
            isExclusive = gate == .exclusive
        }

        /// Those at the head of the line who may begin now, taken from it.
        mutating func admitted() -> [Waiting] {
            var admitted: [Waiting] = []
            while let first = waiting.first, admits(first.gate) {
                begin(first.gate)
                admitted.append(waiting.removeFirst())
            }
            return admitted
        }
    }

    private let state = Mutex(State())

    /// Runs `body` in its turn: in the order of calls, shared ones beside each other. Throws what `body` throws, or
    /// `DatabaseError.unavailable`.
    func take<Value: Sendable>(_ gate: WriteGate, _ body: @Sendable () async throws -> Value) async throws -> Value {
        try await wait(for: gate)
        defer { end() }
        return try await body()
    }

    private func wait(for gate: WriteGate) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let answer = state.withLock { state -> Result<Void, any Error>? in
                if state.waiting.isEmpty, state.admits(gate) {
                    state.begin(gate)
                    return .success(())
                }
                guard state.waiting.count < Self.waitingMax else {
                    return .failure(DatabaseError.unavailable(detail: "too many transactions wait for their turn"))
                }
                state.waiting.append(Waiting(gate: gate, continuation: continuation))
                return nil
            }
            if let answer { continuation.resume(with: answer) }
        }
    }

    private func end() {
        let admitted = state.withLock { state in
            state.writing -= 1
            return state.admitted()
        }
        for waiting in admitted { waiting.continuation.resume() }
    }
}
