import Database
import Foundation
import Journal
import Licensing
import Primitives
import Secrets
import TestSupport
import Testing

@testable import Upkeep

/// A house over a file, with a license and two seats, and a folder for its backups.
struct BackedUpHouse: Sendable {
    static let passphrase = "correct horse battery staple"

    let house: TestHouse
    let folder: TemporaryDirectory

    init() async throws {
        folder = try TemporaryDirectory()
        house = try await TestHouse(path: folder.path(of: "signet.db"))
        let acme = try await house.acme()
        #expect(try await house.verdict(acme, "example.com") == .valid)
        #expect(try await house.verdict(acme, "shop.example.com") == .valid)
    }

    func backUp(_ name: String = "backup.tar") async throws -> Backup {
        try await house.upkeep.backUp(
            to: folder.path(of: name), under: try Passphrase(Self.passphrase), by: house.provenance(reason: "weekly"))
    }
}

@Suite("A backup", .enabled(if: !TestDatabase.isShared, "a server is copied with its own tools"))
struct BackupTests {
    @Test("is one file for its owner, with the database, the sealed secrets and a manifest that is true")
    func contents() async throws {
        let it = try await BackedUpHouse()
        let backup = try await it.backUp()
        #expect(try it.folder.names.filter { $0.hasPrefix("backup") } == ["backup.tar"])
        #expect(try it.folder.permissions(of: "backup.tar") == 0o600)
        #expect(backup.bytes == Int64(try it.folder.contents(of: "backup.tar").count))
        let archive = try BackupArchive(path: backup.path)
        #expect(archive.manifest == backup.manifest)
        let counts = Dictionary(uniqueKeysWithValues: archive.manifest.counts.map { ($0.table, $0.rows) })
        #expect(counts["licenses"] == 1)
        #expect(counts["activations"] == 2)
        #expect(archive.manifest.createdAt == ManualClock.start.description)
        #expect(archive.manifest.schemaVersion == TestHouse.migrations.map(\.version).max())
        #expect(archive.manifest.feedEpoch == 1)
        #expect(archive.manifest.secrets.map { $0.prefix { $0 != "-" } } == ["data", "pepper", "signing", "signing"])
        let secrets = try archive.secrets(under: try Passphrase(BackedUpHouse.passphrase))
        #expect(try secrets == SecretFiles(in: it.house.secrets.directory))
    }

    @Test("holds the whole database, sealed up to its last event")
    func database() async throws {
        let it = try await BackedUpHouse()
        let archive = try BackupArchive(path: try await it.backUp().path)
        let copy = it.folder.path(of: "copy.db")
        try archive.extractDatabase(to: copy)
        let database = Database(driver: try SQLiteDriver.reading(path: copy))
        let chain = JournalChain(database: database)
        let report = try await chain.verify()
        #expect(report.flaw == nil)
        #expect(report.unsealed == 0)
        #expect(report.head?.description == archive.manifest.chainHead)
        #expect(try await database.damages(limit: 9) == [])
        #expect(try await database.read { try $0.count("SELECT count(*) FROM activations") } == 2)
        #expect(try Data(contentsOf: URL(fileURLWithPath: copy))[18] == 1, "no log belongs to it")
        try database.close()
    }

    @Test("is recorded in the journal, with who made it and why")
    func journaled() async throws {
        let it = try await BackedUpHouse()
        let backup = try await it.backUp()
        let events = try await it.house.texts("SELECT data FROM journal WHERE type = 'installation.backed_up'")
        #expect(events == [#"{"database_sha256":"\#(backup.manifest.database.sha256)","reason":"weekly"}"#])
        _ = try await it.backUp("second.tar")
        let versions = try await it.house.count(
            "SELECT max(subject_version) FROM journal WHERE subject = 'installation'")
        #expect(versions == 2)
    }

    @Test("never replaces a file, and leaves nothing where it cannot be written")
    func refusals() async throws {
        let it = try await BackedUpHouse()
        try it.folder.write("precious", to: "backup.tar")
        let path = it.folder.path(of: "backup.tar")
        await #expect(throws: BackupFailure.outputExists(path: path)) { try await it.backUp() }
        #expect(try it.folder.contents(of: "backup.tar") == Array("precious".utf8))
        let before = try it.folder.names
        let error = await #expect(throws: BackupFailure.self) { try await it.backUp("nowhere/backup.tar") }
        #expect(error?.isSystems == true)
        #expect(try it.folder.names == before)
        #expect(try await it.house.count("SELECT count(*) FROM journal WHERE subject = 'installation'") == 0)
    }

