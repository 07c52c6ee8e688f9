package import Database
package import Journal
package import Secrets

/// Access from outside the machine put together: who may, and what they were answered.
package struct AccessService: Sendable {
    package let tokens: AdminTokens
    package let receipts: Receipts

    /// Reads what `database` holds, which is migrated already.
    package init(database: Database, secrets: Secrets, journal: Journal) async throws {
        tokens = try await AdminTokens(database: database, secrets: secrets, journal: journal)
        receipts = Receipts(database: database, secrets: secrets)
    }
}
