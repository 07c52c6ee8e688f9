import Synchronization

/// Lets one backup be made at a time: each takes the size of the database on the disk until it is done.
package final class BackupTurn: Sendable {
    private let isTaken = Mutex(false)

    /// Runs `body` unless another is running. Throws `BackupFailure.busy`.
    func take<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        let isMine = isTaken.withLock { taken in
            defer { taken = true }
            return !taken
        }
        guard isMine else { throw BackupFailure.busy }
        defer { isTaken.withLock { $0 = false } }
        return try await body()
    }
}
