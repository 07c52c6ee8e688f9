import Database
import Licensing
import TestSupport
import Testing

@Suite("The schema")
struct SchemaTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    @Test("has only STRICT tables", .enabled(if: !TestDatabase.isShared, "what SQLite keeps of definitions"))
    func strict() async throws {
        let tables = try await house.texts(
            "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
        #expect(tables.count >= 12)
        for table in tables { #expect(table.hasSuffix("STRICT"), "\(table)") }
    }

    @Test(
        "is the reviewed one, Golden/schema.txt",
        .enabled(if: !TestDatabase.isShared, "what SQLite keeps of definitions"))
    func golden() async throws {
        let actual =
            try await house.texts(
                """
                SELECT sql || ';' FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
                ORDER BY tbl_name, CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 ELSE 2 END, name
                """
            ).joined(separator: "\n\n") + "\n"
        #expect(try Golden.text("schema.txt", actual: actual) == actual)
    }

    @Test(
        "is the same on PostgreSQL: each table, column, type and index is there",
        .enabled(if: TestDatabase.isShared, "compares the two"))
    func same() async throws {
        let reference = Database(driver: try SQLiteDriver.inMemory())
        try await reference.migrate(TestHouse.migrations, at: ManualClock.start)
        let columns = try await reference.read { transaction in
            try transaction.all(
                """
                SELECT t.name || '.' || c.name || ' ' || c.type
                    || (CASE WHEN c."notnull" OR c.pk THEN ' NOT NULL' ELSE '' END)
                FROM sqlite_schema t JOIN pragma_table_info(t.name) c
                WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'
                """
            ) { $0.text(0) }
        }
        let known = try await house.texts(
            """
            SELECT t.relname || '.' || c.attname || ' '
                || (CASE c.atttypid WHEN 20 THEN 'INTEGER' WHEN 25 THEN 'TEXT' WHEN 17 THEN 'BLOB' ELSE '?' END)
                || (CASE WHEN c.attnotnull THEN ' NOT NULL' ELSE '' END)
            FROM pg_class t JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum > 0 AND NOT c.attisdropped
            WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind = 'r'
            """)
        #expect(columns.count > 100)
        #expect(Set(columns).subtracting(known) == [])
        let indexes = try await reference.read {
            try $0.all("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL") { $0.text(0) }
        }
        let knownIndexes = try await house.texts(
            "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()")
        #expect(Set(indexes).subtracting(knownIndexes) == [])
        let collations = try await house.texts(
            """
            SELECT t.relname || '.' || c.attname FROM pg_class t JOIN pg_attribute c ON c.attrelid = t.oid
            WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind = 'r' AND c.atttypid = 25
                AND c.attcollation <> (SELECT oid FROM pg_collation WHERE collname = 'C')
            """)
        #expect(collations == [], "texts are ordered by their bytes")
    }

    @Test(
        "itself refuses what must not happen",
        arguments: [
            // Two holders of one seat, a seat of nobody, a seat of two, and a place in two seats.
            ("UNIQUE", "UPDATE activations SET seat_key = (SELECT seat_key FROM activations ORDER BY id LIMIT 1)"),
            ("CHECK", "UPDATE activations SET domain = NULL"),
            ("CHECK", "UPDATE activations SET installation_id = 'both-of-them'"),
            ("UNIQUE", "INSERT INTO seat_addresses SELECT * FROM seat_addresses"),
            ("CHECK", "UPDATE activations SET network = '203.0.113.7/32'"),
            ("CHECK", "UPDATE activations SET kind = 'spare'"),
            ("CHECK", "UPDATE activations SET lease_minutes = -1"),
            ("CHECK", "UPDATE activations SET released_at = 1"),
            ("CHECK", "UPDATE activations SET release_kind = 'self'"),
            ("CHECK", "UPDATE activations SET released_at = 1, release_kind = 'lost'"),
            ("FOREIGN KEY", "INSERT INTO seat_spread VALUES (1, 1, 1)"),
            ("CHECK", "UPDATE activations SET seat_key = zeroblob(1)"),
            ("CHECK", "UPDATE activations SET ordinal = 0"),
            ("FOREIGN KEY", "UPDATE activations SET license_id = 1"),
            ("FOREIGN KEY", "DELETE FROM licenses"),
            ("CHECK", "UPDATE licenses SET used = -1"),
            ("CHECK", "UPDATE licenses SET max_activations = -1"),
            ("CHECK", "UPDATE licenses SET state = 'lost'"),
            ("CHECK", "UPDATE licenses SET expires_at = 1500"),
            ("CHECK", "UPDATE licenses SET not_before = 1500"),
            ("CHECK", "UPDATE licenses SET grace_days = -1"),
            ("CHECK", "UPDATE licenses SET version = 0"),
            ("UNIQUE", "UPDATE licenses SET status_index = 0"),
            ("FOREIGN KEY", "UPDATE licenses SET customer_id = 999"),
            ("FOREIGN KEY", "UPDATE licenses SET product_id = 999"),
            ("CHECK", "UPDATE license_keys SET key_hash = zeroblob(1)"),
            ("UNIQUE", "UPDATE license_keys SET key_hash = (SELECT min(key_hash) FROM license_keys)"),
            ("CHECK", "UPDATE license_keys SET kind = 'borrowed'"),
            ("CHECK", "UPDATE license_keys SET valid_until = 1500"),
            ("UNIQUE", "UPDATE signing_keys SET signs_from = 1"),
            ("CHECK", "UPDATE signing_keys SET version = 0"),
            ("CHECK", "UPDATE signing_keys SET public_key = zeroblob(1)"),
            (
                "UNIQUE",
                "INSERT INTO products (code, name, max_activations, version, created_at) "
                    + "SELECT code, name, max_activations, version, created_at FROM products"
            ),
            ("CHECK", "UPDATE products SET max_activations = -1"),
            ("CHECK", "UPDATE products SET grace_days = -1"),
            ("CHECK", "UPDATE products SET key_groups = 8"),
            ("CHECK", "UPDATE licenses SET over_limit_until = 1500"),
            ("CHECK", "UPDATE customers SET id = 0"),
            ("CHECK", "UPDATE customers SET state = 'lost'"),
            ("CHECK", "INSERT INTO journal_feed VALUES (2, 1)"),
            ("CHECK", "UPDATE secrets SET check_value = zeroblob(1)"),
        ])
    func invariants(kind: String, sql: String) async throws {
        let acme = try await house.acme()
        let solo = try await house.solo()
        #expect(try await house.verdict(acme, "example.com") == .valid)
        #expect(try await house.verdict(acme, "shop.example.com") == .valid)
        #expect(try await house.verdict(solo, "example.net") == .valid)
        let error = await #expect(throws: DatabaseError.self) { try await house.execute(sql) }
        #expect(error?.constraintKind?.rawValue == kind, "\(String(describing: error))")
        #expect(try await house.inconsistencies() == [])
    }
}
