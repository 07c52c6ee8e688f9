import Synchronization

/// Every statement that a database ran, as its own trace reports them.
///
/// What reads or changes rows is kept apart from the beginnings and ends of transactions: the driver ends a read after
/// its answer was given, so those may arrive when nobody expects them any more.
package final class StatementRecorder: Sendable {
    private struct Record: Sendable {
        var statements: [String] = []
        var commits = 0
    }

    /// A `DECLARE` is none: the statement of a scan stands in it.
    private static let bookkeeping = [
        "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA", "LOCK TABLE write_gate", "FETCH", "CLOSE",
        "SELECT pg_current_xact_id",
    ]

    private let record = Mutex(Record())

    package init() {}

    package func record(_ statement: String) {
        record.withLock { record in
            if statement.hasPrefix("COMMIT") { record.commits += 1 }
            if !Self.bookkeeping.contains(where: statement.hasPrefix) { record.statements.append(statement) }
        }
    }

    /// What read or changed rows since the last call, in order.
    package func take() -> [String] {
        record.withLock { record in
            defer { record.statements = [] }
            return record.statements
        }
    }

    /// The same where one process has the database to itself; nothing otherwise. On a shared one a key that memory does
    /// not know is asked for, and how often is what the tests of that question hold.
    package func takeWhereAlone() -> [String] {
        let statements = take()
        return TestDatabase.isShared ? [] : statements
    }

    /// How many transactions were committed since the last call.
    package func takeCommits() -> Int {
        record.withLock { record in
            defer { record.commits = 0 }
            return record.commits
        }
    }
}
