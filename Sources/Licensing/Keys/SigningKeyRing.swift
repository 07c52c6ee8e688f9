package import Database
package import Journal
package import LicenseToken
package import Primitives
package import Secrets
import Synchronization

/// The installation's signing keys: one signs, all published ones verify. Private halves are files in `Keys/`,
/// records are rows, and each must match the other (DESIGN D6).
///
/// What requests see is a snapshot, replaced whole when a change commits, and by the first request after an instant at
/// which a key changes hands: each request compares one number.
package final class SigningKeyRing: Sendable {
    /// The JSON Web Key Set (RFC 7517) and an entity tag (RFC 9110 §8.8.3) that changes with it.
    package struct Document: Sendable, Equatable {
        package let json: [UInt8]
        package let tag: String
    }

    private struct Snapshot: Sendable {
        let schedule: KeySchedule
        /// Signers of all keys that sign now or later.
        let signers: [String: LicenseTokenSigner]
        let signer: LicenseTokenSigner
        let document: Document
        /// When another key signs, or one is no longer published.
        let changesAt: Timestamp

        /// What holds at `now`; nil without the private half of the key that signs then.
        init?(_ schedule: KeySchedule, signers: [String: LicenseTokenSigner], at now: Timestamp) {
            guard let signer = signers[schedule.current(at: now).keyID] else { return nil }
            let published = schedule.published(at: now)
            self.schedule = schedule
            self.signers = signers
            self.signer = signer
            document = Document(
                json: JSONWebKeySet.encode(published.map(\.publicRecord)),
                tag: "\"\(published.map(\.keyID).joined(separator: "."))\"")
            changesAt = schedule.changes(after: now)
        }
    }

    /// Two from the first start: the one that signs and the one that will.
    private static let keysAtStart = 2
    private static let filePrefix = "signing-"

    private let directory: SecretsDirectory
    private let database: Database
    private let store: SigningKeyStore
    private let snapshot: Mutex<Snapshot>

    private init(
        directory: SecretsDirectory, database: Database, store: SigningKeyStore, snapshot: consuming Snapshot
    ) {
        self.directory = directory
        self.database = database
        self.store = store
        self.snapshot = Mutex(snapshot)
    }

    /// Opens the ring of `database`; beside a new one the first two keys are made, after those already in the
    /// directory. Throws `SecretsError` naming the file of a key that signs, or will, when it is missing, wrong or does
    /// not open.
    package static func open(
        secrets: Secrets, database: Database, journal: Journal, by provenance: Provenance
    ) async throws -> SigningKeyRing {
        let store = SigningKeyStore(journal: journal)
        let directory = secrets.directory
        if try await database.read(store.keys).isEmpty {
            let first = try KeySchedule(
                firstKeys: firstKeys(in: directory).map(\.publicRecord), at: provenance.at)
            try await database.write { transaction in
                try store.replace([], with: first.keys, forced: false, by: provenance, in: transaction)
            }
        }
        let schedule = try await database.read { transaction in
            do { return try store.schedule(in: transaction) } catch is KeySchedule.NoneSigns {
                throw DatabaseError.corrupt(detail: "no signing key is current")
            }
        }
        let signers = try signers(of: schedule, in: directory, at: provenance.at)
        guard let snapshot = Snapshot(schedule, signers: signers, at: provenance.at) else {
            throw DatabaseError.corrupt(detail: "the current signing key was destroyed")
        }
        return SigningKeyRing(directory: directory, database: database, store: store, snapshot: snapshot)
    }

    // MARK: - What requests see

    /// Signs new tokens.
    package func signer(at now: Timestamp) -> LicenseTokenSigner { look(at: now, \.signer) }

    /// The key set of all published keys.
    package func document(at now: Timestamp) -> Document { look(at: now, \.document) }

    /// All keys and what each is for.
    package func schedule(at now: Timestamp) -> KeySchedule { look(at: now, \.schedule) }

    /// One part of what holds at `now`; only that part is copied out of the lock.
    private func look<Value: Sendable>(at now: Timestamp, _ part: (Snapshot) -> Value) -> Value {
        snapshot.withLock { snapshot in
            // Every key that may come to sign was opened at the start or made since, so there is a next snapshot.
            if now >= snapshot.changesAt,
                let next = Snapshot(snapshot.schedule, signers: snapshot.signers, at: now)
            {
                snapshot = next
            }
            return part(snapshot)
        }
    }

    /// Takes over what was just committed.
    private func adopt(_ schedule: KeySchedule, _ fresh: [SigningKey], at now: Timestamp) {
        snapshot.withLock { snapshot in
            var signers = snapshot.signers
            for key in fresh { signers[key.keyID] = LicenseTokenSigner(key: key) }
            if let next = Snapshot(schedule, signers: signers, at: now) { snapshot = next }
        }
    }

    /// Takes over what the database says now. A key whose private file has not come to this node yet may still come
    /// before it signs; until then the one before it goes on. Throws `SecretsError`, `DatabaseError`.
    package func reload(at now: Timestamp) async throws {
        let store = store
        let schedule = try await database.read { transaction in
            do { return try store.schedule(in: transaction) } catch is KeySchedule.NoneSigns {
                throw DatabaseError.corrupt(detail: "no signing key is current")
            }
        }
        let signers = try Self.signers(of: schedule, in: directory, at: now, mayLackNext: true)
        snapshot.withLock { if let next = Snapshot(schedule, signers: signers, at: now) { $0 = next } }
    }

    // MARK: - Changes

    /// Makes one change of the schedule: private files first, then the rows and their events in one transaction with
    /// `alongside`, then what requests see. `body` gets keys that it may publish; `answered` gets the schedule as it is
    /// then and the ids of those that were, in the transaction. With `dryRun` no file is made and nothing changes.
    /// Throws `SigningKeyRefusal`.
    func change(
        dryRun: Bool, forced: Bool = false, by provenance: Provenance,
        alongside: @escaping @Sendable (WriteTransaction) throws -> Void = { _ in },
        answered: @escaping @Sendable (KeySchedule, [String], WriteTransaction) throws -> Void = { _, _, _ in },
        committed: @escaping @Sendable () -> Void = {},
        _ body: (inout KeySchedule, KeySchedule.Spares) throws -> Void
    ) async throws -> KeySchedule {
        let store = store
        let before = try await database.read(store.schedule)
        let spares = (0..<KeySchedule.sparesMax).map { _ in SigningKey() }
        var after = before
        try body(&after, spares.map(\.publicRecord))
        let changed = after
        let fresh = spares.filter { changed.key($0.keyID) != nil }
        // The file first: a file without a row is harmless, a row without its file stops the next start.
        if !dryRun { for key in fresh { try create(key) } }
        do {
            return try await database.write(dryRun: dryRun) { transaction in
                try store.replace(before.keys, with: changed.keys, forced: forced, by: provenance, in: transaction)
                try alongside(transaction)
                let schedule = try store.schedule(in: transaction.reading)
                try answered(schedule, fresh.map(\.keyID), transaction)
                return schedule
            } committed: { schedule in
                self.adopt(schedule, fresh, at: provenance.at)
                committed()
            }
        } catch SigningKeyRefusal.changedMeanwhile {
            for key in fresh { try directory.destroy(Self.fileName(of: key.keyID)) }
            throw SigningKeyRefusal.changedMeanwhile
        }
    }

    /// Destroys the private halves of keys that need none any more: the records first, then the files, so that what is
    /// recorded as kept is there. Throws `SigningKeyRefusal`, `SecretsError`.
    package func destroy(_ keyIDs: [String], dryRun: Bool, by provenance: Provenance) async throws -> KeySchedule {
        let schedule = try await change(dryRun: dryRun, by: provenance) { schedule, _ in
            for keyID in keyIDs { try schedule.destroy(keyID, at: provenance.at) }
        }
        if !dryRun { for keyID in keyIDs { try directory.destroy(Self.fileName(of: keyID)) } }
        return schedule
    }

    /// Seals the private files under the passphrase of the settings, or writes them in the open. The ids of those that
    /// were in the other form. Throws `SigningKeyRefusal.noPassphrase`, `SecretsError`.
    package func rewriteFiles(sealed: Bool, dryRun: Bool, by provenance: Provenance) async throws -> [String] {
        guard directory.canSeal else { throw SigningKeyRefusal.noPassphrase }
        var rewritten: [String] = []
        for key in try await database.read(store.keys) {
            let file = Self.fileName(of: key.keyID)
            guard let secret = try directory.read(file), try directory.isSealed(file) != sealed else { continue }
            if !dryRun { try directory.rewrite(file, secret, sealed: sealed) }
            rewritten.append(key.keyID)
        }
        let (store, keyIDs) = (store, rewritten)
        try await database.write(dryRun: dryRun) { transaction in
            try store.recordFiles(keyIDs, sealed: sealed, by: provenance, in: transaction)
        }
        return rewritten
    }

    /// A signer for something that lives until `end`, such as a license file, after it was recorded that its key must
    /// be published as long.
    package func signer(until end: Timestamp, by provenance: Provenance) async throws -> LicenseTokenSigner {
        let current = schedule(at: provenance.at).current(at: provenance.at)
        let covered = max(current.filesUntil ?? provenance.at, provenance.at + KeySchedule.tokenLifeMax)
        if end > covered {
            _ = try await change(dryRun: false, by: provenance) { schedule, _ in
                schedule.extend(current.keyID, until: end)
            }
        }
        return signer(at: provenance.at)
    }
}

