import Database
import TestSupport
import Testing

@Suite("A value on PostgreSQL", .onPostgreSQL)
struct PostgreSQLValueTests {
    private static let samples = Migration(
        version: 2, name: "samples", readableFrom: 1,
        sql: "CREATE TABLE samples (id INTEGER PRIMARY KEY, number INTEGER, words TEXT, bytes BLOB) STRICT;")

    private let desk: PostgreSQLDesk

    init() async throws {
        desk = try await PostgreSQLDesk(connectionsMax: 1)
        try await desk.database.migrate([Notes.migration, Self.samples], at: ManualClock.start)
    }

    @Test(
        "comes back from a column as it was",
        arguments: [
            ("number", .integer(.min)), ("number", .integer(.max)), ("number", .integer(0)), ("number", .integer(-1)),
            ("words", .text("")), ("words", .text("it's \"ü 💩\" \\ ? $1 \n\t")), ("words", .text("\u{10FFFF}")),
            ("bytes", .blob([])), ("bytes", .blob([0, 0x5C, 0x27, 255])),
            ("number", .null), ("words", .null), ("bytes", .null),
        ] as [(String, SQLValue)])
    func roundTrip(column: String, value: SQLValue) async throws { try await expectKept(value, in: column) }

    @Test("comes back as it was also where it has a megabyte")
    func large() async throws {
        try await expectKept(.text(String(repeating: "é", count: 1 << 19)), in: "words")
        try await expectKept(.blob(Array(repeating: 0xA5, count: 1 << 20)), in: "bytes")
    }

    private func expectKept(_ value: SQLValue, in column: String) async throws {
        try await desk.database.write { transaction in
            try transaction.execute("INSERT INTO samples (\(column)) VALUES (?)", Bound(sqlValue: value))
        }
        let read = try await desk.database.read { transaction in
            try transaction.first("SELECT \(column) FROM samples ORDER BY id DESC LIMIT 1") { row in
                if case .text(let text) = value { #expect(row.storedText(0) == Array(text.utf8)) }
                if case .blob(let blob) = value { row.withBlob(0) { #expect(Array($0) == blob) } }
                return row.value(0)
            }
        }
        #expect(read == value)
        let found = try await desk.database.read { transaction in
            try transaction.all(
                "SELECT id FROM samples WHERE \(column) IS NOT DISTINCT FROM ?", Bound(sqlValue: value)
            ) { $0.integer(0) }.count
        }
        #expect(found == 1)
    }

    private struct Bound: SQLBindable {
        let sqlValue: SQLValue
    }

    @Test("that is a text with a NUL is refused as a wrong statement, and nothing remains")
    func nul() async throws {
        let error = await #expect(throws: DatabaseError.self) {
            try await desk.database.write { transaction in
                try transaction.execute("INSERT INTO samples (number) VALUES (1)")
                try transaction.execute("INSERT INTO samples (words) VALUES (?)", "a\0b")
            }
        }
        guard case .statement = error else {
            Issue.record("not a wrong statement: \(String(describing: error))")
            return
        }
        #expect(try await desk.database.read { try $0.count("SELECT count(*) FROM samples") } == 0)
    }

    @Test(
        "that is a sum is the whole number that it is",
        arguments: [
            [0], [1, 2], [-1, -2], [9_999, 1], [10_000], [100_000_000], [-100_000_000], [99_999_999, 2],
            [10_000_000_000_000_000], [12_345_678_901_234_567, 1], [-12_345_678_901_234_567, -1], [.max], [.min],
            [.max, -1], [.min, 1], [.max, .min], [5, -5],
        ] as [[Int64]])
    func sum(numbers: [Int64]) async throws {
        let sums = try await desk.database.write { transaction in
            for number in numbers { try transaction.execute("INSERT INTO samples (number) VALUES (?)", number) }
            let sql = "SELECT sum(number), coalesce(sum(id), 0), sum(number) FROM samples"
            return try transaction.reading.first(sql) { ($0.integer(0), $0.value(2)) }
        }
        let expected = numbers.reduce(0, &+)
        #expect(sums?.0 == expected && sums?.1 == .integer(expected))
    }

    @Test("that is a truth is 1 or 0, and a missing one is none")
    func booleans() async throws {
        let read = try await desk.database.read { transaction in
            try transaction.first("SELECT 1 = 1, 1 = 2, EXISTS (SELECT 1 FROM samples), CAST(NULL AS boolean)") { row in
                #expect(row.bool(0) && !row.bool(1) && row.integer(2) == 0 && row.optionalInteger(3) == nil)
                return (0..<4).map { row.value($0) }
            }
        }
        #expect(read == [.integer(1), .integer(0), .integer(0), .null])
    }

    @Test("is bound as what it is, also where the same statement had another kind or none before")
    func kinds() async throws {
        let values: [SQLValue] = [.integer(1), .text("1"), .null, .blob([1]), .integer(2)]
        let read = try await desk.database.read { transaction in
            try values.map { value in
                try transaction.first("SELECT ?", Bound(sqlValue: value)) { $0.value(0) }
            }
        }
        #expect(read == values)
    }
}
