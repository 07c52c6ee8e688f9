import Database
package import Journal
import Primitives
package import Secrets

/// A backup that was made.
package struct Backup: Sendable, Equatable {
    package let path: String
    package let bytes: Int64
    package let manifest: BackupManifest
}

extension Upkeep {
    /// Makes a backup at `output`, an absolute path without a file, while the service runs: everything that was
    /// committed when this was called is in it. The secrets are sealed under `passphrase`. Durable when this returns,
    /// and journaled. Throws `BackupFailure`, `SecretsError`, `DatabaseError`; nothing of it remains then.
    package func backUp(
        to output: String, under passphrase: Passphrase, by provenance: Provenance
    ) async throws -> Backup {
        let backup = try await backupTurn.take {
            try await self.makeBackup(at: output, under: passphrase, by: provenance)
        }
        let journal = journal
        try await database.write { transaction in
            try journal.recordBackup(
                databaseSHA256: backup.manifest.database.sha256, by: provenance, in: transaction)
        }
        return backup
    }

    private func makeBackup(
        at output: String, under passphrase: Passphrase, by provenance: Provenance
    ) async throws -> Backup {
        let (copy, partial) = (output + ".database.partial", output + ".partial")
        for path in [copy, partial] { Names.remove(path) }
        defer { for path in [copy, partial] { Names.remove(path) } }
        try Self.checkPlace(output, probe: partial)
        try await chain.sealAll()
        try await database.backUp(to: copy, migrations: contents.migrations)
        let facts = try await Self.facts(of: copy, contents)
        let secrets = secrets
        return try await OffLoop.run {
            try Self.reportingFiles {
                // After the copy: whatever key its database names has its file by now.
                let files = try SecretFiles(in: secrets)
                return try Self.pack(copy, files, facts, under: passphrase, by: provenance, to: output, by: partial)
            }
        }
    }

    /// Refuses a place that is taken or cannot be written before any work is done.
    private static func checkPlace(_ output: String, probe: String) throws {
        try reportingFiles {
            guard !Names.exists(output) else { throw BackupFailure.outputExists(path: output) }
            _ = try OpenFile.creating(probe)
            Names.remove(probe)
        }
    }

    private static func pack(
        _ copy: String, _ files: SecretFiles, _ facts: Facts, under passphrase: Passphrase, by provenance: Provenance,
        to output: String, by partial: String
    ) throws -> Backup {
        let source = try OpenFile.reading(copy)
        let database = BackupManifest.Part(
            name: BackupArchive.databaseName, bytes: try source.size(),
            sha256: try source.sha256(bytes: try source.size()))
        let sealed = Array(
            try PassphraseBox.seal(
                files.sealedContent(databaseSHA256: database.sha256), under: passphrase,
                context: BackupArchive.boxContext
            ).utf8)
        let manifest = BackupManifest(
            createdAt: provenance.at.description, schemaVersion: facts.schemaVersion, feedEpoch: facts.feedEpoch,
            chainHead: facts.chainHead?.description, counts: facts.counts, secrets: files.files.map(\.name),
            database: database,
            sealedSecrets: BackupManifest.Part(
                name: BackupArchive.secretsName, bytes: Int64(sealed.count), sha256: Hexadecimal.sha256(of: sealed)))
        let tape = TapeWriter(try OpenFile.creating(partial), seconds: provenance.at.seconds)
        try tape.append(BackupArchive.manifestName, JSONWriter.object(manifest.write) + [UInt8(ascii: "\n")])
        try tape.append(BackupArchive.secretsName, sealed)
        try tape.append(BackupArchive.databaseName, source, bytes: database.bytes)
        let bytes = try tape.finish()
        guard try Names.link(partial, as: output) else { throw BackupFailure.outputExists(path: output) }
        Names.remove(partial)
        Names.synchronizeFolder(of: output)
        return Backup(path: output, bytes: bytes, manifest: manifest)
    }

    private static func reportingFiles<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let failure as OpenFile.Failure {
            throw BackupFailure.outputUnwritable(path: failure.path, reason: failure.reason)
        }
    }
}

// MARK: - What a copy holds

extension Upkeep {
    private struct Facts: Sendable {
        let schemaVersion: Int64
        let feedEpoch: Int64
        let chainHead: ChainLink?
        let counts: [BackupManifest.Count]
    }

    private static func facts(of copy: String, _ contents: Contents) async throws -> Facts {
        let database = Database(driver: try SQLiteDriver.reading(path: copy))
        let versions = try await database.schemaVersions(of: contents.migrations)
        let head = try await JournalChain(database: database).head()
        let facts = try await database.read { transaction in
            Facts(
                schemaVersion: versions.applied.last ?? 0, feedEpoch: try Journal.feedEpoch(in: transaction),
                chainHead: head,
                counts: try contents.countedTables.map { table in
                    BackupManifest.Count(table: table, rows: try transaction.count("SELECT count(*) FROM \(table)"))
                })
        }
        try database.close()
        return facts
    }
}
