import Database
import Synchronization
import TestSupport
import Testing

/// What goes wrong on the way.
private enum Leak: Sendable {
    case nothing, table, batch, counter
}

/// Two tables, one of which refers to the other, and whatever the test wants lost between them.
@Suite("A copy of tables")
struct TableCopyTests {
    private static let rowsMax: Int64 = 1_200

    private static let migrations = [
        Migration(
            version: 1, name: "sample", readableFrom: 1,
            sql: """
                CREATE TABLE "order" (
                    id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT, bytes BLOB, number INTEGER
                ) STRICT;
                CREATE TABLE a_part (
                    order_id INTEGER NOT NULL REFERENCES "order" (id), place INTEGER NOT NULL,
                    PRIMARY KEY (order_id, place)
                ) STRICT;
                """)
    ]

    private let source: Database

    init() async throws {
        source = Database(driver: try SQLiteDriver.inMemory())
        try await source.migrate(Self.migrations, at: ManualClock.start)
        try await source.write { transaction in
            for number in 1...Self.rowsMax {
                try transaction.execute(
                    "INSERT INTO \"order\" (text, bytes, number) VALUES (?, ?, ?)",
                    number % 3 == 0 ? nil : "text \(number)", number % 5 == 0 ? nil : [UInt8(number % 256)],
                    number % 7 == 0 ? nil : -number)
                try transaction.execute("INSERT INTO a_part (order_id, place) VALUES (?, ?)", number, number % 4)
            }
        }
    }

    private func target(_ leak: Leak = .nothing) async throws -> Database {
        let target = Database(driver: LeakyDriver(try await TestDatabase.driver(), leak))
        try await target.migrate(Self.migrations, at: ManualClock.start)
        return target
    }

    private func copy(to target: Database) async throws -> [CopiedTable] {
        try await TableCopy(from: source, to: target).run { _ in 0 }
    }

    private static func orders(_ database: Database) async throws -> [String] {
        try await database.read { transaction in
            try transaction.all("SELECT id, text, bytes, number FROM \"order\" ORDER BY id") { row in
                (0..<4).map { "\(row.value($0))" }.joined(separator: " ")
            }
        }
    }

    @Test("has every row, parents before what refers to them, and does so again")
    func whole() async throws {
        let target = try await target()
        for _ in 1...2 {
            let copied = try await copy(to: target)
            let parts = copied.filter { $0.name != "schema_versions" }.map { "\($0.name) \($0.rows)" }
            #expect(parts == ["order 1200", "a_part 1200"])
            #expect(try await Self.orders(target) == Self.orders(source))
        }
    }

    @Test("is not made when a table, a batch or a counter is lost on the way")
    func lost() async throws {
        let table = try await target(.table)
        await #expect(throws: CopyFailure.schemasDiffer("a_part.order_id, a_part.place")) { try await copy(to: table) }
        let batch = try await target(.batch)
        await #expect(throws: CopyFailure.rowsDiffer(table: "order", expected: 1_200, found: 1_000)) {
            try await source.write { _ = try $0.execute("DELETE FROM a_part") }
            return try await copy(to: batch)
        }
        #expect(try await Self.orders(batch).isEmpty)
    }

    @Test("is not made when its next row would be numbered twice")
    func counter() async throws {
        let target = try await target(.counter)
        // Below what was given: SQLite itself counts along with what is inserted.
        try await source.write { transaction in
            try transaction.execute("DELETE FROM a_part")
            try transaction.execute("DELETE FROM \"order\" WHERE id > 1000")
        }
        await #expect {
            try await copy(to: target)
        } throws: { error in
            guard case .counterBehind("order", 1_200, let counter) = error as? CopyFailure else { return false }
            return counter < 1_200
        }
        #expect(try await Self.orders(target).isEmpty)
    }

    @Test("is not made when the two do not end alike")
    func ends() async throws {
        let (target, marks) = (try await target(), Ends())
        await #expect(throws: CopyFailure.endsDiffer) {
            _ = try await TableCopy(from: source, to: target).run { _ in
                marks.next()
            }
        }
        #expect(try await Self.orders(target).isEmpty)
    }

    @Test("ends on both sides when either fails")
    func failures() async throws {
        let target = try await target()
        struct Refused: Error {}
        await #expect(throws: Refused.self) {
            _ = try await TableCopy(from: source, to: target).run(admit: { _ in throw Refused() }, mark: { _ in 0 })
        }
        try await source.write { _ = try $0.execute("UPDATE \"order\" SET text = CAST(x'ff' AS TEXT) WHERE id = 900") }
        await #expect(throws: CopyFailure.text(table: "order", column: "text")) { try await copy(to: target) }
        #expect(try await Self.orders(target).isEmpty)
    }
}

