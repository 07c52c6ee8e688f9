import DequeModule
import Dispatch
import Synchronization

/// The connections of this process to one PostgreSQL database: at most so many, each lent to one transaction at a time.
final class PostgreSQLPool: Sendable {
    /// Transactions that wait for a connection at most; more are refused at once.
    private static let waitingMax = 1_024

    fileprivate struct State {
        var idle: [PostgreSQLSession] = []
        var lent: [ObjectIdentifier: PostgreSQLSession] = [:]
        /// Lent, idle and being made.
        var count = 0
        var waiting = Deque<CheckedContinuation<PostgreSQLSession?, any Error>>()
        var failure: (error: DatabaseError, until: ContinuousClock.Instant)?
        var isClosed = false
    }

    private let address: PostgreSQLAddress
    private let connectionsMax: Int
    private let backOff: Duration
    private let onStatement: (@Sendable (String) -> Void)?
    private let state = Mutex(State())

    init(
        _ address: PostgreSQLAddress, connectionsMax: Int, backOff: Duration,
        onStatement: (@Sendable (String) -> Void)?
    ) {
        self.address = address
        self.backOff = backOff
        self.connectionsMax = connectionsMax
        self.onStatement = onStatement
    }

    /// Runs `body` on a thread that may wait, with a connection of its own. Throws what `body` throws, or
    /// `DatabaseError.unavailable`.
    func use<Value: Sendable>(_ body: @escaping @Sendable (PostgreSQLSession) throws -> Value) async throws -> Value {
        let lent = try await borrow()
        let thread = lent?.thread ?? Self.makeThread()
        return try await withCheckedThrowingContinuation { continuation in
            thread.async {
                do {
                    let session = try lent ?? self.connect(on: thread)
                    let result = Result { try body(session) }
                    self.giveBack(session)
                    continuation.resume(with: result)
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }

    /// Ends all connections; those that are lent end when they come back.
    func close() {
        let waiting = state.withLock { state in
            defer { (state.idle, state.waiting, state.isClosed) = ([], [], true) }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(throwing: Self.closed) }
    }

    /// Forgets idle connections, whose server is not what it was.
    func forgetIdle() {
        state.withLock { state in
            state.count -= state.idle.count
            state.idle = []
        }
    }

    /// A serial queue has a thread as soon as it has work. Those of a concurrent one share as many as there are cores,
    /// and get one more a second while all of them wait for the network.
    private static func makeThread() -> DispatchQueue { DispatchQueue(label: "signet.postgresql") }

    private static let closed = DatabaseError.unavailable(detail: "the database was closed")

    /// A connection, or nil for the right to make one.
    private func borrow() async throws -> PostgreSQLSession? {
        try await withCheckedThrowingContinuation { continuation in
            let answer = state.withLock { state -> Result<PostgreSQLSession?, any Error>? in
                if state.isClosed { return .failure(Self.closed) }
                if let session = state.idle.popLast() {
                    state.lent[ObjectIdentifier(session)] = session
                    return .success(session)
                }
                if let failure = state.failure, failure.until > .now { return .failure(failure.error) }
                if state.count < connectionsMax {
                    state.count += 1
                    return .success(nil)
                }
                guard state.waiting.count < Self.waitingMax else {
                    return .failure(DatabaseError.unavailable(detail: "too many transactions wait for a connection"))
                }
                state.waiting.append(continuation)
                return nil
            }
            if let answer { continuation.resume(with: answer) }
        }
    }

    private func connect(on thread: DispatchQueue) throws -> PostgreSQLSession {
        do {
            let session = try PostgreSQLSession(address, thread: thread, onStatement: onStatement)
            state.withLock { $0.succeed(with: session) }
            return session
        } catch let error as PostgreSQLError {
            let error = error.translated
            let waiting = state.withLock { state in
                state.count -= 1
                state.failure = (error, .now + backOff)
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in waiting { continuation.resume(throwing: error) }
            throw error
        }
    }

    private func giveBack(_ session: PostgreSQLSession) {
        let (next, session) = state.withLock {
            state -> (CheckedContinuation<PostgreSQLSession?, any Error>?, PostgreSQLSession?) in
            let kept = session.isLost || session.isInDoubt || state.isClosed ? nil : session
            state.lent[ObjectIdentifier(session)] = nil
            if let next = state.waiting.popFirst() {
                if let kept { state.lent[ObjectIdentifier(kept)] = kept }
                return (next, kept)
            }
            if let kept { state.idle.append(kept) } else { state.count -= 1 }
            return (nil, kept)
        }
        next?.resume(returning: session)
    }
}

extension PostgreSQLPool.State {
    /// Takes `session` in, which was just made. Connections to another server are to one that hangs, or was replaced:
    /// a primary that is gone without a word closes none, and a COMMIT would wait for it as long as COMMITs may.
    fileprivate mutating func succeed(with session: PostgreSQLSession) {
        failure = nil
        for other in lent.values where other.server != session.server { other.putInDoubt() }
        let before = idle.count
        idle.removeAll { $0.server != session.server }
        count -= before - idle.count
        lent[ObjectIdentifier(session)] = session
    }
}