// MARK: - Private halves

extension SigningKeyRing {
    private static func fileName(of keyID: String) -> String { filePrefix + keyID }

    private func create(_ key: SigningKey) throws {
        try directory.create(Self.fileName(of: key.keyID), key.seed, sealed: directory.canSeal)
    }

    private static func firstKeys(in directory: SecretsDirectory) throws -> [SigningKey] {
        var keys = try directory.names(prefix: filePrefix)
            .filter { !$0.hasSuffix(".new") }
            .map { try key(in: $0, of: directory) }
        while keys.count < keysAtStart {
            let key = SigningKey()
            try directory.create(fileName(of: key.keyID), key.seed, sealed: directory.canSeal)
            keys.append(key)
        }
        return keys
    }

    /// The signers of every key that signs at `now` or may later; a key that only verifies needs no file.
    private static func signers(
        of schedule: KeySchedule, in directory: SecretsDirectory, at now: Timestamp, mayLackNext: Bool = false
    ) throws -> [String: LicenseTokenSigner] {
        var signers: [String: LicenseTokenSigner] = [:]
        for record in schedule.published(at: now) where schedule.state(of: record, at: now) != .verifying {
            let file = fileName(of: record.keyID)
            if mayLackNext, schedule.state(of: record, at: now) == .next, try directory.read(file) == nil { continue }
            let key = try key(in: file, of: directory)
            guard key.publicKey == record.publicKey else {
                throw SecretsError.wrong(path: directory.path(of: fileName(of: record.keyID)))
            }
            signers[record.keyID] = LicenseTokenSigner(key: key)
        }
        return signers
    }

    private static func key(in file: String, of directory: SecretsDirectory) throws -> SigningKey {
        guard let seed = try directory.read(file) else {
            throw SecretsError.missing(path: directory.path(of: file))
        }
        return try SigningKey(seed: seed)
    }
}
