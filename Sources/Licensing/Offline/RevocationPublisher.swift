import Crypto
import Database
package import Journal
import LicenseToken
import Primitives
import Synchronization

/// The signed list of revoked licenses as it is served: built behind the requests, never by one.
///
/// Its sequence is stored with a hash of what the list says and grows whenever that changes, whoever changed it: a
/// revocation, a reinstatement, the release of a seat that a license file holds.
package final class RevocationPublisher: Sendable {
    /// Where the newest list is found.
    package static let path = "/api/v1/installer/revocations"
    /// After which to look for a newer list (claim `ttl`).
    package static let timeToLiveSeconds: Int64 = 43_200
    /// How long a list is taken in as news: longer than any license file lasts.
    package static let lifeDays = 400
    /// A list that says the same is signed anew this often, so that its beginning is recent.
    package static let renewalSeconds: Int64 = 86_400

    /// One signed list.
    package struct Edition: Sendable {
        package let sequence: Int64
        /// A compact JWS in ASCII.
        package let text: [UInt8]
        /// An entity tag (RFC 9110 §8.8.3) that changes with `text`.
        package let tag: String
        fileprivate let keyID: String
        fileprivate let signedAt: Timestamp
        /// The journal's last sequence when it was made: no event since, no other list.
        fileprivate let journalSequence: Int64
    }

    private let issuer: String
    private let database: Database
    private let store: RevocationStore
    private let keys: SigningKeyRing
    private let newest: Mutex<Edition>
    private let newestSequence: Atomic<Int64>

    /// Makes the first list of this process.
    static func open(
        issuer: String, database: Database, journal: Journal, keys: SigningKeyRing, by provenance: Provenance
    ) async throws -> RevocationPublisher {
        let store = RevocationStore(journal: journal)
        let edition = try await edition(issuer, database, store, keys, by: provenance)
        return RevocationPublisher(issuer, database, store, keys, edition)
    }

    private init(
        _ issuer: String, _ database: Database, _ store: RevocationStore, _ keys: SigningKeyRing, _ edition: Edition
    ) {
        self.issuer = issuer
        self.database = database
        self.store = store
        self.keys = keys
        newest = Mutex(edition)
        newestSequence = Atomic(edition.sequence)
    }

    /// The sequence of the newest list, for every answer.
    package var sequence: Int64 { newestSequence.load(ordering: .relaxed) }

    /// The newest list.
    package var edition: Edition { newest.withLock { $0 } }

    /// Makes a newer list if there is anything new to say, or the present one is a day old. Throws `DatabaseError`,
    /// `SigningKeyRefusal.fileMissing`; then the present list stays. Called every few seconds; safe at any time.
    package func publish(by provenance: Provenance) async throws {
        let present = edition
        let isDue =
            provenance.at - present.signedAt >= .seconds(Self.renewalSeconds)
            || keys.signer(at: provenance.at)?.keyID != present.keyID
        if !isDue {
            let journalSequence = try await database.read(store.journalSequence)
            if journalSequence == present.journalSequence { return }
        }
        let fresh = try await Self.edition(issuer, database, store, keys, by: provenance)
        guard isDue || fresh.sequence != present.sequence else {
            return newest.withLock { if $0.sequence == fresh.sequence { $0 = $0.seen(fresh.journalSequence) } }
        }
        newest.withLock { if fresh.sequence >= $0.sequence { $0 = fresh } }
        newestSequence.store(edition.sequence, ordering: .relaxed)
    }

    private static func edition(
        _ issuer: String, _ database: Database, _ store: RevocationStore, _ keys: SigningKeyRing,
        by provenance: Provenance
    ) async throws -> Edition {
        let seen = try await database.read { try store.content(at: provenance.at, in: $0) }
        let current =
            seen.isStored
            ? seen : try await database.write { try store.recordContent(by: provenance, in: $0) }
        let signer = try keys.requiredSigner(at: provenance.at)
        let contents = RevocationContents(
            issuer: issuer, address: path, sequence: current.sequence, issuedAt: provenance.at.seconds,
            expiresAt: (provenance.at + .days(lifeDays)).seconds, timeToLiveSeconds: timeToLiveSeconds,
            endedActivationIDs: current.content.endedActivations.map(\.description),
            revokedOfflineLicenseIDs: current.content.offlineLicenses.map(\.description))
        return Edition(
            sequence: current.sequence,
            text: try signer.revocationLists.sign(contents, revoking: current.content.statusIndices),
            tag: "\"\(current.sequence).\(provenance.at.seconds).\(signer.keyID)\"", keyID: signer.keyID,
            signedAt: provenance.at, journalSequence: current.journalSequence)
    }
}

extension RevocationPublisher.Edition {
    /// The same list, known to be the newest up to `journalSequence`.
    fileprivate func seen(_ journalSequence: Int64) -> Self {
        Self(
            sequence: sequence, text: text, tag: tag, keyID: keyID, signedAt: signedAt,
            journalSequence: journalSequence)
    }
}
