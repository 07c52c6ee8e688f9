/// One step of the schema. A shipped migration is history: it is never edited, the next one is added.
package struct Migration: Sendable {
    /// Position in the history, from 1, unique over all parts of the program.
    package let version: Int64
    package let name: String
    /// The oldest schema version whose program can still run on the result: an additive step keeps the previous one.
    package let readableFrom: Int64
    /// Statements in SQLite's spelling, separated by semicolons; other drivers translate.
    package let sql: String
    /// Statements that only PostgreSQL needs, in its own spelling, after `sql`.
    package let onPostgreSQL: String

    package init(version: Int64, name: String, readableFrom: Int64, sql: String, onPostgreSQL: String = "") {
        self.version = version
        self.name = name
        self.readableFrom = readableFrom
        self.sql = sql
        self.onPostgreSQL = onPostgreSQL
    }
}

/// What has been applied to a database.
struct SchemaState: Sendable {
    static let table = """
        CREATE TABLE schema_versions (
            version INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            readable_from INTEGER NOT NULL,
            applied_at INTEGER NOT NULL
        ) STRICT;
        """

    var applied: Set<Int64> = []
    /// The least schema version that a program must know to run on this database.
    var readableFrom: Int64 = 0

    init() {}

    init(reading transaction: ReadTransaction) throws {
        try transaction.forEach("SELECT version, readable_from FROM schema_versions") { row in
            applied.insert(row.integer(0))
            readableFrom = max(readableFrom, row.integer(1))
        }
    }

    /// Those of `migrations` that are not applied, in order.
    func pending(of migrations: [Migration]) -> [Migration] {
        migrations.filter { !applied.contains($0.version) }.sorted { $0.version < $1.version }
    }
}
