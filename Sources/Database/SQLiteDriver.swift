import Foundation
import GRDB
import Synchronization

/// SQLite through GRDB: one connection writes and checkpoints, pooled connections only read (DESIGN D1).
///
/// WAL with `synchronous=FULL`: with NORMAL a power loss takes acknowledged commits with it. No `mmap_size`.
package final class SQLiteDriver: DatabaseDriver {
    /// "Sgnt": marks our files, so that a path given by mistake is refused instead of filled.
    package static let applicationID: Int64 = 0x5367_6E74

    /// Seconds to wait for a program outside, such as a shell, that holds the file: less than a client waits for us.
    private static let busySeconds = 1.0

    /// Concurrent readers. Reads serve operators and starts only, never a validation.
    private static let readersMax = 4

    /// DESIGN D1: one process owns the file.
    package let isShared = false

    private let writer: any DatabaseWriter
    private let failure = Mutex<DatabaseError?>(nil)
    private let onFailure: @Sendable (DatabaseError) -> Void

    private init(writer: any DatabaseWriter, onFailure: @escaping @Sendable (DatabaseError) -> Void) {
        self.writer = writer
        self.onFailure = onFailure
    }

    /// Opens or creates the file at `path`. `onStatement` receives the text of each statement run, for tests;
    /// `onFailure` learns of the first write that failed in an unknown state, after which no other is tried.
    /// Throws `DatabaseError.unavailable`, `.corrupt` or `.foreign`.
    package static func open(
        path: String, onStatement: (@Sendable (String) -> Void)? = nil,
        onFailure: @escaping @Sendable (DatabaseError) -> Void = { _ in }
    ) throws -> SQLiteDriver {
        try translatingErrors {
            try checkOwner(of: path)
            let driver = SQLiteDriver(
                writer: try DatabasePool(path: path, configuration: configuration(onStatement)), onFailure: onFailure)
            try driver.prepareWriter()
            return driver
        }
    }

    /// A database that lives as long as this object: the real thing for tests, without a file.
    package static func inMemory(onStatement: (@Sendable (String) -> Void)? = nil) throws -> SQLiteDriver {
        try translatingErrors {
            let driver = SQLiteDriver(
                writer: try DatabaseQueue(configuration: configuration(onStatement)), onFailure: { _ in })
            try driver.prepareWriter()
            return driver
        }
    }

    /// Opens the file at `path` without writing to it, not even a log beside it. Throws as `open` does.
    package static func reading(path: String) throws -> SQLiteDriver {
        try translatingErrors {
            try checkOwner(of: path)
            var configuration = configuration(nil)
            configuration.readonly = true
            return SQLiteDriver(
                writer: try DatabaseQueue(path: path, configuration: configuration), onFailure: { _ in })
        }
    }

    private static func configuration(_ onStatement: (@Sendable (String) -> Void)?) -> Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(busySeconds)
        configuration.maximumReaderCount = readersMax
        configuration.foreignKeysEnabled = true
        if let onStatement {
            configuration.prepareDatabase { $0.trace { onStatement($0.description) } }
        }
        return configuration
    }

    /// Refuses another program's file before anything is written to it: turning the write-ahead log on writes already.
    private static func checkOwner(of path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else { return }
        var readonly = configuration(nil)
        readonly.readonly = true
        let file = try DatabaseQueue(path: path, configuration: readonly)
        try file.read { database in
            let applicationID = try Int64.fetchOne(database, sql: "PRAGMA application_id") ?? 0
            let tables = try Int64.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
            guard applicationID == Self.applicationID || (applicationID == 0 && tables == 0) else {
                throw DatabaseError.foreign(detail: "application_id \(applicationID)")
            }
        }
        try file.close()
    }

    /// GRDB sets `synchronous=NORMAL` when it turns WAL on, so FULL is set after it, and read back by a test. Without
    /// recursive triggers an `INSERT OR REPLACE` deletes rows past the triggers that guard the journal.
    private func prepareWriter() throws {
        try writer.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = FULL; PRAGMA recursive_triggers = ON")
        }
    }

    /// Brings the write-ahead log into the file first: the connection that closes last may be one that only reads.
    package func close() throws {
        try translatingErrors {
            // A log that cannot be brought in now, on a full disk say, is found by the next start.
            try? writer.writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
            try writer.close()
        }
    }
}

