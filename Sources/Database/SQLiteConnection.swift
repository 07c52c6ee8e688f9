import Foundation
import GRDB
import GRDBSQLite

/// One GRDB connection inside a transaction, seen through our interface. Errors are ours already inside the body, where
/// a savepoint tells a refused claim from a database that cannot write.
struct SQLiteConnection: SQLConnection {
    let database: GRDB.Database

    init(_ database: GRDB.Database) { self.database = database }

    func query(_ sql: String, _ arguments: [SQLValue], _ row: (any SQLRow) throws -> Bool) throws {
        try translatingErrors {
            let statement = try database.cachedStatement(sql: sql)
            let cursor = try Row.fetchCursor(statement, arguments: StatementArguments(arguments))
            while let next = try cursor.next() {
                guard try row(SQLiteRow(row: next, statement: statement.sqliteStatement)) else { return }
            }
        }
    }

    func scan(_ sql: String, _ arguments: [SQLValue], _ row: (any SQLRow) throws -> Bool) throws {
        try query(sql, arguments, row)
    }

    func executeAll(_ sql: String, _ rows: [[SQLValue]]) throws -> Int {
        try rows.reduce(0) { try $0 + execute(sql, $1) }
    }

    /// There is one writer, whose transactions have no numbers.
    func horizon() throws -> TransactionHorizon { .none }

    /// There is one writer.
    func lock(_ table: String, _ column: String, _ value: SQLValue) throws {}

    func execute(_ sql: String, _ arguments: [SQLValue]) throws -> Int {
        try translatingErrors {
            try database.cachedStatement(sql: sql).execute(arguments: StatementArguments(arguments))
            return database.changesCount
        }
    }

    func savepoint<Value>(_ body: () throws -> Value?) throws -> Value? {
        var value: Value?
        try translatingErrors {
            try database.inSavepoint {
                value = try body()
                return value == nil ? .rollback : .commit
            }
        }
        return value
    }
}

private struct SQLiteRow: SQLRow {
    let row: Row
    /// What the row is read from.
    let statement: SQLiteStatement

    func value(_ column: Int) -> SQLValue {
        switch (row[column] as GRDB.DatabaseValue).storage {
        case .null: .null
        case .int64(let number): .integer(number)
        case .double(let number): preconditionFailure("no table of ours holds a real number: \(number)")
        case .string(let text): .text(text)
        case .blob(let data): .blob([UInt8](data))
        }
    }

    func integer(_ column: Int) -> Int64 { row[column] }
    func text(_ column: Int) -> String { row[column] }
    func blob(_ column: Int) -> [UInt8] { [UInt8](row[column] as Data) }

    /// Not GRDB's `withUnsafeData`, which allocates for every value.
    func withBlob(_ column: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
        let index = CInt(column)
        precondition(sqlite3_column_type(statement, index) == SQLITE_BLOB, "column \(column) holds no blob")
        let start = sqlite3_column_blob(statement, index)
        body(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, index))))
    }

    func storedText(_ column: Int) -> [UInt8] { blob(column) }
    func isNull(_ column: Int) -> Bool { row.hasNull(atIndex: column) }
}

extension SQLValue {
    fileprivate var databaseValue: GRDB.DatabaseValue {
        switch self {
        case .null: .null
        case .integer(let number): number.databaseValue
        case .text(let text): text.databaseValue
        case .blob(let bytes): Data(bytes).databaseValue
        }
    }
}

extension StatementArguments {
    fileprivate init(_ values: [SQLValue]) { self.init(values.map(\.databaseValue)) }
}

/// Runs `body` and turns GRDB's errors into ours, by result code, never by wording.
func translatingErrors<Value>(_ body: () throws -> Value) throws -> Value {
    do {
        return try body()
    } catch let error as GRDB.DatabaseError {
        throw DatabaseError(error)
    }
}

extension DatabaseError {
    init(_ error: GRDB.DatabaseError) {
        let detail = "\(error.extendedResultCode): \(error.message ?? "no message")"
        switch error.resultCode {
        case .SQLITE_CONSTRAINT: self = .conflict(detail: detail)
        case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_FULL, .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM,
            .SQLITE_NOMEM, .SQLITE_INTERRUPT:
            self = .unavailable(detail: detail)
        case .SQLITE_IOERR: self = .failed(detail: detail)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .corrupt(detail: detail)
        default: self = .statement(detail: detail)
        }
    }
}
