import Dispatch
import Synchronization

/// Carries rows from the thread that reads one database to the thread that writes the other: bodies of transactions
/// are synchronous. Bounded, so that neither runs far ahead.
final class CopyQueue<Mark: Sendable>: Sendable {
    /// Batches between the two at most.
    private static var batchesMax: Int { 8 }

    enum Part: Sendable {
        case plan(CopyPlan)
        /// Rows of the table at this place in the plan.
        case rows(table: Int, [[SQLValue]])
        /// What the source ends with.
        case end(Mark)
    }

    private struct State {
        var parts: [Part] = []
        var hasReader = false
        var hasWriter = false
        var failure: (any Error)?
    }

    private let state = Mutex(State())
    private let room = DispatchSemaphore(value: 0)
    private let filled = DispatchSemaphore(value: 0)

    /// The first error of either side.
    var failure: (any Error)? { state.withLock { $0.failure } }

    init() { for _ in 0..<Self.batchesMax { room.signal() } }

    /// Called by each attempt to read. A second one fails as the first did: its rows are under way.
    func beginReading() throws {
        try state.withLock { state in
            guard !state.hasReader else { throw state.failure ?? Self.interrupted }
            state.hasReader = true
        }
    }

    /// The same for an attempt to write.
    func beginWriting() throws {
        try state.withLock { state in
            guard !state.hasWriter else { throw state.failure ?? Self.interrupted }
            state.hasWriter = true
        }
    }

    private static var interrupted: DatabaseError { .unavailable(detail: "the connection ended during the copy") }

    /// Waits for room. Throws what ended the other side.
    func put(_ part: Part) throws {
        room.wait()
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            state.parts.append(part)
        }
        filled.signal()
    }

    /// Waits for the next part. Throws what ended the other side.
    func take() throws -> Part {
        filled.wait()
        let part = try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.parts.removeFirst()
        }
        room.signal()
        return part
    }

    /// Ends both sides; the first error is the one they tell.
    func fail(_ error: any Error) {
        state.withLock { $0.failure = $0.failure ?? error }
        room.signal()
        filled.signal()
    }
}
