/// Which steps of the schema a database has.
package struct SchemaVersions: Sendable, Equatable {
    /// In order; empty in a new database.
    package let applied: [Int64]
    /// The least version that a program must know to run on this database.
    package let readableFrom: Int64
    /// Steps that the program knows and the database does not have, in order.
    package let pending: [Step]

    /// One step that would be made.
    package struct Step: Sendable, Equatable {
        package let version: Int64
        package let name: String
    }
}

extension Database {
    /// What `migrations` would do here. Throws `DatabaseError`.
    package func schemaVersions(of migrations: [Migration]) async throws -> SchemaVersions {
        let state = try await isEmpty() ? SchemaState() : try await read(SchemaState.init(reading:))
        let pending = state.pending(of: migrations).map { SchemaVersions.Step(version: $0.version, name: $0.name) }
        return SchemaVersions(applied: state.applied.sorted(), readableFrom: state.readableFrom, pending: pending)
    }

    /// Copies the whole database, which `migrations` made, into a new SQLite file at `path`: what was committed when
    /// this was called, and perhaps later, in one consistent view. Readers and the writer go on. Throws
    /// `DatabaseError`.
    package func backUp(to path: String, migrations: [Migration]) async throws {
        try await driver.backUp(to: path, migrations: migrations)
    }

    /// Every table that holds rows, from the database's own catalog.
    package func tables() async throws -> [TableShape] {
        let driver = driver
        return try await read { try driver.tables(on: $0.connection) }
    }

    /// What is wrong with the file itself and with references between rows, at most `limit` lines.
    package func damages(limit: Int) async throws -> [String] { try await driver.damages(limit: limit) }
}
