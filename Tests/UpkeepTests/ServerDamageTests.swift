import Database
import TestSupport
import Testing
import Upkeep

/// What a server of databases knows to be wrong with one, which rules between rows cannot see.
@Suite("A check of a database on a server", .enabled(if: TestDatabase.isShared, "A file has no such things."))
struct ServerDamageTests {
    @Test(
        "names what the server does not keep any more",
        arguments: [
            (
                "constraint never_checked of products was never checked against its rows",
                "ALTER TABLE products ADD CONSTRAINT never_checked CHECK (version > 0) NOT VALID"
            ),
            (
                "index journal_by_subject is not whole",
                "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'journal_by_subject'::regclass"
            ),
            ("triggers of journal are switched off", "ALTER TABLE journal DISABLE TRIGGER USER"),
            ("triggers of licenses are switched off", "ALTER TABLE licenses DISABLE TRIGGER ALL"),
            (
                "triggers of seat_addresses are switched off",
                "ALTER TABLE seat_addresses ENABLE REPLICA TRIGGER seat_addresses_leave_a_note"
            ),
        ])
    func damage(told: String, sql: String) async throws {
        let house = try await TestHouse()
        #expect(try await house.upkeep.check().isSound)
        try await house.execute(sql)
        let report = try await house.upkeep.check()
        #expect(report.damages == [told])
        #expect(!report.isSound)
    }

    @Test("tells so many damages and no more")
    func limit() async throws {
        let house = try await TestHouse()
        try await house.execute("UPDATE pg_index SET indisvalid = false WHERE indrelid = 'activations'::regclass")
        #expect(try await house.database.damages(limit: 20).count > 3)
        #expect(try await house.database.damages(limit: 3).count == 3)
    }
}
