import Database
import TestSupport

/// A small database of notes: what the tests of this folder store.
struct Notes {
    static let migration = Migration(
        version: 1, name: "notes", readableFrom: 1,
        sql: """
            CREATE TABLE notes (
                id INTEGER PRIMARY KEY,
                text TEXT NOT NULL,
                parent INTEGER REFERENCES notes (id),
                size INTEGER CONSTRAINT sizes_are_positive CHECK (size > 0)
            ) STRICT;
            CREATE UNIQUE INDEX notes_texts_are_unique ON notes (text);
            """)

    let database: Database

    /// In memory, or in the file at `path`.
    init(path: String? = nil, onStatement: (@Sendable (String) -> Void)? = nil) async throws {
        database = Database(driver: try await TestDatabase.driver(path: path, onStatement: onStatement))
        try await database.migrate([Self.migration], at: ManualClock.start)
    }

    static func insert(_ text: String, in transaction: WriteTransaction) throws {
        try transaction.execute("INSERT INTO notes (text) VALUES (?)", text)
    }

    func insert(_ text: String) async throws { try await database.write { try Self.insert(text, in: $0) } }

    /// All texts in the order in which they were stored.
    var texts: [String] {
        get async throws { try await database.read { try $0.all("SELECT text FROM notes ORDER BY id") { $0.text(0) } } }
    }
}

/// A refusal on purpose, by a body of a transaction.
struct Refused: Error, Equatable {}
