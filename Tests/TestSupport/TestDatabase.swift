package import Database
import Foundation
import Primitives
import Synchronization

/// Where the tests of stores have their databases: SQLite, or the PostgreSQL server that `SIGNET_TEST_DATABASE` names.
/// One suite runs over both; what only one of them has is tested by tests that say so.
package enum TestDatabase {
    private static let address = ProcessInfo.processInfo.environment["SIGNET_TEST_DATABASE"]
    /// Connections of one house: many houses stand at once.
    private static let connectionsMax = 6

    /// Whether other processes could write to the databases of this run.
    package static var isShared: Bool { address != nil }

    /// An empty database that lives as long as the driver, or the one of the file at `path`, opened again. On a server
    /// each is a schema of its own.
    package static func driver(
        path: String? = nil, onStatement: (@Sendable (String) -> Void)? = nil
    ) async throws -> any DatabaseDriver {
        if let address { return try await postgreSQL(address, path, onStatement) }
        guard let path else { return try SQLiteDriver.inMemory(onStatement: onStatement) }
        return try SQLiteDriver.open(path: path, onStatement: onStatement)
    }

    /// The same as a database.
    package static func open(path: String? = nil) async throws -> Database {
        Database(driver: try await driver(path: path))
    }

    private static func postgreSQL(
        _ address: String, _ path: String?, _ onStatement: (@Sendable (String) -> Void)?
    ) async throws -> PostgreSQLDriver {
        let schema = "house_" + (path ?? UUID().uuidString).utf8.map { String($0, radix: 16) }.joined().suffix(56)
        try await Schemas.make(schema, at: address)
        let separator = address.contains("?") ? "&" : "?"
        return try await PostgreSQLDriver.open(
            PostgreSQLAddress("\(address)\(separator)options=-csearch_path%3D\(schema)"),
            connectionsMax: connectionsMax, onStatement: onStatement)
    }
}

private enum Schemas {
    static func make(_ name: String, at address: String) async throws {
        let driver = try await PostgreSQLDriver.open(PostgreSQLAddress(address), connectionsMax: 1)
        try await driver.changeSchema { connection in
            try driver.define(
                Migration(
                    version: 1, name: name, readableFrom: 1, sql: "",
                    onPostgreSQL: "CREATE SCHEMA IF NOT EXISTS \(name)"),
                on: connection)
        }
        try driver.close()
    }
}
