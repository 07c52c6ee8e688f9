import Database
import TestSupport
import Testing

/// What DESIGN D1 asks of the connection that writes, read back from that connection.
@Suite("The writing connection", .enabled(if: !TestDatabase.isShared, "pragmas are SQLite's"))
struct PragmaTests {
    @Test("of a file syncs each commit, follows the log with it, keeps foreign keys and maps no memory")
    func file() async throws {
        let directory = try TemporaryDirectory()
        let notes = try await Notes(path: directory.path(of: "notes.db"))
        let writer = try await notes.database.write { transaction throws in
            [
                "synchronous": try transaction.reading.count("PRAGMA synchronous"),
                "foreign_keys": try transaction.reading.count("PRAGMA foreign_keys"),
                "mmap_size": try transaction.reading.count("PRAGMA mmap_size"),
                "application_id": try transaction.reading.count("PRAGMA application_id"),
            ]
        }
        #expect(
            writer == [
                "synchronous": 2, "foreign_keys": 1, "mmap_size": 0, "application_id": SQLiteDriver.applicationID,
            ])
        let mode = try await notes.database.write { try $0.reading.first("PRAGMA journal_mode") { $0.text(0) } }
        #expect(mode == "wal")
    }

    @Test("of a database in memory is as strict")
    func memory() async throws {
        let notes = try await Notes()
        try await notes.database.write { transaction throws in
            #expect(try transaction.reading.count("PRAGMA synchronous") == 2)
            #expect(try transaction.reading.count("PRAGMA foreign_keys") == 1)
        }
    }

    @Test("refuses what a table's column types do not allow")
    func strict() async throws {
        let notes = try await Notes()
        await #expect(throws: DatabaseError.self) {
            try await notes.database.write { _ = try $0.execute("INSERT INTO notes (text) VALUES (x'00')") }
        }
    }
}
