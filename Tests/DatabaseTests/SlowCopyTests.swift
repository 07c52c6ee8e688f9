import Synchronization
import TestSupport
import Testing

@testable import Database

@Suite("A copy between servers", .enabled(if: TestDatabase.isShared, "A file ends no transaction."))
struct SlowCopyTests {
    private static let notes = Migration(
        version: 1, name: "notes", readableFrom: 1,
        sql: "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;")
    private static let limit = "SELECT current_setting('idle_in_transaction_session_timeout')"

    private let source: Database
    private let target: Database

    init() async throws {
        (source, target) = (try await TestDatabase.open(), try await TestDatabase.open())
        for database in [source, target] { try await database.migrate([Self.notes], at: ManualClock.start) }
        try await source.write { _ = try $0.execute("INSERT INTO notes (id, text) VALUES (1, 'a'), (7, 'b')") }
    }

    private static func idleMax(_ transaction: ReadTransaction) throws -> String {
        try transaction.all(limit) { $0.text(0) }[0]
    }

    @Test("may stand still for as long as the other side takes, on both sides, and nobody else may afterwards")
    func standsStill() async throws {
        let seen = Mutex<[String]>([])
        let copied = try await TableCopy(from: source, to: target).run { transaction in
            let limit = try Self.idleMax(transaction)
            seen.withLock { $0.append(limit) }
            return limit
        }
        #expect(copied.first { $0.name == "notes" }?.rows == 2)
        #expect(seen.withLock { $0 } == ["0", "0"], "the source's transaction and the target's")
        for database in [source, target] { #expect(try await database.read(Self.idleMax) == "5s") }
    }
}
