package import Primitives

/// One driver of SQL: SQLite here, PostgreSQL beside it. What differs between them stays behind this.
package protocol DatabaseDriver: Sendable {
    /// Runs `body` on a consistent view, off the event loops.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value

    /// Runs `body` in a transaction. `commit: false` undoes it after a success. `committed` is called after COMMIT and
    /// before the next transaction begins, so calls of it come in commit order.
    func write<Value: Sendable>(
        commit: Bool,
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value,
        committed: @escaping @Sendable (Value) -> Void
    ) async throws -> Value

    /// Whether the database holds no table yet.
    func isEmpty() async throws -> Bool

    /// Runs several statements that define tables; part of a migration.
    func define(_ sql: String, on connection: any SQLConnection) throws

    /// Copies the whole database into a new file at `path`: one consistent view, while others read and write.
    func backUp(to path: String) async throws

    /// What is wrong with the file itself and with references between rows; at most `limit` lines, none in a sound one.
    func damages(limit: Int) async throws -> [String]

    func close() throws
}

/// The database: named stores run their transactions through it.
///
/// Bodies are synchronous and may be run again by a driver after a conflict, so they have no effects besides their
/// statements.
package final class Database: Sendable {
    let driver: any DatabaseDriver
    private let committed = Counter()

    /// Transactions committed by `write`, since the start.
    package var writeTransactions: Int { committed.value }

    package init(driver: any DatabaseDriver) { self.driver = driver }

    /// The value that `body` reads from one consistent view.
    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (ReadTransaction) throws -> Value
    ) async throws -> Value {
        try await driver.read { try body(ReadTransaction(connection: $0)) }
    }

    /// Runs `body` in one transaction, durable when this returns. `committed` runs after the commit, in commit order
    /// and before this returns: the place to bring memory up to date. With `dryRun` the change is made, undone, and
    /// `committed` is not called.
    package func write<Value: Sendable>(
        dryRun: Bool = false,
        _ body: @escaping @Sendable (WriteTransaction) throws -> Value,
        committed: @escaping @Sendable (Value) -> Void = { _ in }
    ) async throws -> Value {
        let counter = self.committed
        return try await driver.write(
            commit: !dryRun, { try body(WriteTransaction(connection: $0)) },
            committed: { value in
                counter.add()
                committed(value)
            })
    }

    /// Whether nothing was ever stored here.
    package func isEmpty() async throws -> Bool { try await driver.isEmpty() }

    /// Brings the schema up to `migrations`, in one transaction, and returns the versions applied.
    ///
    /// An existing database is copied first to the path that `backupPath` gives. Throws `DatabaseError.newer` when the
    /// database needs a program that knows more.
    @discardableResult
    package func migrate(
        _ migrations: [Migration], at now: Timestamp, backupPath: (@Sendable (_ from: Int64) -> String)? = nil
    ) async throws -> [Int64] {
        let known = migrations.map(\.version).max() ?? 0
        let isNew = try await isEmpty()
        let state = isNew ? SchemaState() : try await read(SchemaState.init(reading:))
        guard state.readableFrom <= known else {
            throw DatabaseError.newer(required: state.readableFrom, known: known)
        }
        let pending = migrations.filter { !state.applied.contains($0.version) }.sorted { $0.version < $1.version }
        guard !pending.isEmpty else { return [] }
        if !isNew, let path = backupPath?(state.applied.max() ?? 0) { try await driver.backUp(to: path) }
        try await apply(pending, isNew: isNew, at: now)
        return pending.map(\.version)
    }

    private func apply(_ pending: [Migration], isNew: Bool, at now: Timestamp) async throws {
        let driver = driver
        _ = try await driver.write(commit: true) { connection in
            let transaction = WriteTransaction(connection: connection)
            if isNew { try driver.define(SchemaState.table, on: connection) }
            for migration in pending {
                try driver.define(migration.sql, on: connection)
                try transaction.execute(
                    "INSERT INTO schema_versions (version, name, readable_from, applied_at) VALUES (?, ?, ?, ?)",
                    migration.version, migration.name, migration.readableFrom, now)
            }
        } committed: { (_: Void) in
        }
    }

    /// Throws when the database no longer takes changes.
    package func checkWritable() async throws {
        try await driver.write(commit: false) { _ in
        } committed: {
        }
    }

    /// Ends all work; the database may be opened again by another process.
    package func close() throws { try driver.close() }
}
