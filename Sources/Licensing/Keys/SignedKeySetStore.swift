import Database
import Journal
package import LicenseToken
package import Primitives

/// Key sets that a root signed, in the database.
struct SignedKeySetStore: Sendable {
    private let journal: Journal

    init(journal: Journal) { self.journal = journal }

    /// The set that is served; nil while none was published.
    func latest(in transaction: ReadTransaction) throws -> PublishedKeySet? {
        try transaction.first(
            """
            SELECT s.sequence, s.document, s.issued_at, s.expires_at, r.kid, r.public_key
            FROM signed_key_sets s JOIN root_keys r ON r.kid = s.root_kid
            ORDER BY s.sequence DESC
            LIMIT 1
            """
        ) { row in
            PublishedKeySet(
                sequence: row.integer(0), document: row.text(1), issuedAt: row.timestamp(2),
                expiresAt: row.timestamp(3), root: PublicKeyRecord(keyID: row.text(4), publicKey: row.blob(5)))
        }
    }

    /// Publishes a set, whose sequence number is free.
    func insert(_ set: PublishedKeySet, by provenance: Provenance, in transaction: WriteTransaction) throws {
        let known = "SELECT count(*) FROM root_keys WHERE kid = ?"
        if try transaction.reading.count(known, arguments: [.text(set.root.keyID)]) == 0 {
            try transaction.execute(
                "INSERT INTO root_keys (kid, public_key, trusted_at) VALUES (?, ?, ?)", set.root.keyID,
                set.root.publicKey, provenance.at)
        }
        try transaction.execute(
            """
            INSERT INTO signed_key_sets (sequence, root_kid, document, issued_at, expires_at, published_at)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
            set.sequence, set.root.keyID, set.document, set.issuedAt, set.expiresAt, provenance.at)
        let event = Event(
            Event.Kind("key_set.published"), subject: "key_set:\(set.sequence)", subjectVersion: 1
        ) { facts in
            facts.member("root", set.root.keyID)
            facts.member("expires_at", set.expiresAt.description)
        }
        try journal.append(event, by: provenance, in: transaction)
    }
}

/// The key set that clients are served: signed by a root, and what it said when it was published.
package struct PublishedKeySet: Sendable, Equatable {
    package let sequence: Int64
    /// The document, a compact JWS.
    package let document: String
    package let issuedAt: Timestamp
    package let expiresAt: Timestamp
    /// Public half of the root that signed it.
    package let root: PublicKeyRecord

    /// An entity tag (RFC 9110 §8.8.3): two sets never have one number.
    package var tag: String { "\"\(root.keyID).\(sequence)\"" }
}
