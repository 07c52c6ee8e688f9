import Synchronization

/// Every statement that a database ran, as its own trace reports them.
package final class StatementRecorder: Sendable {
    private let statements = Mutex([String]())

    package init() {}

    package func record(_ statement: String) { statements.withLock { $0.append(statement) } }

    /// What was run since the last call, in order.
    package func take() -> [String] {
        statements.withLock { statements in
            defer { statements = [] }
            return statements
        }
    }
}
