import Database
import TestSupport
import Testing

@Suite("A transaction on PostgreSQL", .onPostgreSQL)
struct PostgreSQLTransactionTests {
    /// More than two fetches of a scan.
    private static let many = 12_345

    private let desk: PostgreSQLDesk
    private var database: Database { desk.database }

    init() async throws { desk = try await PostgreSQLDesk() }

    private func fill(_ count: Int) async throws {
        try await database.write { transaction throws in
            let rows = Self.rows((1...count).map { "note \($0)" })
            #expect(try transaction.executeAll("INSERT INTO notes (text) VALUES (?)", rows) == count)
        }
    }

    @Test("scans more than one fetch, in order, and as little as is wanted")
    func scans() async throws {
        try await fill(Self.many)
        try await database.read { transaction throws in
            var (sum, last) = (0, Int64(0))
            try transaction.forEach("SELECT id FROM notes ORDER BY id") { row in
                #expect(row.integer(0) > last)
                last = row.integer(0)
                sum += 1
            }
            #expect(sum == Self.many)
            for wanted in [1, 4_999, 5_000, 5_001, 10_000] {
                var seen = 0
                try transaction.walk("SELECT id FROM notes ORDER BY id") { _ in
                    seen += 1
                    return seen < wanted
                }
                #expect(seen == wanted)
            }
            #expect(try transaction.count("SELECT count(*) FROM pg_cursors WHERE name LIKE 'cursor%'") == 0)
        }
    }

