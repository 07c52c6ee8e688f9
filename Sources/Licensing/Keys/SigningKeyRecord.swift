package import LicenseToken
package import Primitives

/// A signing key as the database knows it: its public half and when it does what.
package struct SigningKeyRecord: Sendable, Equatable {
    /// What a key is for at some time. `KeySchedule.state(of:at:)` tells which.
    package enum State: String, Sendable, CaseIterable {
        /// Published so that clients know it before it signs.
        case next
        /// Signs; there is exactly one.
        case current
        /// Signs no more; what it signed is still verified.
        case verifying
        /// Nothing it signed can be alive. Out of the key set.
        case retired
        /// Taken back: nothing it signed is good. Out of the key set.
        case revoked
    }

    package let keyID: String
    /// 32 bytes.
    package let publicKey: [UInt8]
    /// When it entered the key set.
    package let publishedAt: Timestamp
    /// When a set signed by the root first listed it; nil while none does.
    package var listedAt: Timestamp?
    /// From when on it signs; nil while that is open.
    package var signsFrom: Timestamp?
    /// When the next one takes over; nil while that is open, and for one that never signed.
    package var signsUntil: Timestamp?
    /// The end of the longest-lived license file it signed; nil without one.
    package var filesUntil: Timestamp?
    package var revokedAt: Timestamp?
    /// When its private half was destroyed.
    package var destroyedAt: Timestamp?
    /// Number of its events.
    package var version: Int64

    /// A key that was just published.
    package init(_ key: PublicKeyRecord, publishedAt: Timestamp) {
        self.init(keyID: key.keyID, publicKey: key.publicKey, publishedAt: publishedAt, version: 1)
    }

    package init(keyID: String, publicKey: [UInt8], publishedAt: Timestamp, version: Int64) {
        self.keyID = keyID
        self.publicKey = publicKey
        self.publishedAt = publishedAt
        self.version = version
    }

    /// From when on nothing it signed can be alive; nil while it signs or never did.
    package var verifiesUntil: Timestamp? {
        guard signsFrom != nil, let signsUntil else { return nil }
        return max(signsUntil + KeySchedule.tokenLifeMax, filesUntil ?? signsUntil) + KeySchedule.retirementMargin
    }

    /// As it is published.
    package var publicRecord: PublicKeyRecord { PublicKeyRecord(keyID: keyID, publicKey: publicKey) }
}
