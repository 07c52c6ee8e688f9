import Database
import Journal
import LicenseToken
package import Primitives
import Secrets

/// A signing key as the database knows it: public half and state.
package struct SigningKeyRecord: Sendable, Equatable {
    /// What a key is for now.
    package enum State: String, Sendable, CaseIterable {
        /// Signs now; there is exactly one.
        case current
        /// Published so that clients know it before it signs.
        case next
        case retired
        case revoked
    }

    package let keyID: String
    package let publicKey: [UInt8]
    package let state: State
    package let createdAt: Timestamp

    /// Whether its tokens are to be accepted and its private half must be at hand.
    package var isPublished: Bool { state == .current || state == .next }
}

/// Key records in the database.
struct SigningKeyStore: Sendable {
    private let journal: Journal

    init(journal: Journal) { self.journal = journal }

    func insert(
        _ key: SigningKey, state: SigningKeyRecord.State, by provenance: Provenance, in transaction: WriteTransaction
    ) throws {
        try transaction.execute(
            "INSERT INTO signing_keys (kid, public_key, state, created_at) VALUES (?, ?, ?, ?)",
            key.keyID, key.publicKey, state.rawValue, provenance.at.wholeSeconds)
        let event = Event(
            Event.Kind("signing_key.created"), subject: "signing_key:\(key.keyID)", subjectVersion: 1
        ) { facts in
            facts.member("state", state.rawValue)
        }
        try journal.append(event, by: provenance, in: transaction)
    }

    /// All keys, the one that signs first, then by age.
    func all(in transaction: ReadTransaction) throws -> [SigningKeyRecord] {
        try transaction.all(
            """
            SELECT kid, public_key, state, created_at FROM signing_keys
            ORDER BY CASE state WHEN 'current' THEN 0 WHEN 'next' THEN 1 ELSE 2 END, created_at, kid
            """
        ) { row in
            guard let state = SigningKeyRecord.State(rawValue: row.text(2)) else {
                throw DatabaseError.corrupt(detail: "signing key state \(row.text(2))")
            }
            return SigningKeyRecord(
                keyID: row.text(0), publicKey: row.blob(1), state: state, createdAt: row.timestamp(3))
        }
    }
}
