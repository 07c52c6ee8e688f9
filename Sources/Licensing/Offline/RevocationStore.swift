import Crypto
import Database
import Journal
import Primitives

/// What a list of revoked licenses says.
struct RevocationContent: Sendable, Equatable {
    /// Of the revoked licenses, ascending.
    let statusIndices: [Int64]
    /// Whose license file has not ended though their seat was released.
    let endedActivations: [ActivationID]
    /// Revoked licenses that have an offline key.
    let offlineLicenses: [LicenseID]

    var isEmpty: Bool { statusIndices.isEmpty && endedActivations.isEmpty && offlineLicenses.isEmpty }

    /// 32 bytes that are equal for equal contents and no others.
    var hash: [UInt8] {
        var text = SHA256()
        for index in statusIndices { text.update(data: [UInt8]("s\(index)\n".utf8)) }
        for id in endedActivations { text.update(data: [UInt8]("a\(id)\n".utf8)) }
        for id in offlineLicenses { text.update(data: [UInt8]("l\(id)\n".utf8)) }
        return Array(text.finalize())
    }
}

/// Reads what the list has to say, and keeps its sequence.
struct RevocationStore: Sendable {
    /// Content with the sequence that stands for it.
    struct Numbered: Sendable {
        let content: RevocationContent
        /// 0 before anyone was ever revoked.
        let sequence: Int64
        /// Whether the stored sequence is of this content.
        let isStored: Bool
        let journalSequence: Int64
    }

    private let journal: Journal

    init(journal: Journal) { self.journal = journal }

    /// The number of the newest event, 0 without one.
    @Sendable
    func journalSequence(in transaction: ReadTransaction) throws -> Int64 {
        try transaction.count("SELECT coalesce(max(sequence), 0) FROM journal")
    }

    /// What a list made at `now` says.
    func content(at now: Timestamp, in transaction: ReadTransaction) throws -> Numbered {
        let content = RevocationContent(
            statusIndices: try transaction.all(
                "SELECT status_index FROM licenses WHERE state = 'revoked' ORDER BY status_index"
            ) { $0.integer(0) },
            endedActivations: try transaction.all(
                """
                SELECT DISTINCT f.activation_id FROM license_files f JOIN activations a ON a.id = f.activation_id
                WHERE f.ends_at > ? AND a.released_at IS NOT NULL ORDER BY f.activation_id
                """, now
            ) { $0.randomID(0) },
            offlineLicenses: try transaction.all(
                """
                SELECT DISTINCT k.license_id FROM license_keys k JOIN licenses l ON l.id = k.license_id
                WHERE k.kind = 'offline' AND l.state = 'revoked' ORDER BY k.license_id
                """
            ) { $0.randomID(0) })
        let stored = try transaction.first("SELECT sequence, content_hash FROM revocation_lists") {
            (sequence: $0.integer(0), hash: $0.blob(1))
        }
        return Numbered(
            content: content, sequence: stored?.sequence ?? 0,
            isStored: stored.map { $0.hash == content.hash } ?? content.isEmpty,
            journalSequence: try journalSequence(in: transaction))
    }

    /// Gives what the list says now the next sequence, unless it has one.
    func recordContent(by provenance: Provenance, in transaction: WriteTransaction) throws -> Numbered {
        let seen = try content(at: provenance.at, in: transaction.reading)
        guard !seen.isStored else { return seen }
        let sequence = seen.sequence + 1
        try transaction.execute(
            """
            INSERT INTO revocation_lists (id, sequence, content_hash, changed_at) VALUES (1, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, content_hash = excluded.content_hash,
                changed_at = excluded.changed_at
            """,
            sequence, seen.content.hash, provenance.at)
        let revoked = Int64(seen.content.statusIndices.count)
        let ended = Int64(seen.content.endedActivations.count)
        let event = Event(
            Event.Kind("revocations.changed"), subject: "revocations", subjectVersion: sequence
        ) { facts in
            facts.member("revoked", revoked)
            facts.member("ended_activations", ended)
        }
        try journal.append(event, by: provenance, in: transaction)
        return Numbered(
            content: seen.content, sequence: sequence, isStored: true,
            journalSequence: try journalSequence(in: transaction.reading))
    }
}
