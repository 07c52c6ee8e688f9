import Database
import Foundation
import Primitives
import TestSupport
import Testing
import Upkeep

@testable import SignetApp

/// The copy that is made of a database on a server before a release changes its schema.
@Suite("A start on a database of an earlier release", .enabled(if: TestDatabase.isShared, "RestoreTests has files."))
struct SchemaCopyTests {
    private let home: Home
    private let address: PostgreSQLAddress
    /// All but the newest.
    private let earlier: [Migration]

    private var last: Int64 { earlier.map(\.version).max() ?? 0 }

    init() async throws {
        home = try Home()
        address = try PostgreSQLAddress(try await TestDatabase.schemaAddress())
        let all = Signet.contents.migrations
        let newest = all.map(\.version).max()
        earlier = all.filter { $0.version != newest }
        let database = try await database()
        try await database.migrate(earlier, at: ManualClock.start)
        try await database.write { _ = try $0.execute("INSERT INTO refusals (code, at) VALUES ('NOT_FOUND', 4)") }
        try database.close()
    }

    private func database() async throws -> Database {
        Database(driver: try await PostgreSQLDriver.open(address, connectionsMax: 2))
    }

    private func settings(data: String? = nil) -> Settings {
        var settings = home.settings
        settings.database = .postgreSQL(address)
        if let data { settings.data = data }
        return settings
    }

    private func start(_ settings: Settings) async throws {
        let signet = try await Signet.open(
            settings, command: "the test", clock: ManualClock(), logger: Home.logger)
        try await signet.close()
    }

    private func version() async throws -> Int64? {
        let database = try await database()
        let versions = try await database.schemaVersions(of: Signet.contents.migrations)
        try database.close()
        return versions.applied.max()
    }

    private func copies() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: home.settings.data)
            .filter { $0.contains("before-migration") }
    }

    @Test("leaves a file with all that was there, of the schema that it had, and no second one")
    func copied() async throws {
        try await start(settings())
        #expect(try await version() == Signet.contents.migrations.map(\.version).max())
        let name = "signet.db.before-migration-from-\(last)-at-\(ManualClock.start.seconds)"
        #expect(try copies() == [name])
        let path = "\(home.settings.data)/\(name)"
        let copy = Database(driver: try SQLiteDriver.reading(path: path))
        #expect(try await copy.read { try $0.count("SELECT count(*) FROM refusals WHERE at = 4") } == 1)
        #expect(try await copy.schemaVersions(of: Signet.contents.migrations).applied.max() == last)
        try copy.close()
        try await start(settings())
        #expect(try copies() == [name])
    }

    @Test("changes nothing when the copy cannot be made")
    func refused() async throws {
        let file = home.directory.path(of: "file")
        try Data().write(to: URL(fileURLWithPath: file))
        await #expect(throws: StartFailure.self) { try await start(settings(data: file + "/data")) }
        #expect(try await version() == last)
    }
}