    @Test("is made one at a time")
    func busy() async throws {
        let it = try await BackedUpHouse()
        let turn = it.house.upkeep.backupTurn
        try await turn.take {
            _ = await #expect(throws: BackupFailure.busy) { try await it.backUp() }
        }
        _ = try await it.backUp()
    }

    @Test("opens under its own passphrase only")
    func passphrase() async throws {
        let it = try await BackedUpHouse()
        let archive = try BackupArchive(path: try await it.backUp().path)
        let wrong = try Passphrase("Correct horse battery staple")
        #expect(throws: BackupFailure.notOpened) { try archive.secrets(under: wrong) }
    }

    @Test("that was cut short or altered anywhere is refused", arguments: SeededGenerator.seeds)
    func altered(seed: UInt64) async throws {
        let it = try await BackedUpHouse()
        _ = try await it.backUp("backup.tar")
        let bytes = try it.folder.contents(of: "backup.tar")
        var generator = SeededGenerator(seed: seed)
        func refused(_ altered: [UInt8], _ what: String) throws {
            let path = it.folder.path(of: "altered.tar")
            try Data(altered).write(to: URL(fileURLWithPath: path))
            #expect(throws: BackupFailure.self, "\(what)") { try BackupArchive(path: path) }
        }
        for length in [0, 1, 511, 512, 513, bytes.count - 1025, bytes.count - 512 * 3] {
            try refused(Array(bytes[..<length]), "cut to \(length)")
        }
        let database = bytes.count - 1024
        for _ in 0..<200 {
            var altered = bytes
            let place = generator.number(0...database - 1)
            // What pads and parts fields, and what the manifest says besides check sums, is bound by nothing.
            guard altered[place] > 0x20, !Self.isInManifest(place, bytes) else { continue }
            altered[place] ^= UInt8(1 << generator.number(0...7))
            try refused(altered, "a bit of byte \(place)")
        }
    }

    private static func isInManifest(_ place: Int, _ bytes: [UInt8]) -> Bool {
        guard let header = TapeHeader(Array(bytes[0..<512])) else { return false }
        return (512..<512 + Int(header.bytes)).contains(place)
    }

    @Test("whose database was exchanged together with the manifest is found out by the passphrase")
    func exchanged() async throws {
        let it = try await BackedUpHouse()
        let (first, second) = (try await it.backUp("first.tar"), try await it.backUp("second.tar"))
        let files = try SecretFiles(in: it.house.secrets.directory)
        let sealed = files.sealedContent(databaseSHA256: first.manifest.database.sha256)
        #expect(first.manifest.database.sha256 != second.manifest.database.sha256)
        #expect(throws: BackupFailure.databaseSwapped) {
            try SecretFiles(sealedContent: sealed, databaseSHA256: second.manifest.database.sha256)
        }
        #expect(
            try SecretFiles(sealedContent: sealed, databaseSHA256: first.manifest.database.sha256) == files)
    }

    @Test("refuses secrets with names that lead elsewhere", arguments: ["../data-1", "data-/x", "authorized_keys", ""])
    func names(name: String) {
        let content = JSONWriter.object { json in
            json.member("database_sha256", "00")
            json.member("files", objects: [name]) { name, json in
                json.member("name", name)
                json.member("content", "AA")
            }
        }
        #expect(throws: BackupFailure.self) { try SecretFiles(sealedContent: content, databaseSHA256: "00") }
    }
}

@Suite("A header of a tar archive")
struct TapeHeaderTests {
    @Test(
        "is read as it was written, also for sizes that octal digits cannot say",
        arguments: [
            0, 1, 511, 512, 1 << 33 - 1, 1 << 33, 1 << 40,
        ])
    func sizes(bytes: Int64) {
        let header = TapeHeader(file: "signet.db", bytes: bytes)
        #expect(TapeHeader(header.encoded(seconds: 1_795_435_200)) == header)
    }

    @Test("is refused when a bit of it differs")
    func bits() {
        let block = TapeHeader(file: "signet.db", bytes: 4096).encoded(seconds: 1_795_435_200)
        for bit in 0..<block.count * 8 {
            var altered = block
            altered[bit / 8] ^= UInt8(1 << (bit % 8))
            let read = TapeHeader(altered)
            // The sum's own field may be spelled in several ways.
            #expect(read == nil || (148..<156).contains(bit / 8), "bit \(bit)")
        }
    }
}
