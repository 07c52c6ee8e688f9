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

/// A home with the demonstration's license in use, a backup of it, and another home for what comes out of it.
private struct Move {
    static let passphrase = "correct horse battery staple"

    let old: Home
    let new: Home
    let key: LicenseKey
    let document: SigningKeyRing.Document
    let backup: Backup
    let clock = ManualClock()

    init() async throws {
        old = try Home()
        new = try Home()
        let signet = try await old.open(clock: clock)
        key = try #require(try await DemoData.load(into: signet))
        #expect(try await SignetTests.validate(key, signet).verdict == .valid)
        document = signet.licensing.keys.document(at: signet.clock.now())
        backup = try await signet.upkeep.backUp(
            to: old.directory.path(of: "backup.tar"), under: try Passphrase(Self.passphrase),
            by: .init(actor: "test", requestID: "req-1", at: clock.now()))
        try await signet.close()
    }

    func restore(
        _ path: String? = nil, into settings: Settings? = nil, passphrase: String = Move.passphrase,
        dryRun: Bool = false
    ) async throws -> Restore.Report {
        try await Restore(into: settings ?? new.settings, clock: clock, logger: Home.logger).run(
            path ?? backup.path, under: try Passphrase(passphrase), dryRun: dryRun, by: "uid:0", reason: "new disk")
    }
}

