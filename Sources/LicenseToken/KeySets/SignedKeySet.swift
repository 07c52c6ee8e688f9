/// A key set that the vendor's root key signed: the only way in which a program learns of keys it was not built with.
///
/// Made by ``TrustedRoot/accept(_:over:issuer:at:)`` only. Keep its ``document``: the next start makes the same set of
/// it with ``TrustedRoot/restore(_:)``, and the sequence number in it is what refuses an older one.
public struct SignedKeySet: Sendable {
    /// The text as it was received, for storing.
    public let document: String

    /// `iss`: the name of the vendor's installation of Signet.
    public let issuer: String

    /// `seq`: 1 or more, and higher with each set that the root signs.
    public let sequence: Int64

    /// `iat`: when it was signed, in unix seconds.
    public let issuedAt: Int64

    /// `exp`: the unix second from which on nobody newly accepts it. What was accepted before goes on holding: an
    /// expired set is no reason to refuse a license.
    public let expiresAt: Int64

    /// What was taken back, in the document's order.
    public let revoked: [RevokedKey]

    /// What a ``LicenseTokenVerifier`` needs: these keys replace the ones the program was built with, and a revoked one
    /// is refused with ``LicenseTokenError/Code/revokedKey``.
    public let keys: LicenseKeySet
}

/// A signing key that its vendor took back.
public struct RevokedKey: Sendable, Hashable {
    /// `kid`.
    public let keyID: String

    /// When it was revoked, in unix seconds.
    public let at: Int64

    /// A revocation as the server lists it.
    package init(keyID: String, at: Int64) {
        self.keyID = keyID
        self.at = at
    }
}