/// Gives another number each time.
private final class Ends: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}

/// A driver that loses one thing of a copy.
private final class LeakyDriver: DatabaseDriver {
    private let base: any DatabaseDriver
    private let leak: Leak

    init(_ base: any DatabaseDriver, _ leak: Leak) {
        self.base = base
        self.leak = leak
    }

    func tables(on connection: any SQLConnection) throws -> [TableShape] {
        try base.tables(on: connection).filter { leak != .table || $0.name != "a_part" }
    }

    func raise(_ counters: [String: Int64], of tables: [TableShape], on connection: any SQLConnection) throws {
        if leak != .counter { try base.raise(counters, of: tables, on: connection) }
    }

    func write<Value: Sendable>(
        commit: Bool, gate: WriteGate, patience: Duration,
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value,
        committed: @escaping @Sendable (Value, TransactionID) -> Void
    ) async throws -> Value {
        let leak = leak
        return try await base.write(
            commit: commit, gate: gate, patience: patience,
            { try body(leak == .batch ? LeakyConnection(base: $0) : $0) }, committed: committed)
    }

    var isShared: Bool { base.isShared }

    func read<Value: Sendable>(
        patience: Duration, _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value { try await base.read(patience: patience, body) }

    func isEmpty() async throws -> Bool { try await base.isEmpty() }
    func isUndefined(on connection: any SQLConnection) throws -> Bool { try base.isUndefined(on: connection) }

    func changeSchema(_ body: @escaping @Sendable (any SQLConnection) throws -> Void) async throws {
        try await base.changeSchema(body)
    }

    func define(_ migration: Migration, on connection: any SQLConnection) throws {
        try base.define(migration, on: connection)
    }

    func defineVersions(_ table: String, on connection: any SQLConnection) throws {
        try base.defineVersions(table, on: connection)
    }

    func backUp(to path: String, migrations: [Migration]) async throws {
        try await base.backUp(to: path, migrations: migrations)
    }

    func keepOpen(_ connection: any SQLConnection) throws { try base.keepOpen(connection) }

    func empty(_ tables: [TableShape], on connection: any SQLConnection) throws {
        try base.empty(tables, on: connection)
    }

    func counters(of tables: [TableShape], on connection: any SQLConnection) throws -> [String: Int64] {
        try base.counters(of: tables, on: connection)
    }

    func damages(limit: Int) async throws -> [String] { try await base.damages(limit: limit) }
    func close() throws { try base.close() }
}

/// Loses whatever is the last, smaller batch.
private struct LeakyConnection: SQLConnection {
    let base: any SQLConnection

    func executeAll(_ sql: String, _ rows: [[SQLValue]]) throws -> Int {
        rows.count == 200 ? 200 : try base.executeAll(sql, rows)
    }

    func query(_ sql: String, _ arguments: [SQLValue], _ row: (any SQLRow) throws -> Bool) throws {
        try base.query(sql, arguments, row)
    }

    func scan(_ sql: String, _ arguments: [SQLValue], _ row: (any SQLRow) throws -> Bool) throws {
        try base.scan(sql, arguments, row)
    }

    func execute(_ sql: String, _ arguments: [SQLValue]) throws -> Int { try base.execute(sql, arguments) }

    func horizon() throws -> TransactionHorizon { try base.horizon() }

    func lock(_ table: String, _ column: String, _ value: SQLValue) throws { try base.lock(table, column, value) }

    func savepoint<Value>(_ body: () throws -> Value?) throws -> Value? { try base.savepoint(body) }
}
