package import Database
import Dispatch

/// A transaction that stands still where its body says so, until it is let go: by the test, or with this value when
/// the test has failed before. Whoever waits for what it holds would wait for ever otherwise.
package final class HeldTransaction<Value: Sendable>: Sendable {
    private let opened = DispatchSemaphore(value: 0)
    private let task: Task<Value, any Error>

    /// Returns once the transaction stands still, or has ended without that. A body that is run again passes `pause`.
    package init(
        _ run: @escaping @Sendable (_ pause: @escaping @Sendable () -> Void) async throws -> Value
    ) async {
        let opened = opened
        let (standing, arrival) = AsyncStream.makeStream(of: Never.self)
        task = Task {
            defer { arrival.finish() }
            return try await run {
                arrival.finish()
                opened.wait()
                opened.signal()
            }
        }
        for await _ in standing {}
    }

    /// Lets it go on.
    package func open() { opened.signal() }

    /// Lets it go on; what it comes to.
    package func letGo() async throws -> Value {
        open()
        return try await task.value
    }

    deinit { opened.signal() }
}

extension HeldTransaction<Void> {
    /// Keeps the database's writer busy, as a slow disk does, so that what waits for it can be looked at. With a body,
    /// keeps what it locked or stored in the open.
    package convenience init(
        in database: Database, gate: WriteGate = .exclusive,
        _ body: @escaping @Sendable (WriteTransaction) throws -> Void = { _ in }
    ) async {
        await self.init { pause in
            try await database.write(gate: gate) { transaction in
                try body(transaction)
                pause()
            }
        }
    }
}
