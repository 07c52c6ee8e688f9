import Database
import TestSupport
import Testing

@Suite("A migration")
struct MigrationTests {
    /// Adds a column: the program before it can still run.
    private static let additive = Migration(
        version: 2, name: "colors", readableFrom: 1, sql: "ALTER TABLE notes ADD COLUMN color TEXT;")
    /// Takes a column away: the program before it cannot.
    private static let breaking = Migration(
        version: 3, name: "no sizes", readableFrom: 3, sql: "CREATE TABLE more (id INTEGER PRIMARY KEY) STRICT;")
    private static let start = ManualClock.start

    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.path(of: "notes.db")
    }

    /// The database at `path`, as a program that knows `migrations` opens it.
    private func open(_ migrations: [Migration]) async throws -> (database: Database, applied: [Int64]) {
        let database = try await TestDatabase.open(path: path)
        let directory = directory
        @Sendable func copy(_ from: Int64) -> String { directory.path(of: "before-\(from).db") }
        // A server is copied with its own tools.
        let backupPath = TestDatabase.isShared ? nil : copy
        let applied = try await database.migrate(migrations, at: Self.start, backupPath: backupPath)
        return (database, applied)
    }

    @Test("is applied once, in the order of versions whatever order they are listed in")
    func applied() async throws {
        let (database, applied) = try await open([Self.additive, Notes.migration])
        #expect(applied == [1, 2])
        #expect(try await database.migrate([Notes.migration, Self.additive], at: Self.start) == [])
        let names = try await database.read { try $0.all("SELECT name FROM schema_versions") { $0.text(0) } }
        #expect(names == ["notes", "colors"])
    }

    @Test("copies an existing database before it touches it", .enabled(if: !TestDatabase.isShared, "copies a file"))
    func backup() async throws {
        let (database, _) = try await open([Notes.migration])
        #expect(try directory.names.contains { $0.hasPrefix("before") } == false, "a new database has nothing to lose")
        try await database.write { try Notes.insert("kept", in: $0) }
        try database.close()
        let (migrated, applied) = try await open([Notes.migration, Self.additive])
        #expect(applied == [2])
        try migrated.close()
        let copy = try Shell(directory.path(of: "before-1.db"))
        #expect(try copy.texts("SELECT text FROM notes") == ["kept"])
        #expect(try copy.texts("SELECT name FROM schema_versions") == ["notes"])
        #expect(try copy.texts("PRAGMA integrity_check") == ["ok"])
    }

    @Test("that cannot copy the database first is not begun", .enabled(if: !TestDatabase.isShared, "copies a file"))
    func noBackup() async throws {
        let (database, _) = try await open([Notes.migration])
        try directory.write("in the way", to: "before-1.db")
        await #expect(throws: DatabaseError.self) {
            try await database.migrate([Notes.migration, Self.additive], at: Self.start) { [directory] from in
                directory.path(of: "before-\(from).db")
            }
        }
        #expect(try await database.read { try $0.count("SELECT count(*) FROM schema_versions") } == 1)
    }

    @Test("whose second statement fails leaves nothing of the first, nor of the ones before it")
    func transactional() async throws {
        let (database, _) = try await open([Notes.migration])
        try await database.write { try Notes.insert("kept", in: $0) }
        let broken = Migration(
            version: 4, name: "broken", readableFrom: 4,
            sql: "DROP TABLE notes; CREATE TABLE broken (a INTEGER) STRICT; CREATE TABLE broken (a INTEGER) STRICT;")
        await #expect(throws: DatabaseError.self) {
            try await database.migrate([Notes.migration, Self.additive, broken], at: Self.start)
        }
        #expect(try await database.read { try $0.all("SELECT text FROM notes") { $0.text(0) } } == ["kept"])
        #expect(try await database.read { try $0.count("SELECT count(*) FROM schema_versions") } == 1)
        await #expect(throws: DatabaseError.self, "the column was not added") {
            try await database.read { _ = try $0.count("SELECT count(color) FROM notes") }
        }
    }

    @Test("of a new database that fails leaves it new")
    func firstFails() async throws {
        let database = try await TestDatabase.open(path: path)
        let sql = "CREATE TABLE a (b INTEGER) STRICT; x;"
        let broken = Migration(version: 1, name: "broken", readableFrom: 1, sql: sql)
        await #expect(throws: DatabaseError.self) { try await database.migrate([broken], at: Self.start) }
        #expect(try await database.isEmpty())
        #expect(try await database.migrate([Notes.migration], at: Self.start) == [1])
    }

    @Test("of a newer program that only adds lets the older program run")
    func additiveNewer() async throws {
        let (newer, _) = try await open([Notes.migration, Self.additive])
        try newer.close()
        let (older, applied) = try await open([Notes.migration])
        #expect(applied == [])
        try await older.write { try Notes.insert("from the older one", in: $0) }
    }

    @Test("of a newer program that breaks the older one stops it, and nothing is changed")
    func breakingNewer() async throws {
        let (newer, _) = try await open([Notes.migration, Self.additive, Self.breaking])
        try newer.close()
        let refusal = DatabaseError.newer(required: 3, known: 2)
        await #expect(throws: refusal) { try await open([Notes.migration, Self.additive]) }
        #expect(refusal.description.contains("newer than this program"))
        let unknown = Migration(version: 4, name: "later", readableFrom: 4, sql: "SELECT 1;")
        let (again, applied) = try await open([Notes.migration, Self.additive, Self.breaking, unknown])
        #expect(applied == [4])
        try again.close()
    }
}

@Suite("A file that is not ours")
struct ForeignFileTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    @Test("because another program's mark is in it is refused")
    func foreign() throws {
        let path = directory.path(of: "other.db")
        let other = try Shell(path)
        try other.run("PRAGMA application_id = 42; CREATE TABLE t (a)")
        try other.close()
        let before = try directory.contents(of: "other.db")
        #expect(throws: DatabaseError.foreign(detail: "application_id 42")) { try SQLiteDriver.open(path: path) }
        #expect(try directory.contents(of: "other.db") == before, "not even its journal mode was changed")
    }

    @Test("because it has tables and no mark is refused")
    func unmarked() throws {
        let path = directory.path(of: "other.db")
        let other = try Shell(path)
        try other.run("CREATE TABLE t (a)")
        try other.close()
        #expect(throws: DatabaseError.foreign(detail: "application_id 0")) { try SQLiteDriver.open(path: path) }
    }

    @Test("because it is no database at all is refused and left as it is")
    func noDatabase() throws {
        let text = String(repeating: "This is a letter to the vendor, not a database.\n", count: 100)
        try directory.write(text, to: "letter.db")
        let error = #expect(throws: DatabaseError.self) { try SQLiteDriver.open(path: directory.path(of: "letter.db")) }
        guard case .corrupt = error else {
            Issue.record("not corrupt: \(String(describing: error))")
            return
        }
        #expect(try directory.contents(of: "letter.db") == [UInt8](text.utf8))
    }
}
