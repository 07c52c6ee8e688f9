package import Database
package import Journal
package import Secrets

/// What keeps an installation sound over years: its journal's hash chain, backups, checks, the steps of its schema.
package struct Upkeep: Sendable {
    /// What all parts of the program together have in a database.
    package struct Contents: Sendable {
        package let migrations: [Migration]
        package let rules: [ConsistencyRule]
        /// Tables whose rows a backup's manifest counts.
        package let countedTables: [String]

        package init(migrations: [Migration], rules: [ConsistencyRule], countedTables: [String]) {
            self.migrations = migrations
            self.rules = rules
            self.countedTables = countedTables
        }
    }

    package let chain: JournalChain
    package let contents: Contents

    let database: Database
    let journal: Journal
    let secrets: SecretsDirectory
    let backupTurn = BackupTurn()

    package init(database: Database, journal: Journal, secrets: SecretsDirectory, contents: Contents) {
        self.database = database
        self.journal = journal
        self.secrets = secrets
        self.contents = contents
        chain = JournalChain(database: database)
    }

    /// Which steps of the schema the database has, and which it lacks.
    package func schemaVersions() async throws -> SchemaVersions {
        try await database.schemaVersions(of: contents.migrations)
    }
}

extension Upkeep {
    /// Records in the journal of a database that came out of a backup that it did, and makes every follower reload.
    package func recordRestore(of manifest: BackupManifest, by provenance: Provenance) async throws {
        let journal = journal
        try await database.write { transaction in
            try journal.recordRestore(
                databaseSHA256: manifest.database.sha256, by: provenance, in: transaction)
        }
    }
}
