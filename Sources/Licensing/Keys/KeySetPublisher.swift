package import Database
package import Journal
package import LicenseToken
package import Primitives
import Synchronization

/// Publishes key sets that the vendor's root signed elsewhere: says what is to be signed, takes it back, serves it. The
/// root's private half is never here (DESIGN D6).
package final class KeySetPublisher: Sendable {
    /// Days for which a signed set is accepted.
    package static let daysRange = 1...400
    package static let daysDefault = 180
    /// What operators are warned of ahead.
    package static let warningPeriod = Duration.days(30)

    private let ring: SigningKeyRing
    private let database: Database
    private let store: SignedKeySetStore
    private let issuer: String
    private let latest: Mutex<PublishedKeySet?>

    private init(
        ring: SigningKeyRing, database: Database, store: SignedKeySetStore, issuer: String, latest: PublishedKeySet?
    ) {
        self.ring = ring
        self.database = database
        self.store = store
        self.issuer = issuer
        self.latest = Mutex(latest)
    }

    /// The publisher of `database`, with the set published last.
    package static func open(
        ring: SigningKeyRing, database: Database, journal: Journal, issuer: String
    ) async throws -> KeySetPublisher {
        let store = SignedKeySetStore(journal: journal)
        return KeySetPublisher(
            ring: ring, database: database, store: store, issuer: issuer,
            latest: try await database.read(store.latest))
    }

    /// The set that is served; nil while none was published.
    package var published: PublishedKeySet? { latest.withLock { $0 } }

    /// Takes over a set that another node published. Throws `DatabaseError`.
    func reload() async throws {
        let stored = try await database.read(store.latest)
        latest.withLock { latest in
            if let stored, stored.sequence > latest?.sequence ?? 0 { latest = stored }
        }
    }

    /// What the root is to sign now. `days`: how long it is accepted.
    package func claims(days: Int, at now: Timestamp) -> KeySetClaims {
        let schedule = ring.schedule(at: now)
        return KeySetClaims(
            issuer: issuer, sequence: (published?.sequence ?? 0) + 1, issuedAt: now.seconds,
            expiresAt: (now + .days(days)).seconds, keys: schedule.published(at: now).map(\.publicRecord),
            revoked: schedule.revokedKeys)
    }

    /// Publishes `document`, signed by `root`. A root other than that of the last set needs
    /// `replacesRoot`.
    ///
    /// Throws `SigningKeyRefusal.keySetRefused`, `.keySetOutdated` when it does not list what is published and revoked
    /// now or its number is not a new one, `.rootDiffers`.
    package func publish(
        _ document: String, root: PublicKeyRecord, replacesRoot: Bool, dryRun: Bool, by provenance: Provenance
    ) async throws -> PublishedKeySet {
        let set = try verified(document, root: root, at: provenance.at)
        if let last = published, last.root != set.root, !replacesRoot {
            throw SigningKeyRefusal.rootDiffers(last.root.keyID)
        }
        let store = store
        let record: @Sendable (WriteTransaction) throws -> Void = { transaction in
            if let last = try store.latest(in: transaction.reading), last.sequence >= set.sequence {
                throw SigningKeyRefusal.keySetOutdated
            }
            try store.insert(set, by: provenance, in: transaction)
        }
        let serve: @Sendable () -> Void = { self.latest.withLock { $0 = set } }
        _ = try await ring.change(dryRun: dryRun, by: provenance, alongside: record, committed: serve) { schedule, _ in
            guard self.says(set, what: schedule, at: provenance.at) else { throw SigningKeyRefusal.keySetOutdated }
            schedule.list(schedule.published(at: provenance.at).map(\.keyID), at: provenance.at)
        }
        return set
    }

    private func verified(_ document: String, root: PublicKeyRecord, at now: Timestamp) throws -> PublishedKeySet {
        do throws(LicenseTokenError) {
            let set = try TrustedRoot(root).accept(document, issuer: issuer, at: now.seconds)
            return PublishedKeySet(
                sequence: set.sequence, document: document, issuedAt: Timestamp(seconds: set.issuedAt),
                expiresAt: Timestamp(seconds: set.expiresAt), root: root)
        } catch {
            throw SigningKeyRefusal.keySetRefused(error.description)
        }
    }

    /// Whether `set` lists what `schedule` publishes and has revoked.
    func says(_ set: PublishedKeySet, what schedule: KeySchedule, at now: Timestamp) -> Bool {
        guard let said = try? TrustedRoot(set.root).restore(set.document) else { return false }  // then it says nothing
        let published = schedule.published(at: now).map(\.publicRecord)
        return Set(said.keys.records) == Set(published)
            && Set(said.revoked.map(\.keyID)) == Set(schedule.revokedKeys.map(\.keyID))
    }
}

extension KeySchedule {
    /// What a signed key set lists as taken back.
    package var revokedKeys: [RevokedKey] {
        revoked.suffix(SignedKeySet.revokedMax).map {
            RevokedKey(keyID: $0.keyID, at: ($0.revokedAt ?? $0.publishedAt).seconds)
        }
    }
}
