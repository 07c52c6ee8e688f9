package import Primitives
import Synchronization

/// One driver of SQL: SQLite here, PostgreSQL beside it. What differs between them stays behind this.
package protocol DatabaseDriver: Sendable {
    /// Whether other processes may write to the same database.
    var isShared: Bool { get }

    /// Runs `body` on a consistent view, off the event loops. `patience` is how long a server may take to answer one
    /// statement.
    func read<Value: Sendable>(
        patience: Duration, _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value

    /// Runs `body` in a transaction. `commit: false` undoes it after a success. `committed` is called after COMMIT;
    /// with one writer before the next transaction begins, so calls of it come in commit order.
    func write<Value: Sendable>(
        commit: Bool, gate: WriteGate, patience: Duration,
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value,
        committed: @escaping @Sendable (Value, TransactionID) -> Void
    ) async throws -> Value

    /// Whether the database holds no table yet.
    func isEmpty() async throws -> Bool

    /// The same, inside a transaction.
    func isUndefined(on connection: any SQLConnection) throws -> Bool

    /// Runs `body`, which defines tables, in a transaction beside which nothing else is written.
    func changeSchema(_ body: @escaping @Sendable (any SQLConnection) throws -> Void) async throws

    /// Makes one step of the schema; part of `changeSchema`.
    func define(_ migration: Migration, on connection: any SQLConnection) throws

    /// Makes the first table of a new database, which says what program it belongs to; part of `changeSchema`.
    func defineVersions(_ table: String, on connection: any SQLConnection) throws

    /// Copies the whole database into a new SQLite file at `path`: one consistent view, while others read and write.
    /// `migrations` are all that may have been made here.
    func backUp(to path: String, migrations: [Migration]) async throws

    /// Keeps the transaction of `connection` from being ended while it waits for another database.
    func keepOpen(_ connection: any SQLConnection) throws

    /// Every table that holds rows, from the database's own catalog.
    func tables(on connection: any SQLConnection) throws -> [TableShape]

    /// Takes all rows out of `tables`, parents first in it.
    func empty(_ tables: [TableShape], on connection: any SQLConnection) throws

    /// The last number that was given to a new row, by the name of its table.
    func counters(of tables: [TableShape], on connection: any SQLConnection) throws -> [String: Int64]

    /// Lets new rows be numbered after `counters` at least.
    func raise(_ counters: [String: Int64], of tables: [TableShape], on connection: any SQLConnection) throws

    /// What is wrong with the file itself and with references between rows; at most `limit` lines, none in a sound one.
    func damages(limit: Int) async throws -> [String]

    func close() throws
}

/// How a write stands to others at the same time. With one writer there is no difference.
package enum WriteGate: Sendable {
    /// Alone: no other write of any process at the same time.
    case exclusive
    /// Beside other shared ones. Who changes a license locks it first (``WriteTransaction/lock(_:_:_:)``).
    case shared
}

/// Which transaction of a shared database made a change: PostgreSQL's `xid8`. 0 with one writer, and for a
/// transaction that changed nothing.
package struct TransactionID: Sendable, Equatable, Comparable {
    package static let none = TransactionID(0)

    package let rawValue: Int64

    package init(_ rawValue: Int64) { self.rawValue = rawValue }

    package var next: TransactionID { TransactionID(rawValue + 1) }

    package static func < (one: TransactionID, other: TransactionID) -> Bool { one.rawValue < other.rawValue }
}

/// Which transactions of a shared database are over in a view of it.
package struct TransactionHorizon: Sendable, Equatable {
    package static let none = TransactionHorizon(settled: .none, next: .none)

    /// All before this one are over: nothing of them is missing in the view, and nothing will be added.
    package let settled: TransactionID
    /// None from this one on has begun. Numbers from `settled` on say nothing by themselves: those of transactions that
    /// left nothing on disk are given again after a crash.
    package let next: TransactionID

    package init(settled: TransactionID, next: TransactionID) {
        self.settled = settled
        self.next = next
    }
}

extension Duration {
    /// How long a server may take to answer a statement of an ordinary transaction.
    package static let statementPatience = Duration.seconds(30)
    /// The same where a client waits for the answer.
    package static let claimPatience = Duration.seconds(5)
    /// The same for a statement that changes the schema of a large database.
    package static let schemaChange = Duration.seconds(3_600)
}

/// The database: named stores run their transactions through it.
///
/// Bodies are synchronous and may be run again by a driver after a conflict, so they have no effects besides their
/// statements.
package final class Database: Sendable {
    let driver: any DatabaseDriver
    private let committed = Counter()
    /// Memory has everything that transactions before this one did.
    private let followed = Mutex(TransactionID.none)

    /// Transactions committed by `write`, since the start.
    package var writeTransactions: Int { committed.value }

    /// Whether other processes may write to the same database: what memory knows may be old then.
    package var isShared: Bool { driver.isShared }

    package init(driver: any DatabaseDriver) { self.driver = driver }

    /// The value that `body` reads from one consistent view. `patience` is how long a server may take to answer one
    /// statement.
    package func read<Value: Sendable>(
        patience: Duration = .statementPatience, _ body: @escaping @Sendable (ReadTransaction) throws -> Value
    ) async throws -> Value {
        try await driver.read(patience: patience) { try body(ReadTransaction(connection: $0)) }
    }

    /// Runs `body` in one transaction, durable when this returns. `committed` runs after the commit and before this
    /// returns, in commit order where there is one writer: the place to bring memory up to date. With `dryRun` the
    /// change is made, undone, and `committed` is not called. Throws `DatabaseError`; after `.unknownOutcome` whoever
    /// called looks for what was done by its natural key.
    package func write<Value: Sendable>(
        dryRun: Bool = false, gate: WriteGate = .exclusive, patience: Duration = .statementPatience,
        _ body: @escaping @Sendable (WriteTransaction) throws -> Value,
        committed: @escaping @Sendable (Value) -> Void = { _ in }
    ) async throws -> Value {
        let requirement = Self.requirement
        return try await driver.write(
            commit: !dryRun, gate: gate, patience: patience,
            { connection in
                let transaction = WriteTransaction(connection: connection)
                try requirement?(transaction)
                return try body(transaction)
            },
            committed: { value, transaction in
                self.committed.add()
                self.bringMemory(to: transaction) { committed(value) }
            })
    }

    /// Lets `apply` bring memory up to date with a transaction of this process, unless a follower did that already: the
    /// follower read rows that may be newer.
    private func bringMemory(to transaction: TransactionID, _ apply: () -> Void) {
        guard driver.isShared else { return apply() }
        followed.withLock { if transaction >= $0 || transaction == .none { apply() } }
    }

    /// Lets a follower bring memory up to date with everything that transactions before `horizon` did. `anew`: memory
    /// was read wholly, from what may be another history, whose numbers are lower.
    package func follow(before horizon: TransactionID, anew: Bool = false, _ apply: () -> Void) {
        followed.withLock { followed in
            apply()
            followed = anew ? horizon : max(followed, horizon)
        }
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
        guard !state.pending(of: migrations).isEmpty else { return [] }
        if !isNew, let path = backupPath?(state.applied.max() ?? 0) {
            try await driver.backUp(to: path, migrations: migrations)
        }
        return try await apply(migrations, at: now)
    }

    /// Makes the steps that are missing once the schema is ours alone: another node may have made them meanwhile.
    private func apply(_ migrations: [Migration], at now: Timestamp) async throws -> [Int64] {
        let driver = driver
        let made = Mutex<[Int64]>([])
        try await driver.changeSchema { connection in
            let transaction = WriteTransaction(connection: connection)
            if try driver.isUndefined(on: connection) { try driver.defineVersions(SchemaState.table, on: connection) }
            let pending = try SchemaState(reading: transaction.reading).pending(of: migrations)
            for migration in pending {
                try driver.define(migration, on: connection)
                try transaction.execute(
                    "INSERT INTO schema_versions (version, name, readable_from, applied_at) VALUES (?, ?, ?, ?)",
                    migration.version, migration.name, migration.readableFrom, now)
            }
            made.withLock { $0 = pending.map(\.version) }
        }
        return made.withLock { $0 }
    }

    /// Throws when the database no longer takes changes.
    package func checkWritable() async throws {
        try await driver.write(commit: false, gate: .shared, patience: .claimPatience) { _ in
        } committed: { _, _ in
        }
    }

    /// Ends all work; the database may be opened again by another process.
    package func close() throws { try driver.close() }
}
