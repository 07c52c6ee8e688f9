import Primitives

/// PostgreSQL through libpq: any number of processes on one primary (DESIGN D11).
///
/// Writes run at READ COMMITTED behind the *write gate*, an empty table that is locked first: alone, which makes such
/// transactions as serial over all nodes as one SQLite writer is, or beside each other (``WriteGate``). Reads see one
/// snapshot. The first statement takes the lock, so whatever follows sees all that was committed before.
package final class PostgreSQLDriver: DatabaseDriver {
    /// The oldest server that is tested: `server_version_num` of 15.0.
    static let serverVersionMin = 150_000
    /// Connections of one process. Each holds a process of the server.
    package static let connectionsMaxDefault = 16
    /// Part of the server's connections that one process takes at most, so that several nodes have room.
    private static let connectionShare = 4
    /// How often a transaction is begun at most, when it meets others or its connection is gone.
    private static let attemptsMax = 9
    /// "Sgnt", as in SQLite files: with the schema's name, the key of the lock under which one node at a time changes
    /// the schema.
    private static let schemaLock: Int64 = 0x5367_6E74
    /// Tells our tables from another program's.
    private static let mark = "Signet"

    /// How long the driver waits for what no caller gives a patience for.
    package struct Timing: Sendable {
        /// A COMMIT may take so long before its outcome counts as unknown. It is never canceled.
        package let commit: Duration
        /// After a failed attempt to connect, all others fail at once for so long: with no server there, each attempt
        /// may take seconds.
        package let backOff: Duration

        package init(commit: Duration = .seconds(30), backOff: Duration = .milliseconds(250)) {
            self.commit = commit
            self.backOff = backOff
        }
    }

    private let pool: PostgreSQLPool
    private let timing: Timing
    private let turns = WriteTurns()

    private init(pool: PostgreSQLPool, timing: Timing) {
        self.pool = pool
        self.timing = timing
    }

    /// Connects to the server at `address`, which must be version 15 or later and hold our tables or none.
    /// `onStatement` receives each statement run, for tests. Throws `DatabaseError.unavailable`, `.foreign`.
    package static func open(
        _ address: PostgreSQLAddress, connectionsMax: Int = connectionsMaxDefault, timing: Timing = Timing(),
        onStatement: (@Sendable (String) -> Void)? = nil
    ) async throws -> PostgreSQLDriver {
        let probe = PostgreSQLPool(address, connectionsMax: 1, backOff: timing.backOff, onStatement: nil)
        defer { probe.close() }
        let room: Int
        do {
            room = try await probe.use { try Self.room(on: $0, at: address) }
        } catch let error as PostgreSQLError {
            throw error.translated
        }
        let pool = PostgreSQLPool(
            address, connectionsMax: min(connectionsMax, room), backOff: timing.backOff, onStatement: onStatement)
        let driver = PostgreSQLDriver(pool: pool, timing: timing)
        try await driver.checkOwner()
        return driver
    }

    /// Connections that this process may take; checks the server first.
    private static func room(on session: PostgreSQLSession, at address: PostgreSQLAddress) throws -> Int {
        session.patience = .claimPatience
        guard session.serverVersion >= serverVersionMin else {
            let version = session.reported("server_version") ?? "\(session.serverVersion)"
            throw DatabaseError.unavailable(detail: "PostgreSQL 15 or later is needed; \(address) is \(version)")
        }
        guard session.reported("server_encoding") == "UTF8" else {
            let encoding = session.reported("server_encoding") ?? "unknown"
            throw DatabaseError.unavailable(detail: "the encoding of \(address) must be UTF8, not \(encoding)")
        }
        let result = try session.run(
            """
            SELECT current_setting('max_connections')::bigint
                - current_setting('superuser_reserved_connections')::bigint
            """)
        return max(2, Int(PostgreSQLRow(result: result, index: 0).integer(0)) / connectionShare)
    }

    private func checkOwner() async throws {
        let isForeign = try await read(patience: .statementPatience) { connection in
            var (tables, isOurs) = (Int64(0), false)
            try connection.query(
                """
                SELECT count(*), coalesce(bool_or(c.relname = 'schema_versions' AND d.description = ?), false)
                FROM pg_class c LEFT JOIN pg_description d
                    ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
                WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v')
                """, [.text(Self.mark)]
            ) { row in
                (tables, isOurs) = (row.integer(0), row.bool(1))
                return false
            }
            return tables > 0 && !isOurs
        }
        if isForeign { throw DatabaseError.foreign(detail: "it has tables that are not ours") }
    }

    package let isShared = true

    package func close() throws { pool.close() }
}

// MARK: - Transactions