// MARK: - Transactions

extension SQLiteDriver {
    package func read<Value: Sendable>(
        patience: Duration, _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            writer.asyncRead { access in
                continuation.resume(with: Result { try translatingErrors { try body(SQLiteConnection(access.get())) } })
            }
        }
    }

    package func write<Value: Sendable>(
        commit: Bool, gate: WriteGate, patience: Duration,
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value,
        committed: @escaping @Sendable (Value, TransactionID) -> Void
    ) async throws -> Value {
        // Not GRDB's async form: that one aborts the transaction when the calling task is canceled.
        try await withCheckedThrowingContinuation { continuation in
            writer.asyncWriteWithoutTransaction { database in
                continuation.resume(
                    with: Result {
                        try self.transact(on: database, commit: commit, body) { committed($0, .none) }
                    })
            }
        }
    }

    private func transact<Value>(
        on database: GRDB.Database,
        commit: Bool,
        _ body: (any SQLConnection) throws -> Value,
        committed: (Value) -> Void
    ) throws -> Value {
        if let failure = failure.withLock({ $0 }) { throw failure }
        do {
            let value = try translatingErrors {
                var value: Value?
                try database.inTransaction(.immediate) {
                    value = try body(SQLiteConnection(database))
                    return commit ? .commit : .rollback
                }
                return value
            }
            guard let value else { preconditionFailure("a transaction that did not throw has a value") }
            if commit { committed(value) }
            return value
        } catch let error as DatabaseError {
            if case .failed = error {
                failure.withLock { $0 = error }
                onFailure(error)
            }
            throw error
        }
    }
}

// MARK: - Schema and backup

extension SQLiteDriver {
    package func isEmpty() async throws -> Bool {
        try await read(patience: .statementPatience, isUndefined(on:))
    }

    package func isUndefined(on connection: any SQLConnection) throws -> Bool {
        var isUndefined = true
        try connection.query("SELECT 1 FROM sqlite_schema LIMIT 1", []) { _ in
            isUndefined = false
            return false
        }
        return isUndefined
    }

    package func changeSchema(_ body: @escaping @Sendable (any SQLConnection) throws -> Void) async throws {
        try await write(commit: true, gate: .exclusive, patience: .schemaChange, body) { _, _ in }
    }

    package func define(_ migration: Migration, on connection: any SQLConnection) throws {
        try define(migration.sql, on: connection)
    }

    package func defineVersions(_ table: String, on connection: any SQLConnection) throws {
        try define(table + " PRAGMA application_id = \(Self.applicationID);", on: connection)
    }

    private func define(_ sql: String, on connection: any SQLConnection) throws {
        guard let connection = connection as? SQLiteConnection else {
            preconditionFailure("a driver defines tables on its own connections only")
        }
        try connection.database.execute(sql: sql)
    }

    /// On a connection that only reads, so that the writer goes on; what is committed meanwhile is not in the copy.
    package func backUp(to path: String, migrations: [Migration]) async throws {
        try await outsideTransaction { try $0.execute(sql: "VACUUM INTO ?", arguments: [path]) }
    }

    package func damages(limit: Int) async throws -> [String] {
        try await outsideTransaction { database in
            let pages = try String.fetchAll(database, sql: "PRAGMA integrity_check(\(limit))").filter { $0 != "ok" }
            let references = try Row.fetchCursor(database, sql: "PRAGMA foreign_key_check")
            var damages = Array(pages.prefix(limit))
            while damages.count < limit, let row = try references.next() {
                let (table, parent): (String, String) = (row[0], row[2])
                damages.append("a row of \(table) refers to a row of \(parent) that is not there")
            }
            return damages
        }
    }

    private func outsideTransaction<Value: Sendable>(
        _ body: @escaping @Sendable (GRDB.Database) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            writer.asyncUnsafeRead { access in
                continuation.resume(with: Result { try translatingErrors { try body(access.get()) } })
            }
        }
    }
}
