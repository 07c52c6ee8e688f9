import Database
import Foundation
import Licensing
import Primitives
import TestSupport
import Testing

@testable import SignetApp

/// A stopped installation in a SQLite file with the demonstration's license in use and rows in every table.
struct RichHome {
    let home: Home
    let clock = ManualClock()
    /// Opens the demonstration's license.
    let key: String

    init() async throws {
        home = try Home()
        let signet = try await home.open(clock: clock)
        let issued = try #require(try await DemoData.load(into: signet))
        #expect(try await SignetTests.validate(issued, signet).verdict == .valid)
        key = issued.text
        try await signet.close()
        let database = try database()
        try await database.write { transaction in
            for statement in Self.rest { try transaction.execute(statement) }
        }
        try database.close()
    }

    var path: String { home.settings.sqlitePath }

    func database() throws -> Database { Database(driver: try SQLiteDriver.open(path: path)) }

    func execute(_ statement: String) async throws {
        let database = try database()
        try await database.write { _ = try $0.execute(statement) }
        try database.close()
    }

    /// What the demonstration leaves empty. Values at the edges of their types are among them.
    private static let rest = [
        """
        INSERT INTO admin_tokens (name, token_hash, pepper_id, scopes, version, created_at, last_used_at)
        VALUES ('shop', zeroblob(16), 1, 'licenses:read 雪''"?', 1, 1, NULL)
        """,
        """
        INSERT INTO receipts (key_hash, request_hash, status, answer, created_at)
        VALUES (zeroblob(16), randomblob(16), 201, x'', 9223372036854775807)
        """,
        "INSERT INTO product_codes SELECT id, 'type', 'professional', 255, -1 FROM products",
        """
        INSERT INTO license_files (license_id, activation_id, nonce, issued_at, ends_at)
        SELECT license_id, id, NULL, 1000, 2000 FROM activations
        """,
        "INSERT INTO license_files (id, license_id, activation_id, nonce, issued_at, ends_at) "
            + "SELECT 4000, license_id, id, '', 1000, 2000 FROM activations",
        "INSERT INTO revocation_lists VALUES (1, 7, randomblob(32), 5)",
        "INSERT INTO license_holds SELECT id, 'billing', NULL, 'uid:0', 1000 FROM licenses",
        "INSERT INTO license_revocations SELECT id, 'operator', 'why', 'uid:0', 1000 FROM licenses",
        "INSERT INTO refusals (license_id, code, sealed, at) VALUES (NULL, 'NOT_FOUND', NULL, 1)",
        "INSERT INTO refusals (license_id, code, sealed, at) SELECT id, 'EXPIRED', randomblob(999), 2 FROM licenses",
        // The last number was given, and its row is gone.
        "INSERT INTO refusals (sequence, code, at) VALUES (70, 'NOT_FOUND', 3)",
        "DELETE FROM refusals WHERE sequence = 70",
        """
        INSERT INTO import_links SELECT 'whmcs', 'license', '77', 1, '{}', '{}', 1, 5
        """,
        "INSERT INTO product_secrets SELECT 'whmcs', '12', id, 1, randomblob(40), 5 FROM products",
        "INSERT INTO imported_seats SELECT id FROM activations",
        "INSERT INTO seat_spread SELECT id, 20000, -9223372036854775807 - 1 FROM activations",
        "INSERT INTO memory_removals (xid, place_key, at) VALUES (0, randomblob(16), 9)",
        "INSERT INTO root_keys VALUES ('root', randomblob(32), 4)",
        "INSERT INTO signed_key_sets VALUES (1, 'root', '{\"a\": 1}', 1, 2, 3)",
    ]
}

/// Every row of every table as text, by table.
func allRows(of database: Database) async throws -> [String: [String]] {
    let tables = try await database.tables()
    return try await database.read { transaction in
        var rows: [String: [String]] = [:]
        for table in tables {
            let columns = table.columns.sorted().map { "\"\($0)\"" }
            rows[table.name] = try transaction.all(
                "SELECT \(columns.joined(separator: ", ")) FROM \"\(table.name)\""
            ) { row in columns.indices.map { "\(columns[$0])=\(row.value($0))" }.joined(separator: " ") }
            .sorted()
        }
        return rows
    }
}