    @Test("scans and queries inside a scan, and goes on after an error in one")
    func nested() async throws {
        try await fill(20)
        try await database.read { transaction throws in
            var pairs = 0
            try transaction.forEach("SELECT id FROM notes ORDER BY id") { outer in
                let id = outer.integer(0)
                let text = try transaction.first("SELECT text FROM notes WHERE id = ?", id) { $0.text(0) }
                #expect(text == "note \(id)")
                try transaction.forEach("SELECT id FROM notes WHERE id > ?", id) { inner in
                    #expect(inner.integer(0) > outer.integer(0))
                    pairs += 1
                }
            }
            #expect(pairs == 190)
            #expect(throws: Refused()) {
                try transaction.forEach("SELECT id FROM notes") { _ in
                    try transaction.forEach("SELECT id FROM notes") { _ throws in throw Refused() }
                }
            }
            #expect(try transaction.count("SELECT count(*) FROM pg_cursors WHERE name LIKE 'cursor%'") == 0)
            let all = try transaction.all("SELECT id FROM notes ORDER BY id") { row in
                try transaction.count("SELECT count(*) FROM notes WHERE id <= ?", arguments: [row.value(0)])
            }
            #expect(all == (1...20).map(Int64.init))
        }
    }

    @Test("goes on after an error inside a savepoint, of any statement and at any depth")
    func savepoints() async throws {
        try await database.write { transaction throws in
            try Notes.insert("before", in: transaction)
            for wrong in [
                "INSERT INTO notes (text) VALUES (NULL)", "SELECT nothing", "INSERT INTO notes VALUES (1, 2, 3)",
            ] {
                #expect(throws: DatabaseError.self) {
                    try transaction.savepoint { inner -> Bool? in
                        try Notes.insert("inner", in: inner)
                        _ = try? inner.savepoint { _ = try $0.execute(wrong) }
                        try Notes.insert("goes on", in: inner)
                        try inner.execute(wrong)
                        return true
                    }
                }
            }
            try transaction.savepoint { _ in true }
            try Notes.insert("after", in: transaction)
        }
        #expect(try await desk.texts == ["before", "after"])
    }

    @Test("in which a statement failed outside of a savepoint is not committed, whatever its body says")
    func swallowed() async throws {
        let steps = Steps()
        let error = await #expect(throws: DatabaseError.self) {
            try await database.write { transaction throws in
                try Notes.insert("lost", in: transaction)
                _ = try? transaction.execute("INSERT INTO notes (text) VALUES (NULL)")
            } committed: {
                steps.append("committed")
            }
        }
        guard case .statement = error else {
            Issue.record("not a wrong statement: \(String(describing: error))")
            return
        }
        #expect(try await desk.texts == [] && steps.all == [])
        try await database.write { try Notes.insert("next", in: $0) }
        #expect(try await desk.texts == ["next"])
    }

    @Test("changes thousands of rows by one statement, or none of them", arguments: [1, 499, 500, 501, 1_700, 2_001])
    func executeAll(taken: Int) async throws {
        try await database.write { try Notes.insert("note \(taken)", in: $0) }
        let texts = (1...2_001).map { "note \($0)" }
        let insert = "INSERT INTO notes (text) VALUES (?)"
        let error = await #expect(throws: DatabaseError.self) {
            try await database.write { _ = try $0.executeAll(insert, Self.rows(texts)) }
        }
        #expect(error?.constraintKind == .unique)
        #expect(try await desk.texts == ["note \(taken)"])
        try await database.write { transaction throws in
            #expect(throws: DatabaseError.self) {
                try transaction.savepoint { _ = try $0.executeAll(insert, Self.rows(texts)) }
            }
            let others = texts.filter { $0 != "note \(taken)" }
            #expect(try transaction.executeAll(insert, Self.rows(others)) == 2_000)
            #expect(try transaction.executeAll("UPDATE notes SET size = 1 WHERE text = ?", Self.rows(texts)) == 2_001)
            #expect(try transaction.executeAll(insert, []) == 0)
        }
        #expect(try await desk.texts.count == 2_001)
    }

    private static func rows(_ texts: [String]) -> [[any SQLBindable]] { texts.map { [$0] } }

    @Test("prepares a statement once, and again when its preparation failed")
    func prepared() async throws {
        let one = try await desk.node(connectionsMax: 1)
        for _ in 1...3 {
            try await one.read { transaction in
                for number in 1...5 { _ = try transaction.count("SELECT ? + 77", arguments: [.integer(Int64(number))]) }
            }
        }
        let known = try await one.read {
            try $0.count("SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT $1 + 77'")
        }
        #expect(known == 1)
        let later = "SELECT count(*) FROM later"
        await #expect(throws: DatabaseError.self) { try await one.read { try $0.count(later) } }
        try await desk.watch.write { _ = try $0.execute("CREATE TABLE later (a bigint)") }
        #expect(try await one.read { try $0.count(later) } == 0)
        let all = "SELECT * FROM later"
        #expect(try await one.read { try $0.all(all) { $0.integer(0) } } == [])
        try await desk.watch.write { _ = try $0.execute("ALTER TABLE later ADD COLUMN b bigint") }
        #expect(try await one.read { try $0.all(all) { $0.integer(1) } } == [], "another shape is prepared anew")
    }

    @Test("that reads sees one moment, whatever is committed meanwhile")
    func snapshot() async throws {
        try await database.write { try Notes.insert("before", in: $0) }
        let database = database
        let read = await HeldTransaction { pause in
            try await database.read { transaction in
                let before = try transaction.count("SELECT count(*) FROM notes")
                pause()
                return (before, try transaction.count("SELECT count(*) FROM notes"))
            }
        }
        try await database.write { try Notes.insert("meanwhile", in: $0) }
        let counts = try await read.letGo()
        #expect(counts == (1, 1))
        #expect(try await database.read { try $0.count("SELECT count(*) FROM notes") } == 2)
    }

    @Test("that reads cannot write")
    func readOnly() async throws {
        await #expect(throws: DatabaseError.self) {
            try await database.read {
                try $0.all("INSERT INTO notes (text) VALUES ('x') RETURNING id") { $0.integer(0) }
            }
        }
        #expect(try await desk.texts == [])
    }
}
