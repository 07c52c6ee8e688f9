/// A session inside a transaction, seen through our interface. Errors are ours already inside the body.
struct PostgreSQLConnection: SQLConnection {
    /// Rows fetched at once of a result that may be long.
    private static let rowsAtOnce = 5_000

    let session: PostgreSQLSession

    func query(_ sql: String, _ arguments: [SQLValue], _ row: (any SQLRow) throws -> Bool) throws {
        let result = try translatingErrors { try session.run(sql, arguments) }
        for index in 0..<result.rowCount {
            guard try row(PostgreSQLRow(result: result, index: index)) else { return }
        }
    }

    /// Through a cursor, so that neither side holds more than a part of it, and what is not asked for is not computed.
    func scan(_ sql: String, _ arguments: [SQLValue], _ row: (any SQLRow) throws -> Bool) throws {
        try session.withCursorName { name in
            try translatingErrors { _ = try session.run("DECLARE \(name) NO SCROLL CURSOR FOR \(sql)", arguments) }
            do {
                while try fetch(from: name, row) {}
            } catch {
                // A cursor that cannot be closed ends with its transaction; what went wrong before is what counts.
                _ = try? session.run("CLOSE \(name)")
                throw error
            }
            try translatingErrors { _ = try session.run("CLOSE \(name)") }
        }
    }

    /// Whether there is more, and wanted.
    private func fetch(from cursor: String, _ row: (any SQLRow) throws -> Bool) throws -> Bool {
        let result = try translatingErrors { try session.run("FETCH \(Self.rowsAtOnce) FROM \(cursor)") }
        for index in 0..<result.rowCount {
            guard try row(PostgreSQLRow(result: result, index: index)) else { return false }
        }
        return result.rowCount == Self.rowsAtOnce
    }

    func execute(_ sql: String, _ arguments: [SQLValue]) throws -> Int {
        try translatingErrors { try session.run(sql, arguments).changedCount }
    }

    func executeAll(_ sql: String, _ rows: [[SQLValue]]) throws -> Int {
        try translatingErrors { try session.runAll(sql, rows) }
    }

    func horizon() throws -> TransactionHorizon {
        let result = try translatingErrors {
            try session.run(
                """
                SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint FROM pg_current_snapshot() s
                """)
        }
        let row = PostgreSQLRow(result: result, index: 0)
        return TransactionHorizon(settled: TransactionID(row.integer(0)), next: TransactionID(row.integer(1)))
    }

    func lock(_ table: String, _ column: String, _ value: SQLValue) throws {
        try translatingErrors { _ = try session.run("SELECT 1 FROM \(table) WHERE \(column) = ? FOR UPDATE", [value]) }
    }

    func savepoint<Value>(_ body: () throws -> Value?) throws -> Value? {
        try translatingErrors { try session.queue("SAVEPOINT attempt") }
        do {
            let value = try body()
            try end(keeping: value != nil)
            return value
        } catch {
            // Without a connection there is nothing to go back to; what went wrong is told as it was.
            if !session.isLost, !session.mustRetry { try end(keeping: false) }
            throw error
        }
    }

    private func end(keeping: Bool) throws {
        try translatingErrors {
            if !keeping { _ = try session.run("ROLLBACK TO SAVEPOINT attempt") }
            _ = try session.run("RELEASE SAVEPOINT attempt")
        }
    }

    private func translatingErrors<Value>(_ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error as PostgreSQLError { throw error.translated }
    }
}