@Suite("A restore")
struct RestoreTests {
    @Test("brings back licenses, seats and signing keys, and tells every follower to reload")
    func whole() async throws {
        let move = try await Move()
        let report = try await move.restore()
        #expect(report.brokenRules.isEmpty)
        #expect(report.manifest == move.backup.manifest)
        let data = try FileManager.default.contentsOfDirectory(atPath: move.new.settings.data).sorted()
        #expect(data == ["signet.db", "signet.lock"])
        #expect(try move.new.directory.permissions(of: "data") == 0o700)
        #expect(try move.new.directory.permissions(of: "data/signet.db") == 0o600)
        #expect(try move.new.directory.permissions(of: "keys") == 0o700)
        for name in report.manifest.secrets { #expect(try move.new.directory.permissions(of: "keys/\(name)") == 0o600) }

        let signet = try await move.new.open(clock: move.clock)
        #expect(signet.licensing.keys.document(at: signet.clock.now()) == move.document)
        let answer = try await SignetTests.validate(move.key, signet)
        #expect(answer.verdict == .valid)
        #expect(try await SignetTests.validate(move.key, signet, domain: "example.org").verdict == .activationLimit)
        #expect(try await signet.upkeep.check().isSound)
        let chain = try await signet.upkeep.chain.verify()
        #expect(chain.flaw == nil)
        #expect(chain.unsealed == 0)
        try await signet.close()

        let database = Database(driver: try SQLiteDriver.open(path: move.new.settings.sqlitePath))
        let (epoch, told) = try await database.read { transaction in
            (
                try transaction.count("SELECT feed_epoch FROM journal_feed"),
                try transaction.all("SELECT data FROM journal WHERE type = 'installation.restored'") { $0.text(0) }
            )
        }
        #expect(epoch == 2)
        #expect(told.count == 1)
        #expect(told.first?.contains(#""feed_epoch":2,"reason":"new disk""#) == true)
        try database.close()
    }

    @Test("with --dry-run checks everything and writes nothing")
    func dryRun() async throws {
        let move = try await Move()
        _ = try await move.restore(dryRun: true)
        #expect(try move.new.directory.names == [])
    }

    @Test("leaves nothing when the passphrase is wrong, or the backup is none or not whole")
    func refused() async throws {
        let move = try await Move()
        await #expect(throws: BackupFailure.notOpened) { try await move.restore(passphrase: "something else") }
        let absent = move.old.directory.path(of: "absent.tar")
        await #expect(throws: BackupFailure.self) { try await move.restore(absent) }
        let bytes = try move.old.directory.contents(of: "backup.tar")
        let half = move.old.directory.path(of: "half.tar")
        try Data(bytes[..<(bytes.count / 2)]).write(to: URL(fileURLWithPath: half))
        await #expect(throws: BackupFailure.malformed(reason: "it ends too soon")) { try await move.restore(half) }
        var altered = bytes
        altered[bytes.count - 9000] ^= 1
        let other = move.old.directory.path(of: "altered.tar")
        try Data(altered).write(to: URL(fileURLWithPath: other))
        await #expect(throws: BackupFailure.altered(part: "signet.db")) { try await move.restore(other) }
        await #expect(throws: BackupFailure.self) { try await move.restore(move.old.settings.sqlitePath) }
        #expect(try move.new.directory.names == [])
        _ = try await move.restore()
    }

    @Test("never replaces an installation, or another one's secrets")
    func occupied() async throws {
        let move = try await Move()
        _ = try await move.restore()
        let again = await #expect(throws: BackupFailure.self) { try await move.restore() }
        #expect(again?.description.contains("signet.db") == true)
        var settings = move.new.settings
        settings.data = move.new.directory.path(of: "elsewhere")
        // The same secrets may be there already: only the database was lost.
        _ = try await move.restore(into: settings)
        let third = try Home()
        try await third.open().close()
        settings.data = move.new.directory.path(of: "third")
        settings.keys = third.settings.keys
        let foreign = await #expect(throws: BackupFailure.self) { try await move.restore(into: settings) }
        #expect(foreign?.description.contains("data-1") == true)
        #expect(!FileManager.default.fileExists(atPath: settings.data))
    }

    @Test("that was cut short is started again, whatever it left")
    func again() async throws {
        let move = try await Move()
        let new = move.new.directory
        try FileManager.default.createDirectory(
            atPath: new.path(of: "data/.restoring/Keys"), withIntermediateDirectories: true)
        try new.write("half", to: "data/.restoring/signet.db")
        try new.write("half", to: "data/signet.lock")
        try FileManager.default.createDirectory(atPath: new.path(of: "keys"), withIntermediateDirectories: true)
        for name in move.backup.manifest.secrets.prefix(2) {
            let content = String(decoding: try move.old.directory.contents(of: "keys/\(name)"), as: UTF8.self)
            try new.write(content, to: "keys/\(name)")
        }
        try new.write("half", to: "keys/signing-x.new")
        _ = try await move.restore()
        let signet = try await move.new.open(clock: move.clock)
        #expect(try await SignetTests.validate(move.key, signet).verdict == .valid)
        try await signet.close()
        #expect(!FileManager.default.fileExists(atPath: new.path(of: "data/.restoring")))
    }

    @Test("that was killed before the database had its place keeps a server from starting with an empty one")
    func killedEarly() async throws {
        let move = try await Move()
        let new = move.new.directory
        let staging = new.path(of: "data/.restoring")
        try FileManager.default.createDirectory(atPath: staging + "/Keys", withIntermediateDirectories: true)
        try new.write("half", to: "data/.restoring/signet.db")
        await #expect(throws: UnfinishedRestore(path: staging)) { try await move.new.open(clock: move.clock) }
        #expect(!FileManager.default.fileExists(atPath: move.new.settings.sqlitePath))
        #expect(!FileManager.default.fileExists(atPath: move.new.settings.keys))
        _ = try await move.restore()
        let signet = try await move.new.open(clock: move.clock)
        #expect(try await SignetTests.validate(move.key, signet).verdict == .valid)
        try await signet.close()
    }

    @Test("that was killed when all was done but clearing up is cleared up by the next start, copies of secrets too")
    func killedLate() async throws {
        let move = try await Move()
        _ = try await move.restore()
        let new = move.new.directory
        let staging = new.path(of: "data/.restoring")
        try FileManager.default.createDirectory(atPath: staging + "/Keys", withIntermediateDirectories: true)
        try new.write("a copy of a secret", to: "data/.restoring/Keys/data-1")
        await #expect(throws: BackupFailure.self) { try await move.restore() }
        let signet = try await move.new.open(clock: move.clock)
        #expect(!FileManager.default.fileExists(atPath: staging))
        #expect(try await SignetTests.validate(move.key, signet).verdict == .valid)
        try await signet.close()
    }

    @Test("takes back the secrets when a database of ours is held by another process")
    func held() async throws {
        let move = try await Move()
        let signet = try await move.old.open(clock: move.clock)
        await #expect(throws: (any Error).self) { try await move.restore(into: move.old.settings) }
        try await signet.close()
    }

    @Test("goes where the keys are inside of the data directory, as in the demonstration")
    func nested() async throws {
        let move = try await Move()
        var settings = move.new.settings
        settings.keys = settings.data + "/Keys"
        _ = try await move.restore(into: settings)
        #expect(try FileManager.default.contentsOfDirectory(atPath: settings.keys).count == 4)
    }
}

@Suite("The schema")
struct SchemaUpgradeTests {
    @Test("is brought up to date, after it was listed, with a copy beside")
    func upgrade() async throws {
        let home = try Home()
        try FileManager.default.createDirectory(atPath: home.settings.data, withIntermediateDirectories: true)
        let first = Array(Signet.contents.migrations.prefix(1))
        let old = Database(driver: try SQLiteDriver.open(path: home.settings.sqlitePath))
        try await old.migrate(first, at: ManualClock.start)
        try old.close()
        let known = Signet.contents.migrations.map(\.version).sorted()
        let listed = try await SchemaUpgrade.run(home.settings, dryRun: true, logger: Home.logger)
        #expect(listed.versions.applied == [1])
        #expect(listed.versions.pending.map(\.version) == Array(known.dropFirst()))
        #expect(listed.applied == [])
        let again = try await SchemaUpgrade.run(home.settings, dryRun: true, logger: Home.logger)
        #expect(again.versions == listed.versions, "nothing was changed")
        let done = try await SchemaUpgrade.run(
            home.settings, dryRun: false, clock: ManualClock(), logger: Home.logger)
        #expect(done.applied == Array(known.dropFirst()))
        let after = try await SchemaUpgrade.run(home.settings, dryRun: false, logger: Home.logger)
        #expect(after.versions.applied == known)
        #expect(after.applied == [])
        let names = try FileManager.default.contentsOfDirectory(atPath: home.settings.data)
        #expect(names.contains { $0.hasPrefix("signet.db.before-migration-from-1-at-") })
        #expect(SchemaUpgrade.pending(beside: [1]) == Array(known.dropFirst()))
    }

    @Test("is not made where there is no database")
    func absent() async throws {
        let home = try Home()
        await #expect(throws: SchemaUpgrade.Absent.self) {
            try await SchemaUpgrade.run(home.settings, dryRun: false, logger: Home.logger)
        }
        #expect(try home.directory.names == [])
    }
}
