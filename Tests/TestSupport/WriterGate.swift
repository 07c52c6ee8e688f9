package import Database
import Dispatch

/// Keeps the database's writer busy, as a slow disk does, so that what waits for it can be looked at.
package final class WriterGate: Sendable {
    private let opened = DispatchSemaphore(value: 0)

    /// Returns once the writer is held.
    package init(closing database: Database) async {
        let opened = opened
        await withCheckedContinuation { (held: CheckedContinuation<Void, Never>) in
            Task {
                try await database.write { _ in
                    held.resume()
                    opened.wait()
                }
            }
        }
    }

    package func open() { opened.signal() }
}
