import Primitives

extension PostgreSQLDriver {
    /// The server ends a transaction that stands still; one that waits for the other database may.
    package func keepOpen(_ connection: any SQLConnection) throws {
        _ = try connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0", [])
    }

    /// Tables without columns are locks.
    package func tables(on connection: any SQLConnection) throws -> [TableShape] {
        var tables: [TableShape] = []
        var keys: [String: [(place: Int64, column: String)]] = [:]
        try connection.query(
            """
            SELECT c.relname::text, a.attname::text, coalesce(array_position(k.conkey, a.attnum), 0),
                a.attidentity <> ''
            FROM pg_class c JOIN pg_attribute a
                ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
            LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
            WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
            ORDER BY c.relname COLLATE "C", a.attnum
            """, []
        ) { row in
            let (table, column) = (row.text(0), row.text(1))
            if tables.last?.name != table { tables.append(TableShape(name: table)) }
            tables[tables.count - 1].columns.append(column)
            if row.integer(2) > 0 { keys[table, default: []].append((row.integer(2), column)) }
            if row.bool(3) { tables[tables.count - 1].counter = column }
            return true
        }
        let parents = try parents(on: connection)
        return tables.map { table in
            var table = table
            table.key = (keys[table.name] ?? []).sorted { $0.place < $1.place }.map(\.column)
            table.parents = parents[table.name] ?? []
            return table
        }
    }

    private func parents(on connection: any SQLConnection) throws -> [String: Set<String>] {
        var parents: [String: Set<String>] = [:]
        try connection.query(
            """
            SELECT c.relname::text, p.relname::text FROM pg_constraint k
            JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class p ON p.oid = k.confrelid
            WHERE k.contype = 'f' AND c.relnamespace = current_schema()::regnamespace
            """, []
        ) { row in
            parents[row.text(0), default: []].insert(row.text(1))
            return true
        }
        return parents
    }

    /// Without the triggers that guard the journal: these rows come from a database that has them.
    package func empty(_ tables: [TableShape], on connection: any SQLConnection) throws {
        guard !tables.isEmpty else { return }
        let guarded = try tablesNeverEmptied(on: connection)
        for table in guarded { _ = try connection.execute("ALTER TABLE \(table) DISABLE TRIGGER USER", []) }
        _ = try connection.execute("TRUNCATE \(tables.map(\.quotedName).joined(separator: ", ")) CASCADE", [])
        for table in guarded { _ = try connection.execute("ALTER TABLE \(table) ENABLE TRIGGER USER", []) }
    }

    /// Those with a trigger that refuses a `TRUNCATE`, quoted where they must be.
    private func tablesNeverEmptied(on connection: any SQLConnection) throws -> [String] {
        var tables: [String] = []
        try connection.query(
            """
            SELECT DISTINCT c.oid::regclass::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
            WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal
                AND t.tgtype::integer & \(Self.firesOnTruncate) <> 0
            """, []
        ) { row in
            tables.append(row.text(0))
            return true
        }
        return tables
    }

    /// `TRIGGER_TYPE_TRUNCATE` of PostgreSQL's catalog.
    private static var firesOnTruncate: Int { 32 }

    package func counters(of tables: [TableShape], on connection: any SQLConnection) throws -> [String: Int64] {
        var counters: [String: Int64] = [:]
        for table in tables {
            guard let column = table.counter else { continue }
            try connection.query(
                "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence(?, ?)::regclass), 0)",
                [.text(table.quotedName), .text(column)]
            ) { row in
                counters[table.name] = row.integer(0)
                return false
            }
        }
        return counters
    }

    /// Never lower: this is the one thing that a transaction which is undone leaves changed.
    package func raise(
        _ counters: [String: Int64], of tables: [TableShape], on connection: any SQLConnection
    ) throws {
        for table in tables {
            guard let column = table.counter, let last = counters[table.name] else { continue }
            try connection.query(
                """
                SELECT setval(sequence, greatest(?, coalesce(pg_sequence_last_value(sequence), 1)))
                FROM (SELECT pg_get_serial_sequence(?, ?)::regclass AS sequence) AS counter
                """, [.integer(last), .text(table.quotedName), .text(column)]
            ) { _ in true }
        }
    }

    /// Into a SQLite file with the schema that this database has: one view of it, while others read and write.
    package func backUp(to path: String, migrations: [Migration]) async throws {
        let source = Database(driver: self)
        let versions = try await source.schemaVersions(of: migrations)
        let made = migrations.filter { versions.applied.contains($0.version) }
        guard made.count == versions.applied.count else {
            throw DatabaseError.newer(
                required: versions.applied.last ?? 0, known: migrations.map(\.version).max() ?? 0)
        }
        try await SQLiteDriver.building(path) { file in
            let target = Database(driver: file)
            try await target.migrate(made, at: Timestamp(milliseconds: 0))
            do {
                _ = try await TableCopy(from: source, to: target).run { _ in 0 }
            } catch let failure as CopyFailure {
                throw DatabaseError.unavailable(detail: failure.description)
            }
        }
    }
}
