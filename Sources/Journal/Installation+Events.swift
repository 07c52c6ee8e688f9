package import Database
import Primitives

/// What happens to the installation as a whole.
extension Journal {
    private static let installation = "installation"

    /// Records that a backup was made: of which state, and under which check sum.
    package func recordBackup(
        databaseSHA256: String, by provenance: Provenance, in transaction: WriteTransaction
    ) throws {
        try record("installation.backed_up", by: provenance, in: transaction) { facts in
            facts.member("database_sha256", databaseSHA256)
        }
    }

    /// Records that this database came out of a backup, and makes every follower of the journal reload.
    package func recordRestore(
        databaseSHA256: String, by provenance: Provenance, in transaction: WriteTransaction
    ) throws {
        try transaction.execute("UPDATE journal_feed SET feed_epoch = feed_epoch + 1")
        let epoch = try Self.feedEpoch(in: transaction.reading)
        try record("installation.restored", by: provenance, in: transaction) { facts in
            facts.member("database_sha256", databaseSHA256)
            facts.member("feed_epoch", epoch)
        }
    }

    /// Grows whenever followers of the journal must reload everything.
    package static func feedEpoch(in transaction: ReadTransaction) throws -> Int64 {
        try transaction.count("SELECT feed_epoch FROM journal_feed")
    }

    /// Makes every follower of the journal reload, also one that had got as far as `epoch`.
    package static func raiseFeedEpoch(above epoch: Int64, in transaction: WriteTransaction) throws {
        try transaction.execute(
            "UPDATE journal_feed SET feed_epoch = CASE WHEN feed_epoch < ? THEN ? ELSE feed_epoch END + 1", epoch,
            epoch)
    }

    private func record(
        _ kind: String, by provenance: Provenance, in transaction: WriteTransaction,
        facts: @escaping @Sendable (inout JSONWriter) -> Void
    ) throws {
        let version = try transaction.reading.first(
            "SELECT coalesce(max(subject_version), 0) + 1 FROM journal WHERE subject = ?", Self.installation
        ) { $0.integer(0) }
        let event = Event(
            Event.Kind(kind), subject: Self.installation, subjectVersion: version ?? 1, facts: facts)
        try append(event, by: provenance, in: transaction)
    }
}
