import Foundation

extension SQLiteDriver {
    /// Nothing ends a transaction of ours here.
    package func keepOpen(_ connection: any SQLConnection) throws {}

    package func tables(on connection: any SQLConnection) throws -> [TableShape] {
        var tables: [TableShape] = []
        var numbered: Set<String> = []
        try connection.query(
            """
            SELECT name, sql LIKE '%AUTOINCREMENT%' FROM sqlite_schema
            WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name
            """, []
        ) { row in
            tables.append(TableShape(name: row.text(0)))
            if row.bool(1) { numbered.insert(row.text(0)) }
            return true
        }
        return try tables.map { try described($0, isNumbered: numbered.contains($0.name), on: connection) }
    }

    private func described(
        _ table: TableShape, isNumbered: Bool, on connection: any SQLConnection
    ) throws -> TableShape {
        var (table, key) = (table, [(place: Int64, column: String)]())
        try connection.query(
            "SELECT name, pk FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid", [.text(table.name)]
        ) { row in
            table.columns.append(row.text(0))
            if row.integer(1) > 0 { key.append((row.integer(1), row.text(0))) }
            return true
        }
        table.key = key.sorted { $0.place < $1.place }.map(\.column)
        if isNumbered { table.counter = table.key.first }
        try connection.query(
            "SELECT DISTINCT \"table\" FROM pragma_foreign_key_list(?)", [.text(table.name)]
        ) { row in
            table.parents.insert(row.text(0))
            return true
        }
        return table
    }

    /// A copy goes into a new file, whose rows are those that the steps of the schema put there.
    package func empty(_ tables: [TableShape], on connection: any SQLConnection) throws {
        for table in tables.reversed() { _ = try connection.execute("DELETE FROM \(table.quotedName)", []) }
    }

    package func counters(of tables: [TableShape], on connection: any SQLConnection) throws -> [String: Int64] {
        var counters: [String: Int64] = [:]
        guard tables.contains(where: { $0.counter != nil }) else { return counters }
        try connection.query("SELECT name, seq FROM sqlite_sequence", []) { row in
            counters[row.text(0)] = row.integer(1)
            return true
        }
        return counters
    }

    package func raise(
        _ counters: [String: Int64], of tables: [TableShape], on connection: any SQLConnection
    ) throws {
        for (table, last) in counters {
            let changed = try connection.execute(
                "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", [.integer(last), .text(table)])
            if changed == 0 {
                _ = try connection.execute(
                    "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", [.text(table), .integer(last)])
            }
        }
    }
}

extension SQLiteDriver {
    /// Makes a database at `path`, where no file is, out of what `fill` does to an empty one. Nothing remains when that
    /// throws.
    static func building(_ path: String, _ fill: (SQLiteDriver) async throws -> Void) async throws {
        let staging = path + ".filling"
        removeFiles(at: staging)
        defer { removeFiles(at: staging) }
        let driver = try open(path: staging)
        do {
            try await fill(driver)
            try await driver.backUp(to: path, migrations: [])
        } catch {
            try? driver.close()  // the first error is the one to tell
            throw error
        }
        try driver.close()
    }

    private static func removeFiles(at path: String) {
        for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
    }
}
