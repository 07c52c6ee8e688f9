/// A license token as it was received: text that claims to be a license and of which nothing has been checked.
///
/// It has no other properties on purpose. What it says can be read only from the ``VerifiedLicense`` that
/// ``LicenseTokenVerifier/verify(_:for:at:)`` makes of it.
///
/// The text is a JWS in compact form (RFC 7515 §7.1), `header.payload.signature`, each part in base64url without
/// padding:
///
///     header     {"alg":"EdDSA","typ":"lic+jwt","kid":"…"}
///     payload    the claims as a JSON object, see docs/token-format.md
///     signature  64 bytes, Ed25519 (RFC 8032 §5.1) over the ASCII characters of `header.payload`
public struct LicenseToken: Sendable, Hashable {
    /// Bytes of the longest token that is read: the claims of a license with some hundred features. Anything longer
    /// is not from us, and its reader should not spend memory on finding that out.
    public static let bytesMax = 8192

    /// The token as it was received, white space and all.
    public let text: String

    /// Takes any text: whether it is a token is for the verifier to say.
    public init(_ text: String) { self.text = text }
}
