import Database
import Journal
import Primitives

/// Key records in the database.
struct SigningKeyStore: Sendable {
    private let journal: Journal

    init(journal: Journal) { self.journal = journal }

    /// All keys. Throws `KeySchedule.NoneSigns`, also for a database without keys.
    func schedule(in transaction: ReadTransaction) throws -> KeySchedule {
        let usesRoot = try transaction.count("SELECT count(*) FROM signed_key_sets") > 0
        return try KeySchedule(try keys(in: transaction), usesRoot: usesRoot)
    }

    func keys(in transaction: ReadTransaction) throws -> [SigningKeyRecord] {
        try transaction.all(
            """
            SELECT kid, public_key, published_at, version, listed_at, signs_from, signs_until, files_until, revoked_at,
                destroyed_at
            FROM signing_keys
            """
        ) { row in
            var key = SigningKeyRecord(
                keyID: row.text(0), publicKey: row.blob(1), publishedAt: row.timestamp(2), version: row.integer(3))
            key.listedAt = row.optionalTimestamp(4)
            key.signsFrom = row.optionalTimestamp(5)
            key.signsUntil = row.optionalTimestamp(6)
            key.filesUntil = row.optionalTimestamp(7)
            key.revokedAt = row.optionalTimestamp(8)
            key.destroyedAt = row.optionalTimestamp(9)
            return key
        }
    }

    /// Makes the rows say what `after` says, with an event for each thing that changed. Throws
    /// `SigningKeyRefusal.changedMeanwhile` when they do not say what `before` says.
    func replace(
        _ before: [SigningKeyRecord], with after: [SigningKeyRecord], forced: Bool, by provenance: Provenance,
        in transaction: WriteTransaction
    ) throws {
        let stored = Dictionary(try keys(in: transaction.reading).map { ($0.keyID, $0) }) { first, _ in first }
        guard stored == Dictionary(before.map { ($0.keyID, $0) }, uniquingKeysWith: { first, _ in first }) else {
            throw SigningKeyRefusal.changedMeanwhile
        }
        // Revoked ones first: their turn is free for a successor that takes over in the same moment.
        let ordered = after.filter { $0.revokedAt != nil } + after.filter { $0.revokedAt == nil }
        for var key in ordered where key != stored[key.keyID] {
            if stored[key.keyID] == nil { try insert(key, in: transaction) }
            key.version = stored[key.keyID]?.version ?? 0
            for event in SigningKeyEvent.events(from: stored[key.keyID], to: key, forced: forced) {
                key.version += 1
                try journal.append(event.event(of: key), by: provenance, in: transaction)
            }
            try update(key, in: transaction)
        }
    }

    private func insert(_ key: SigningKeyRecord, in transaction: WriteTransaction) throws {
        try transaction.execute(
            "INSERT INTO signing_keys (kid, public_key, published_at) VALUES (?, ?, ?)",
            key.keyID, key.publicKey, key.publishedAt)
    }

    private func update(_ key: SigningKeyRecord, in transaction: WriteTransaction) throws {
        try transaction.execute(
            """
            UPDATE signing_keys SET listed_at = ?, signs_from = ?, signs_until = ?, files_until = ?, revoked_at = ?,
                destroyed_at = ?, version = ?
            WHERE kid = ?
            """,
            key.listedAt, key.signsFrom, key.signsUntil, key.filesUntil, key.revokedAt, key.destroyedAt, key.version,
            key.keyID)
    }

    /// Records that private files were sealed or opened, which changes no row but the version.
    func recordFiles(
        _ keyIDs: [String], sealed: Bool, by provenance: Provenance, in transaction: WriteTransaction
    ) throws {
        for key in try keys(in: transaction.reading) where keyIDs.contains(key.keyID) {
            let event = Event(
                Event.Kind(sealed ? "signing_key.sealed" : "signing_key.unsealed"),
                subject: SigningKeyEvent.subject(of: key), subjectVersion: key.version + 1
            ) { _ in }
            try journal.append(event, by: provenance, in: transaction)
            try transaction.execute(
                "UPDATE signing_keys SET version = version + 1 WHERE kid = ?", key.keyID)
        }
    }
}

/// One thing that changed about a key.
enum SigningKeyEvent: Equatable {
    case created
    case listed
    case scheduled(from: Timestamp, forced: Bool)
    /// Its successor's time was set, moved, or taken back.
    case relieved(from: Timestamp?)
    case extended(until: Timestamp)
    case revoked
    case destroyed

    static func subject(of key: SigningKeyRecord) -> String { "signing_key:\(key.keyID)" }

    /// What has to be told about a key that was `before`, nil for a new one, and is `after`.
    static func events(
        from before: SigningKeyRecord?, to after: SigningKeyRecord, forced: Bool
    ) -> [SigningKeyEvent] {
        var events: [SigningKeyEvent] = before == nil ? [.created] : []
        if after.listedAt != before?.listedAt { events.append(.listed) }
        if let from = after.signsFrom, from != before?.signsFrom {
            events.append(.scheduled(from: from, forced: forced))
        }
        if let until = after.filesUntil, until != before?.filesUntil { events.append(.extended(until: until)) }
        if after.signsUntil != before?.signsUntil { events.append(.relieved(from: after.signsUntil)) }
        if after.revokedAt != before?.revokedAt { events.append(.revoked) }
        if after.destroyedAt != before?.destroyedAt { events.append(.destroyed) }
        return events
    }

    /// The event as the journal has it, with the version of `key`.
    func event(of key: SigningKeyRecord) -> Event {
        switch self {
        case .created:
            // Version 1 of this kind had a state, which now follows from instants.
            event("signing_key.created", key, version: 2) { $0.member("published_at", key.publishedAt.description) }
        case .listed: event("signing_key.listed", key) { _ in }
        case .scheduled(let from, let forced):
            event("signing_key.scheduled", key) { facts in
                facts.member("signs_from", from.description)
                facts.member("forced", forced)
            }
        case .relieved(let from):
            event("signing_key.relieved", key) { facts in
                facts.member("signs_until", from?.description)
                facts.member("verifies_until", key.verifiesUntil?.description)
            }
        case .extended(let until):
            event("signing_key.extended", key) { $0.member("files_until", until.description) }
        case .revoked: event("signing_key.revoked", key) { _ in }
        case .destroyed: event("signing_key.destroyed", key) { _ in }
        }
    }

    private func event(
        _ kind: String, _ key: SigningKeyRecord, version: Int64 = 1,
        _ facts: @escaping @Sendable (inout JSONWriter) -> Void
    ) -> Event {
        Event(
            Event.Kind(kind, version: version), subject: Self.subject(of: key), subjectVersion: key.version,
            facts: facts)
    }
}
