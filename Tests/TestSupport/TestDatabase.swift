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
        guard address == nil else {
            return try await postgreSQL(
                at: try await schemaAddress(path: path), connectionsMax: connectionsMax, onStatement: onStatement)
        }
        guard let path else { return try SQLiteDriver.inMemory(onStatement: onStatement) }
        return try SQLiteDriver.open(path: path, onStatement: onStatement)
    }

    /// The same as a database.
    package static func open(path: String? = nil) async throws -> Database {
        Database(driver: try await driver(path: path))
    }

    /// The address of an empty schema on the server, or of the one that `path` stands for.
    package static func schemaAddress(path: String? = nil) async throws -> String {
        guard let address else { preconditionFailure("a test of PostgreSQL runs where there is a server") }
        let schema = "house_" + (path ?? UUID().uuidString).utf8.map { String($0, radix: 16) }.joined().suffix(56)
        try await Schemas.make(schema, at: address)
        return appending("options=-csearch_path%3D\(schema),\(SQLiteWords.schema)", to: address)
    }

    /// The socket file of the server, and an address in the schema of `address` that goes through a port of 127.0.0.1.
    package static func detour(of address: String, through ports: [Int]) -> (socketPath: String, address: String) {
        guard let place = address.range(of: "\\?host=[^&]*", options: .regularExpression) else {
            preconditionFailure("the test command's address names a directory")
        }
        let hosts = ports.map { _ in "127.0.0.1" }.joined(separator: ",")
        let list = ports.map(String.init).joined(separator: ",")
        let detour = "?host=\(hosts)&port=\(list)&sslmode=disable&gssencmode=disable"
        return (
            "\(address[place].dropFirst("?host=".count))/.s.PGSQL.5432",
            address.replacingCharacters(in: place, with: detour)
        )
    }

    /// An address with one more parameter.
    package static func appending(_ parameter: String, to address: String) -> String {
        "\(address)\(address.contains("?") ? "&" : "?")\(parameter)"
    }

    /// A driver of the database at `address`.
    package static func postgreSQL(
        at address: String, connectionsMax: Int = connectionsMax,
        timing: PostgreSQLDriver.Timing = PostgreSQLDriver.Timing(), onStatement: (@Sendable (String) -> Void)? = nil
    ) async throws -> PostgreSQLDriver {
        try await PostgreSQLDriver.open(
            PostgreSQLAddress(address), connectionsMax: connectionsMax, timing: timing, onStatement: onStatement)
    }
}

private enum Schemas {
    /// One for all schemas of a run; says which words of SQLite the server lacks once.
    private static let makers = Mutex<[String: Task<PostgreSQLDriver, any Error>]>([:])

    static func make(_ name: String, at address: String) async throws {
        let maker = makers.withLock { makers in
            let maker = makers[address] ?? Task { try await open(address) }
            makers[address] = maker
            return maker
        }
        try await define("CREATE SCHEMA IF NOT EXISTS \(name)", on: try await maker.value)
    }

    private static func open(_ address: String) async throws -> PostgreSQLDriver {
        let driver = try await TestDatabase.postgreSQL(at: address, connectionsMax: 2)
        try await define(SQLiteWords.definitions, on: driver)
        return driver
    }

    private static func define(_ sql: String, on driver: PostgreSQLDriver) async throws {
        try await driver.changeSchema { connection in
            try driver.define(
                Migration(version: 1, name: "test", readableFrom: 1, sql: "", onPostgreSQL: sql), on: connection)
        }
    }
}

// MARK: - One SQL for both

/// What statements of tests say in SQLite's words, which PostgreSQL lacks. The program's own statements use none.
private enum SQLiteWords {
    static let schema = "sqlite_words"

    static let definitions = """
        CREATE SCHEMA IF NOT EXISTS \(schema);
        SET LOCAL search_path = \(schema);
        CREATE OR REPLACE FUNCTION hex(bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS
            'SELECT upper(encode($1, ''hex''))';
        CREATE OR REPLACE FUNCTION zeroblob(integer) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS
            'SELECT decode(repeat(''00'', $1), ''hex'')';
        CREATE OR REPLACE FUNCTION randomblob(integer) RETURNS bytea LANGUAGE sql VOLATILE STRICT AS
            'SELECT substring(uuid_send(gen_random_uuid()) FROM 1 FOR $1)';
        CREATE OR REPLACE FUNCTION instr(bytea, bytea) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS
            'SELECT position($2 IN $1)::bigint';
        CREATE OR REPLACE FUNCTION lesser(bytea, bytea) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS
            'SELECT least($1, $2)';
        CREATE OR REPLACE AGGREGATE min(bytea) (SFUNC = lesser, STYPE = bytea);
        CREATE OR REPLACE FUNCTION joined(text, text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS
            'SELECT $1 || '','' || $2';
        CREATE OR REPLACE AGGREGATE group_concat(text) (SFUNC = joined, STYPE = text);
        DO 'BEGIN CREATE DOMAIN blob AS bytea; EXCEPTION WHEN duplicate_object THEN NULL; END';
        """
}

extension TestDatabase {
    /// The value of a blob as statements write it; `digits` in pairs.
    package static func blob(_ digits: String) -> String { isShared ? "'\\x\(digits)'::bytea" : "x'\(digits)'" }

    /// Statements that make every `event` ("BEFORE INSERT ON journal") for whose row `condition` holds be refused with
    /// `message`.
    package static func trigger(
        _ name: String, _ event: String, when condition: String = "1 = 1", says message: String
    ) -> [String] {
        guard isShared else {
            return ["CREATE TRIGGER \(name) \(event) WHEN \(condition) BEGIN SELECT RAISE(ABORT, '\(message)'); END"]
        }
        return [
            """
            CREATE FUNCTION \(name)() RETURNS trigger LANGUAGE plpgsql AS $body$
            BEGIN IF \(condition) THEN RAISE EXCEPTION '\(message)'; END IF; RETURN new; END $body$
            """,
            "CREATE TRIGGER \(name) \(event) FOR EACH ROW EXECUTE FUNCTION \(name)()",
        ]
    }

    /// Takes such a trigger away.
    package static func droppingTrigger(_ name: String) -> String {
        isShared ? "DROP FUNCTION \(name)() CASCADE" : "DROP TRIGGER \(name)"
    }
}

extension DatabaseError {
    /// What kind of constraint refused a change, in the words of SQL.
    package enum ConstraintKind: String, Sendable {
        case check = "CHECK"
        case foreignKey = "FOREIGN KEY"
        case notNull = "NOT NULL"
        case unique = "UNIQUE"
    }

    /// Nil for what is no conflict with a constraint.
    package var constraintKind: ConstraintKind? {
        guard case .conflict(let detail) = self else { return nil }
        let states: [(String, ConstraintKind)] = [
            ("23514", .check), ("23503", .foreignKey), ("23502", .notNull), ("23505", .unique),
        ]
        return states.first { state, kind in
            detail.hasPrefix("\(state):") || detail.contains("\(kind.rawValue) constraint failed")
        }?.1
    }
}
