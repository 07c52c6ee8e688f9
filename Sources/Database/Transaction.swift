/// What a driver offers inside one transaction. Statements are prepared once per connection and text.
package protocol SQLConnection {
    /// Runs a statement and hands each row to `row`, which returns false to stop early.
    func query(_ sql: String, _ arguments: [SQLValue], _ row: (any SQLRow) throws -> Bool) throws

    /// The same for a result that may be long, or that is not read to its end.
    func scan(_ sql: String, _ arguments: [SQLValue], _ row: (any SQLRow) throws -> Bool) throws

    /// Runs a statement without a result; the number of rows it changed.
    func execute(_ sql: String, _ arguments: [SQLValue]) throws -> Int

    /// Runs a statement once with each of `rows`; the number of rows changed in all.
    func executeAll(_ sql: String, _ rows: [[SQLValue]]) throws -> Int

    /// Keeps the row of `table` whose `column` is `value` from changing until the end of the transaction.
    func lock(_ table: String, _ column: String, _ value: SQLValue) throws

    /// Which transactions are over in what this view shows.
    func horizon() throws -> TransactionHorizon

    /// Runs `body`; what it changed is undone, and nothing else, when it returns nil or throws.
    func savepoint<Value>(_ body: () throws -> Value?) throws -> Value?
}

/// A consistent view of the database; lives as long as the body that received it.
package struct ReadTransaction {
    let connection: any SQLConnection

    /// Every row, made into a value.
    package func all<Value>(
        _ sql: String, _ arguments: any SQLBindable..., as value: (any SQLRow) throws -> Value
    ) throws -> [Value] {
        try all(sql, arguments: arguments.map(\.sqlValue), as: value)
    }

    /// The first row, made into a value, or nil without one.
    package func first<Value>(
        _ sql: String, _ arguments: any SQLBindable..., as value: (any SQLRow) throws -> Value
    ) throws -> Value? {
        var found: Value?
        try connection.query(sql, arguments.map(\.sqlValue)) { row in
            found = try value(row)
            return false
        }
        return found
    }

    /// Hands every row to `body` without keeping any: for tables of millions.
    package func forEach(
        _ sql: String, _ arguments: any SQLBindable..., do body: (any SQLRow) throws -> Void
    ) throws {
        try connection.scan(sql, arguments.map(\.sqlValue)) { row in
            try body(row)
            return true
        }
    }

    /// Which transactions are over in what this view shows.
    package func horizon() throws -> TransactionHorizon { try connection.horizon() }

    /// Hands each row to `body`, of a result that is short and whose filters are put together at run time.
    package func each(
        _ sql: String, arguments: [SQLValue], do body: (any SQLRow) throws -> Void
    ) throws {
        try connection.query(sql, arguments) { row in
            try body(row)
            return true
        }
    }

    /// Hands rows to `body` until it returns false.
    package func walk(
        _ sql: String, _ arguments: any SQLBindable..., while body: (any SQLRow) throws -> Bool
    ) throws {
        try connection.scan(sql, arguments.map(\.sqlValue), body)
    }

    /// Same as `all`, for statements whose filters are put together at run time.
    package func all<Value>(
        _ sql: String, arguments: [SQLValue], as value: (any SQLRow) throws -> Value
    ) throws -> [Value] {
        var values: [Value] = []
        try connection.query(sql, arguments) { row in
            values.append(try value(row))
            return true
        }
        return values
    }

    /// The integer in the first column of the only row; 0 without a row.
    package func count(_ sql: String, arguments: [SQLValue] = []) throws -> Int64 {
        try all(sql, arguments: arguments) { $0.integer(0) }.first ?? 0
    }
}

/// A transaction that may change rows. All of it is durable when `Database.write` returns, or none of it.
package struct WriteTransaction {
    let connection: any SQLConnection

    /// The same transaction, for methods that only read.
    package var reading: ReadTransaction { ReadTransaction(connection: connection) }

    /// Runs one statement; the number of rows it changed. Throws `DatabaseError.conflict` when a constraint refuses.
    @discardableResult
    package func execute(_ sql: String, _ arguments: any SQLBindable...) throws -> Int {
        try connection.execute(sql, arguments.map(\.sqlValue))
    }

    /// Runs one statement with each of `rows`, on a server in one journey; the number of rows changed in all.
    @discardableResult
    package func executeAll(_ sql: String, _ rows: [[any SQLBindable]]) throws -> Int {
        try connection.executeAll(sql, rows.map { $0.map(\.sqlValue) })
    }

    /// Keeps others from changing the row of `table` whose `column` is `value`, or from locking it, until the end of
    /// the transaction; waits until no other holds it. What is read of it afterwards is what holds. Nothing to do where
    /// one writer writes.
    package func lock(_ table: String, _ column: String = "id", _ value: some SQLBindable) throws {
        try connection.lock(table, column, value.sqlValue)
    }

    /// Runs `body` on its own: when it returns nil or throws, its changes are undone and the transaction goes on.
    package func savepoint<Value>(_ body: (WriteTransaction) throws -> Value?) throws -> Value? {
        try connection.savepoint { try body(self) }
    }
}