extension PostgreSQLDriver {
    package func read<Value: Sendable>(
        patience: Duration, _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try await again { session in
            session.patience = patience
            try session.queue("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            let value = try body(PostgreSQLConnection(session: session))
            try session.leave(with: "COMMIT")
            return value
        }
    }

    package func write<Value: Sendable>(
        commit: Bool, gate: WriteGate, patience: Duration,
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value,
        committed: @escaping @Sendable (Value, TransactionID) -> Void
    ) async throws -> Value {
        try await turns.take(gate) {
            try await self.again { session in
                session.patience = patience
                try session.queue("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
                try session.queue("LOCK TABLE write_gate IN \(gate.lockMode) MODE")
                let value = try body(PostgreSQLConnection(session: session))
                guard commit else {
                    _ = try session.run("ROLLBACK")
                    return value
                }
                committed(value, try self.commit(session))
                return value
            }
        }
    }

    private func commit(_ session: PostgreSQLSession) throws -> TransactionID {
        session.patience = timing.commit
        do {
            let (identifier, isDone, isSure) = try session.commit()
            guard isDone else {
                throw DatabaseError.statement(
                    detail: "a transaction in which a statement had failed was to be committed")
            }
            guard isSure else {
                throw DatabaseError.unknownOutcome(detail: "the commit may not have reached the standby")
            }
            return TransactionID(identifier)
        } catch let error as PostgreSQLError where error.leavesCommitOpen {
            throw DatabaseError.unknownOutcome(detail: error.message)
        }
    }

    /// Runs a transaction, and again when it met another, or when its connection turns out to be gone: nothing of it
    /// was committed then.
    private func again<Value: Sendable>(
        _ transaction: @escaping @Sendable (PostgreSQLSession) throws -> Value
    ) async throws -> Value {
        var wasLost = false
        for _ in 1...Self.attemptsMax {
            switch try await attempt(transaction) {
            case .done(let value): return value
            case .failed(let error): throw error
            case .conflicted: continue
            case .lost(let error):
                if wasLost { throw error }
                wasLost = true
                pool.forgetIdle()
            }
        }
        throw DatabaseError.unavailable(detail: "a transaction met others again and again")
    }

    private enum Attempt<Value: Sendable>: Sendable {
        case done(Value)
        case failed(any Error)
        /// Nothing was committed, and the same may succeed now.
        case conflicted
        case lost(any Error)
    }

    private func attempt<Value: Sendable>(
        _ transaction: @escaping @Sendable (PostgreSQLSession) throws -> Value
    ) async throws -> Attempt<Value> {
        try await pool.use { session in
            session.mustRetry = false
            do {
                return .done(try transaction(session))
            } catch let error as DatabaseError where error.isUnknownOutcome {
                return .failed(error)
            } catch {
                let error = (error as? PostgreSQLError)?.translated ?? error
                if session.isLost { return .lost(error) }
                // A session that cannot even do this is lost, and its transaction with it.
                _ = try? session.run("ROLLBACK")
                return session.mustRetry ? .conflicted : .failed(error)
            }
        }
    }
}

extension WriteGate {
    fileprivate var lockMode: String {
        switch self {
        case .exclusive: "EXCLUSIVE"
        case .shared: "ROW SHARE"
        }
    }
}

extension DatabaseError {
    fileprivate var isUnknownOutcome: Bool {
        if case .unknownOutcome = self { true } else { false }
    }
}

// MARK: - Schema and upkeep

extension PostgreSQLDriver {
    package func isEmpty() async throws -> Bool {
        try await read(patience: .statementPatience, isUndefined(on:))
    }

    package func isUndefined(on connection: any SQLConnection) throws -> Bool {
        var isUndefined = true
        try connection.query("SELECT to_regclass('schema_versions') IS NULL", []) { row in
            isUndefined = row.bool(0)
            return false
        }
        return isUndefined
    }

    /// One node at a time; the others find it done.
    package func changeSchema(_ body: @escaping @Sendable (any SQLConnection) throws -> Void) async throws {
        try await again { session in
            session.patience = .schemaChange
            try session.queue("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
            _ = try session.run(
                "SELECT pg_advisory_xact_lock(?::int4, hashtext(current_schema()))", [.integer(Self.schemaLock)])
            let gate = try session.run("SELECT to_regclass('write_gate') IS NULL")
            if !PostgreSQLRow(result: gate, index: 0).bool(0) {
                try session.queue("LOCK TABLE write_gate IN EXCLUSIVE MODE")
            }
            try body(PostgreSQLConnection(session: session))
            _ = try self.commit(session)
        }
    }

    package func define(_ migration: Migration, on connection: any SQLConnection) throws {
        try define(PostgreSQLDialect.definitions(migration.sql), migration.onPostgreSQL, on: connection)
    }

    package func defineVersions(_ table: String, on connection: any SQLConnection) throws {
        try define(
            PostgreSQLDialect.definitions(table),
            "COMMENT ON TABLE schema_versions IS '\(Self.mark)'; CREATE TABLE write_gate ()", on: connection)
    }

    private func define(_ texts: String..., on connection: any SQLConnection) throws {
        guard let connection = connection as? PostgreSQLConnection else {
            preconditionFailure("a driver defines tables on its own connections only")
        }
        do {
            for text in texts where !text.isEmpty { try connection.session.define(text) }
        } catch let error as PostgreSQLError {
            throw error.translated
        }
    }
}
