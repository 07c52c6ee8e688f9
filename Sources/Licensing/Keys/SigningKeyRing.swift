package import Cluster
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

    struct Snapshot: Sendable {
        let schedule: KeySchedule
        /// Signers of the keys that sign now or later and whose private files are here.
        let signers: [String: LicenseTokenSigner]
        /// Nil where the private file of the key that signs is not, which only happens beside other nodes.
        let signer: LicenseTokenSigner?
        let signingKeyID: String
        let document: Document
        /// When another key signs, or one is no longer published.
        let changesAt: Timestamp

        /// What holds at `now`.
        init(_ schedule: KeySchedule, signers: [String: LicenseTokenSigner], at now: Timestamp) {
            let published = schedule.published(at: now)
            self.schedule = schedule
            self.signers = signers
            signingKeyID = schedule.current(at: now).keyID
            signer = signers[signingKeyID]
            document = Document(
                json: JSONWebKeySet.encode(published.map(\.publicRecord)),
                tag: "\"\(published.map(\.keyID).joined(separator: "."))\"")
            changesAt = schedule.changes(after: now)
        }
    }

    /// Two from the first start: the one that signs and the one that will.
    private static let keysAtStart = 2

    let files: SigningKeyFiles
    let database: Database
    let store: SigningKeyStore
    let nodes: NodeStore
    let snapshot: Mutex<Snapshot>

    private init(
        files: SigningKeyFiles, database: Database, store: SigningKeyStore, nodes: NodeStore,
        snapshot: consuming Snapshot
    ) {
        self.files = files
        self.database = database
        self.store = store
        self.nodes = nodes
        self.snapshot = Mutex(snapshot)
    }

    /// Opens the ring of `database`; beside a new one the first two keys are made, after those already in the
    /// directory. `nodes`: who else may sign. Throws `SecretsError` naming the file of a key that signs, or will, when
    /// it is missing, wrong or does not open.
    package static func open(
        secrets: Secrets, database: Database, journal: Journal, nodes: NodeStore, by provenance: Provenance
    ) async throws -> SigningKeyRing {
        let store = SigningKeyStore(journal: journal)
        let files = SigningKeyFiles(secrets.directory)
        if try await database.read(store.keys).isEmpty {
            try await makeFirstKeys(files, database, store, by: provenance)
        }
        let schedule = try await database.read { try storedSchedule(store, in: $0) }
        let signers = try signers(of: schedule, files, isShared: database.isShared, at: provenance.at)
        let snapshot = Snapshot(schedule, signers: signers, at: provenance.at)
        guard snapshot.signer != nil else {
            throw DatabaseError.corrupt(detail: "the current signing key was destroyed")
        }
        return SigningKeyRing(files: files, database: database, store: store, nodes: nodes, snapshot: snapshot)
    }

    static func storedSchedule(
        _ store: SigningKeyStore, in transaction: ReadTransaction
    ) throws -> KeySchedule {
        do { return try store.schedule(in: transaction) } catch is KeySchedule.NoneSigns {
            throw DatabaseError.corrupt(detail: "no signing key is current")
        }
    }

    /// Files and rows together, behind the write gate: of several nodes that start at once one makes them, and the
    /// others find them made.
    private static func makeFirstKeys(
        _ files: SigningKeyFiles, _ database: Database, _ store: SigningKeyStore, by provenance: Provenance
    ) async throws {
        try await database.write { transaction in
            guard try store.keys(in: transaction.reading).isEmpty else { return }
            let first = try KeySchedule(
                firstKeys: files.first(keysAtStart).map(\.publicRecord), at: provenance.at)
            try store.replace([], with: first.keys, forced: false, by: provenance, in: transaction)
        }
    }

    // MARK: - What requests see

    /// Signs new tokens; nil while the private file of the key that signs is not on this node.
    package func signer(at now: Timestamp) -> LicenseTokenSigner? { look(at: now, \.signer) }

    /// The same for what is worth nothing without a signature. Throws `SigningKeyRefusal.fileMissing`.
    func requiredSigner(at now: Timestamp) throws -> LicenseTokenSigner {
        guard let signer = signer(at: now) else { throw SigningKeyRefusal.fileMissing(look(at: now, \.signingKeyID)) }
        return signer
    }

    /// Throws `SigningKeyRefusal.fileMissing` while this node can sign nothing, as it was when that was last looked at:
    /// by a request, or by a sign of life.
    package func checkSigns() throws {
        let missing = snapshot.withLock { $0.signer == nil ? $0.signingKeyID : nil }
        if let missing { throw SigningKeyRefusal.fileMissing(missing) }
    }

    /// The key set of all published keys.
    package func document(at now: Timestamp) -> Document { look(at: now, \.document) }

    /// All keys and what each is for.
    package func schedule(at now: Timestamp) -> KeySchedule { look(at: now, \.schedule) }

    /// One part of what holds at `now`; only that part is copied out of the lock.
    private func look<Value: Sendable>(at now: Timestamp, _ part: (Snapshot) -> Value) -> Value {
        snapshot.withLock { snapshot in
            if now >= snapshot.changesAt {
                snapshot = Snapshot(snapshot.schedule, signers: snapshot.signers, at: now)
            }
            return part(snapshot)
        }
    }

    /// Takes over what was committed, and keys whose private files are here.
    func adopt(_ schedule: KeySchedule, _ fresh: [SigningKey], at now: Timestamp) {
        snapshot.withLock { snapshot in
            var signers = snapshot.signers
            for key in fresh where schedule.key(key.keyID)?.publicKey == key.publicKey && signers[key.keyID] == nil {
                signers[key.keyID] = LicenseTokenSigner(key: key)
            }
            snapshot = Snapshot(schedule, signers: signers, at: now)
        }
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
        if !dryRun { for key in fresh { try files.create(key) } }
        do {
            return try await database.write(dryRun: dryRun) { transaction in
                try self.requireFiles(
                    ofTurnsSet: changed.turnsSet(since: before), fresh, forced: forced, in: transaction)
                try store.replace(before.keys, with: changed.keys, forced: forced, by: provenance, in: transaction)
                try alongside(transaction)
                let schedule = try store.schedule(in: transaction.reading)
                try answered(schedule, fresh.map(\.keyID), transaction)
                return schedule
            } committed: { schedule in
                self.adopt(schedule, fresh, at: provenance.at)
                committed()
            }
        } catch let refusal as SigningKeyRefusal {
            for key in fresh { try files.destroy(key.keyID) }
            throw refusal
        }
    }

    /// Destroys the private halves of keys that need none any more: the records first, then the files, so that what is
    /// recorded as kept is there. Throws `SigningKeyRefusal`, `SecretsError`.
    package func destroy(_ keyIDs: [String], dryRun: Bool, by provenance: Provenance) async throws -> KeySchedule {
        let schedule = try await change(dryRun: dryRun, by: provenance) { schedule, _ in
            for keyID in keyIDs { try schedule.destroy(keyID, at: provenance.at) }
        }
        if !dryRun { for keyID in keyIDs { try files.destroy(keyID) } }
        return schedule
    }

    /// Seals the private files under the passphrase of the settings, or writes them in the open. The ids of those that
    /// were in the other form. Throws `SigningKeyRefusal.noPassphrase`, `SecretsError`.
    package func rewriteFiles(sealed: Bool, dryRun: Bool, by provenance: Provenance) async throws -> [String] {
        let rewritten = try files.rewrite(
            try await database.read(store.keys).map(\.keyID), sealed: sealed, dryRun: dryRun)
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
        return try requiredSigner(at: provenance.at)
    }
}

// MARK: - Private halves

extension SigningKeyRing {
    /// The signers of every key that signs at `now` or may later; a key that only verifies needs no file. Beside other
    /// nodes one without a time may be missing: it gets none before its file is everywhere.
    static func signers(
        of schedule: KeySchedule, _ files: SigningKeyFiles, isShared: Bool, at now: Timestamp
    ) throws -> [String: LicenseTokenSigner] {
        var signers: [String: LicenseTokenSigner] = [:]
        for record in schedule.published(at: now) where schedule.state(of: record, at: now) != .verifying {
            do {
                signers[record.keyID] = LicenseTokenSigner(key: try files.key(of: record))
            } catch SecretsError.missing where isShared && record.signsFrom == nil {
                continue
            }
        }
        return signers
    }
}
