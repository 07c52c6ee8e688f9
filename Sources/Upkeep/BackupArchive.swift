package import Secrets

/// A backup as a file: a tar archive of three parts that any tar opens.
///
///     manifest.json    what it holds, readable
///     secrets.sealed   the files of Keys/, in a `PassphraseBox` under the recovery passphrase
///     signet.db        the database, as sqlite3 opens it
///
/// The sealed part names the check sum of the database, so that neither can be exchanged without the passphrase.
package struct BackupArchive: Sendable {
    static let manifestName = "manifest.json"
    static let secretsName = "secrets.sealed"
    static let databaseName = "signet.db"
    /// What the box says it holds.
    static let boxContext = "signet-backup"
    /// Bytes of the sealed part.
    private static let secretsBytesMax: Int64 = 8 << 20

    package let path: String
    package let manifest: BackupManifest
    /// Where the database begins in the file.
    private let databaseOffset: Int64
    private let sealedSecrets: String

    /// Reads the backup at `path` and compares all of it with its manifest. Throws `BackupFailure`.
    package init(path: String) throws(BackupFailure) {
        do {
            try self.init(OpenFile.reading(path))
        } catch let failure as OpenFile.Failure {
            throw .unreadable(path: failure.path, reason: failure.reason)
        } catch let failure as BackupFailure {
            throw failure
        } catch {
            throw .malformed(reason: "\(error)")
        }
    }

    private init(_ file: OpenFile) throws {
        let entries = try Self.entries(of: file)
        func entry(_ name: String) throws(BackupFailure) -> Entry {
            let found = entries.filter { $0.header.name == name }
            guard let entry = found.first, found.count == 1 else { throw .malformed(reason: "it has not one \(name)") }
            return entry
        }
        let document = try entry(Self.manifestName)
        guard document.header.bytes <= BackupManifest.bytesMax else {
            throw BackupFailure.altered(part: Self.manifestName)
        }
        path = file.path
        manifest = try BackupManifest(try file.bytes(at: document.offset, count: Int(document.header.bytes)))
        let (database, secrets) = (try entry(Self.databaseName), try entry(Self.secretsName))
        try database.check(against: manifest.database, in: file)
        guard secrets.header.bytes <= Self.secretsBytesMax else { throw BackupFailure.altered(part: Self.secretsName) }
        try secrets.check(against: manifest.sealedSecrets, in: file)
        databaseOffset = database.offset
        sealedSecrets = String(
            decoding: try file.bytes(at: secrets.offset, count: Int(secrets.header.bytes)), as: UTF8.self)
    }

    /// Opens the sealed part. Takes a good part of a second. Throws `BackupFailure`.
    package func secrets(under passphrase: Passphrase) throws(BackupFailure) -> SecretFiles {
        do {
            let content = try PassphraseBox.open(sealedSecrets, under: passphrase, context: Self.boxContext)
            return try SecretFiles(sealedContent: content, databaseSHA256: manifest.database.sha256)
        } catch let failure as BackupFailure {
            throw failure
        } catch PassphraseBox.Failure.notOpened {
            throw .notOpened
        } catch {
            throw .malformed(reason: "its sealed part: \(error)")
        }
    }

    /// Writes the database into a new file at `target`, durable when this returns. Throws `BackupFailure`.
    package func extractDatabase(to target: String) throws(BackupFailure) {
        do {
            let (source, file) = (try OpenFile.reading(path), try OpenFile.creating(target))
            guard try source.copy(from: databaseOffset, bytes: manifest.database.bytes, to: file),
                try file.sha256(bytes: manifest.database.bytes) == manifest.database.sha256
            else { throw BackupFailure.altered(part: Self.databaseName) }
            try file.synchronize()
        } catch let failure as BackupFailure {
            throw failure
        } catch let failure as OpenFile.Failure {
            throw .outputUnwritable(path: failure.path, reason: failure.reason)
        } catch {
            throw .malformed(reason: "\(error)")
        }
    }
}

// MARK: - Reading the archive

extension BackupArchive {
    private struct Entry {
        let header: TapeHeader
        let offset: Int64

        func check(against part: BackupManifest.Part, in file: OpenFile) throws {
            guard part.bytes == header.bytes, try file.sha256(from: offset, bytes: part.bytes) == part.sha256 else {
                throw BackupFailure.altered(part: part.name)
            }
        }
    }

    /// The files of the archive, up to the two empty blocks that end one.
    private static func entries(of file: OpenFile) throws -> [Entry] {
        let (size, block) = (try file.size(), Int64(TapeHeader.blockBytes))
        var entries: [Entry] = []
        var offset: Int64 = 0
        while true {
            let bytes = try file.bytes(at: offset, count: TapeHeader.blockBytes)
            if bytes.count == TapeHeader.blockBytes, bytes.allSatisfy({ $0 == 0 }), !entries.isEmpty { return entries }
            guard let header = TapeHeader(bytes) else {
                throw BackupFailure.malformed(reason: entries.isEmpty ? "it is no tar archive" : "it ends too soon")
            }
            offset += block
            guard header.bytes <= size - offset else { throw BackupFailure.malformed(reason: "it ends too soon") }
            if header.kind == TapeHeader.file { entries.append(Entry(header: header, offset: offset)) }
            guard header.kind == TapeHeader.file || TapeHeader.extended.contains(header.kind) else {
                throw BackupFailure.malformed(reason: "it has an entry that is no file")
            }
            offset += header.bytes + TapeHeader.padding(after: header.bytes)
        }
    }
}

extension OpenFile {
    /// Appends a range of this file to another. False when this one ends before.
    func copy(from offset: Int64 = 0, bytes: Int64, to target: OpenFile) throws(Failure) -> Bool {
        try forEachChunk(from: offset, bytes: bytes) { chunk throws(Failure) in try target.write(chunk) }
    }
}
