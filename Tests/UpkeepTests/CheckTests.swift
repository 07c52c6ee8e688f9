import Database
import Journal
import Licensing
import Secrets
import TestSupport
import Testing
import Upkeep

@Suite("A check of the database")
struct CheckTests {
    private let house: TestHouse

    init() async throws {
        house = try await TestHouse()
        let acme = try await house.acme()
        #expect(try await house.verdict(acme, "example.com") == .valid)
        #expect(try await house.verdict(acme, "shop.example.com") == .valid)
        let solo = try await house.solo()
        #expect(try await house.verdict(solo, "example.net") == .valid)
        try await house.upkeep.chain.sealAll()
    }

    @Test("finds a sound one sound, and asks every rule")
    func sound() async throws {
        let report = try await house.upkeep.check()
        #expect(report.isSound)
        #expect(report.damages.isEmpty)
        #expect(report.findings.count == TestHouse.contents.rules.count)
        #expect(Set(report.findings.map(\.rule)).count == report.findings.count, "names are unique")
        #expect(report.chain.checked > 0)
    }

    @Test(
        "names the rule that is broken, and how often",
        arguments: [
            ("seats-are-counted", 1, "UPDATE licenses SET used = used - 1 WHERE max_activations = 3"),
            ("seats-within-limit", 1, "UPDATE licenses SET max_activations = 1"),
            (
                "seats-have-addresses", 1,
                "DELETE FROM seat_addresses WHERE activation_id = (SELECT min(activation_id) FROM seat_addresses)"
            ),
            (
                "addresses-of-taken-seats", 2,
                "UPDATE activations SET released_at = 1, release_kind = 'operator' WHERE domain LIKE '%example.com'"
            ),
            (
                "addresses-within-limit", 1,
                """
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 51)
                INSERT INTO seat_addresses (place_key, activation_id, network, address, first_seen, last_seen)
                SELECT randomblob(16), (SELECT min(id) FROM activations), 'n', 'a', 1, 1 FROM n
                """
            ),
            ("suspended-by-holds", 1, "UPDATE licenses SET state = 'suspended' WHERE max_activations = 3"),
            (
                "suspended-by-holds", 2,
                """
                INSERT INTO license_holds (license_id, holder, actor, since) SELECT id, 'billing', 'x', 0 FROM licenses
                """
            ),
            ("revoked-with-revocation", 1, "UPDATE licenses SET state = 'revoked' WHERE max_activations = 1"),
            (
                "revoked-with-revocation", 2,
                """
                INSERT INTO license_revocations (license_id, holder, actor, revoked_at)
                SELECT id, 'operator', 'x', 0 FROM licenses
                """
            ),
            ("customer-versions-have-events", 1, "UPDATE customers SET version = 2"),
            ("product-versions-have-events", 1, "UPDATE products SET version = 9"),
            ("license-versions-have-events", 2, "UPDATE licenses SET version = version + 1"),
        ])
    func broken(rule: String, violations: Int64, sql: String) async throws {
        try await house.execute(sql)
        let report = try await house.upkeep.check()
        #expect(!report.isSound)
        #expect(report.findings.first { $0.rule == rule }?.violations == violations)
    }

    @Test("names a row that refers to none", .enabled(if: !TestDatabase.isShared, "alters SQLite's file"))
    func reference() async throws {
        let directory = try TemporaryDirectory()
        let copy = directory.path(of: "copy.db")
        try await house.database.backUp(to: copy, migrations: TestHouse.migrations)
        try RawFile(copy).run("DELETE FROM products")
        let report = try await check(copy)
        #expect(!report.isSound)
        #expect(
            report.damages
                == Array(repeating: "a row of licenses refers to a row of products that is not there", count: 2))
        #expect(report.findings.isEmpty)
    }

    @Test("finds a changed event at the end of the journal", .enabled(if: !TestDatabase.isShared, "alters a file"))
    func chain() async throws {
        let directory = try TemporaryDirectory()
        let copy = directory.path(of: "copy.db")
        try await house.database.backUp(to: copy, migrations: TestHouse.migrations)
        try RawFile(copy).run("UPDATE journal SET actor = 'nobody' WHERE sequence = 3")
        let report = try await check(copy)
        #expect(report.chain.flaw == ChainFlaw(kind: .changed, sequence: 3))
        #expect(!report.isSound)
        #expect(report.findings.allSatisfy { $0.violations == 0 })
    }

    /// A check of the file at `path`.
    private func check(_ path: String) async throws -> CheckReport {
        let database = Database(driver: try SQLiteDriver.reading(path: path))
        let upkeep = Upkeep(
            database: database, journal: house.journal, secrets: house.secrets.directory, contents: TestHouse.contents)
        let report = try await upkeep.check()
        try database.close()
        return report
    }
}
