/// Reads everything from one view of a database.
struct CopyReader {
    /// Rows sent at once.
    private static let batchMax = 500

    let driver: any DatabaseDriver
    let transaction: ReadTransaction

    func plan() throws -> CopyPlan {
        let tables = try driver.tables(on: transaction.connection).parentsFirst()
        return CopyPlan(
            tables: tables, versions: try SchemaState(reading: transaction).applied,
            counts: try tables.map { try transaction.count("SELECT count(*) FROM \($0.quotedName)") },
            counters: try driver.counters(of: tables, on: transaction.connection))
    }

    /// Hands over all rows of `tables`, with the place of their table among these, in batches.
    func readAll(_ tables: [TableShape], _ send: (Int, [[SQLValue]]) throws -> Void) throws {
        for (place, table) in tables.enumerated() {
            var batch: [[SQLValue]] = []
            try transaction.forEach(table.selection) { row in
                batch.append(try Self.values(of: row, in: table))
                guard batch.count == Self.batchMax else { return }
                try send(place, batch)
                batch.removeAll(keepingCapacity: true)
            }
            if !batch.isEmpty { try send(place, batch) }
        }
    }

    private static func values(of row: any SQLRow, in table: TableShape) throws -> [SQLValue] {
        try table.columns.indices.map { column in
            let value = row.value(column)
            // SQLite holds texts that are none, and our strings would silently hold something else.
            if case .text(let text) = value {
                let stored = row.storedText(column)
                guard stored.elementsEqual(text.utf8), !stored.contains(0) else {
                    throw CopyFailure.text(table: table.name, column: table.columns[column])
                }
            }
            return value
        }
    }
}
