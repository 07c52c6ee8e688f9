import Database
import Foundation
import Journal
import Licensing
import Primitives
import Secrets
import TestSupport
import Testing
import Upkeep

@testable import SignetApp

@Suite("Moving to PostgreSQL", .enabled(if: TestDatabase.isShared, "moves to a server"))
struct DatabaseMoveTests {
    private let rich: RichHome
    private let address: PostgreSQLAddress

    init() async throws {
        rich = try await RichHome()
        address = try PostgreSQLAddress(try await TestDatabase.schemaAddress())
    }

    /// A server of a file is the only one, and writes nothing of itself.
    private static let ofSeveralNodes: Set = ["nodes", "leases"]

    private func move(dryRun: Bool = false) async throws -> DatabaseMove.Report {
        try await DatabaseMove(of: rich.home.settings, clock: rich.clock, logger: Home.logger).run(
            to: address, dryRun: dryRun)
    }

    private func target() async throws -> Database {
        Database(driver: try await PostgreSQLDriver.open(address, connectionsMax: 4))
    }

    private func rows(_ database: Database) async throws -> [String: [String]] {
        var rows = try await allRows(of: database)
        rows["journal_feed"] = nil  // grows with each move
        try database.close()
        return rows
    }

    @Test("copies every row of every table, and back again into a file")
    func everything() async throws {
        let report = try await move()
        let original = try await rows(rich.database())
        for (table, rows) in original where !Self.ofSeveralNodes.contains(table) {
            #expect(!rows.isEmpty, "\(table) is empty and shows nothing")
        }
        #expect(try await rows(target()) == original)
        #expect(Set(report.tables.map(\.name)) == Set(original.keys).union(["journal_feed"]))
        #expect(report.flaw == nil)
        #expect(!report.isRepeated)

        let path = rich.home.directory.path(of: "back.db")
        let target = try await target()
        try await target.backUp(to: path, migrations: Signet.contents.migrations)
        try target.close()
        let back = Database(driver: try SQLiteDriver.reading(path: path))
        #expect(try await JournalChain(database: back).verify().flaw == nil)
        #expect(try await rows(back) == original)
        let names = try rich.home.directory.names.filter { $0.hasPrefix("back.db") }
        #expect(names == ["back.db"])
    }

    @Test("lets new rows be numbered after all that ever were")
    func counters() async throws {
        _ = try await move()
        let target = try await target()
        let next = try await target.write(dryRun: true) { transaction in
            try transaction.execute("INSERT INTO refusals (code, at) VALUES ('NOT_FOUND', 4)")
            try transaction.execute(
                "INSERT INTO license_files (license_id, activation_id, issued_at, ends_at) "
                    + "SELECT license_id, id, 1000, 2000 FROM activations")
            return [
                try transaction.reading.count("SELECT max(sequence) FROM refusals"),
                try transaction.reading.count("SELECT max(id) FROM license_files"),
            ]
        }
        #expect(next == [71, 4001])
        try target.close()
    }

    @Test("can be repeated, with what the file has more since; every follower reloads")
    func repeated() async throws {
        _ = try await move()
        let first = try await target()
        let epoch = try await first.read(Journal.feedEpoch(in:))
        try first.close()
        let signet = try await rich.home.open(clock: rich.clock)
        _ = try await signet.licensing.createCustomer(
            id: nil, reference: nil, dryRun: false,
            by: Provenance(actor: "test", requestID: "req-2", at: rich.clock.now()))
        try await signet.close()
        let report = try await move()
        #expect(report.isRepeated)
        let again = try await target()
        #expect(try await again.read(Journal.feedEpoch(in:)) == epoch + 1)
        #expect(try await rows(again) == rows(rich.database()))
    }

    @Test("does nothing in a dry run but tell")
    func dryRun() async throws {
        let before = try await allRows(of: rich.database())
        let report = try await move(dryRun: true)
        #expect(report.tables.first { $0.name == "licenses" }?.rows == 1)
        let target = try await target()
        #expect(try await target.isEmpty())
        try target.close()
        #expect(try await allRows(of: rich.database()) == before)
    }

    @Test("refuses a target that went on by itself, and leaves it as it is")
    func ownChanges() async throws {
        let license = try #require(LicenseKey(typed: rich.key))
        let old = try await rich.home.open(clock: rich.clock)
        let verdict = try await SignetTests.validate(license, old).verdict
        try await old.close()
        _ = try await move()
        var settings = rich.home.settings
        settings.database = .postgreSQL(address)
        let signet = try await Signet.open(
            settings, command: "the test", clock: rich.clock, logger: Home.logger)
        #expect(try await SignetTests.validate(license, signet).verdict == verdict)
        _ = try await signet.licensing.createCustomer(
            id: nil, reference: nil, dryRun: false,
            by: Provenance(actor: "test", requestID: "req-2", at: rich.clock.now()))
        try await signet.close()
        let before = try await rows(target())
        await #expect(throws: DatabaseMove.Refusal.targetInUse(address.description)) { try await move() }
        #expect(try await rows(target()) == before)
    }

    @Test("refuses a text that PostgreSQL cannot hold, and leaves the target empty")
    func text() async throws {
        try await rich.execute("UPDATE import_links SET legacy = CAST(x'61ff62' AS TEXT)")
        await #expect(throws: CopyFailure.text(table: "import_links", column: "legacy")) { try await move() }
        let target = try await target()
        #expect(try await target.read { try $0.count("SELECT count(*) FROM licenses") } == 0)
        try target.close()
    }

    @Test("a restore does not go to a server")
    func restore() async throws {
        var settings = rich.home.settings
        settings.database = .postgreSQL(address)
        let restore = Restore(into: settings, logger: Home.logger)
        await #expect(throws: BackupFailure.targetShared(address.description)) {
            _ = try await restore.run(
                "/nowhere", under: try Passphrase("correct horse battery staple"), dryRun: true, by: "uid:0",
                reason: nil)
        }
    }
}
