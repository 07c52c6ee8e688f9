/// Why a token or a key set was refused.
///
/// Act on ``code``; show or log ``reason``, whose wording may change with any release.
public struct LicenseTokenError: Error, Equatable, Sendable {
    /// The stable name of the reason, the same string in every one of our verifiers.
    public let code: Code

    /// One sentence for a person. It may quote the token's claims and the installation; it holds no secret.
    public let reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}

extension LicenseTokenError {
    /// The name of a refusal. Later releases may add names, so a switch over them needs a default branch, which
    /// should treat the token as refused.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The string in the test vectors and in logs, such as `bad_signature`.
        public let rawValue: String

        /// A code by its string, known to this release or not.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// Too long, not three parts in canonical base64url, or a header that is not one strict JSON object.
        public static let malformed = Code(rawValue: "malformed")
        /// `alg` is neither `EdDSA` nor `Ed25519`. The sender never chooses the algorithm.
        public static let unsupportedAlgorithm = Code(rawValue: "unsupported_algorithm")
        /// `typ` is not `lic+jwt`: signed by us perhaps, but not as a license.
        public static let wrongType = Code(rawValue: "wrong_type")
        /// The header has `crit`: it asks for an extension, and this release knows none (RFC 7515 §4.1.11).
        public static let unsupportedCritical = Code(rawValue: "unsupported_critical")
        /// `kid` names no key of the pinned set.
        public static let unknownKey = Code(rawValue: "unknown_key")
        /// The signature is not that key's over this header and payload.
        public static let badSignature = Code(rawValue: "bad_signature")
        /// The payload is not one strict JSON object, a claim is missing, of another type or out of range, or `bind` is
        /// empty or holds a name this release does not know.
        public static let malformedClaims = Code(rawValue: "malformed_claims")
        /// `iss` is not the issuer the verifier was told.
        public static let wrongIssuer = Code(rawValue: "wrong_issuer")
        /// `aud` is not the product the verifier was told.
        public static let wrongProduct = Code(rawValue: "wrong_product")
        /// The token begins later than now, beyond the clock skew: most often a clock that is behind.
        public static let notYetValid = Code(rawValue: "not_yet_valid")
        /// The token has ended. The license may well go on: ask the server for a new token.
        public static let expired = Code(rawValue: "expired")
        /// The token is bound to another domain.
        public static let wrongDomain = Code(rawValue: "wrong_domain")
        /// The token is bound to another network address.
        public static let wrongAddress = Code(rawValue: "wrong_address")
        /// The token is bound to another installation id.
        public static let wrongInstallation = Code(rawValue: "wrong_installation")

        /// The newest list of revoked licenses has the license, or the activation whose file was ended early.
        public static let revoked = Code(rawValue: "revoked")

        /// An offline key or request of a later format than this release reads.
        public static let unsupportedVersion = Code(rawValue: "unsupported_version")
        /// A request was changed on its way: mistyped, cut off, or pasted twice. Thrown by ``LicenseRequest`` only.
        public static let badChecksum = Code(rawValue: "bad_checksum")
        /// `kid` names a key that a ``SignedKeySet`` lists as revoked: whoever has that key could have made the token.
        public static let revokedKey = Code(rawValue: "revoked_key")
        /// A signed key set is older than the one held, or is another one of the same number.
        public static let outdated = Code(rawValue: "outdated")
        /// The key set, not a token, is unusable. Thrown by ``LicenseKeySet`` and ``TrustedRoot`` only.
        public static let malformedKeySet = Code(rawValue: "malformed_key_set")

        /// The refusals of a token in the order in which they are looked for: the first that holds is reported.
        package static let inOrderOfChecking: [Code] = [
            .malformed, .unsupportedAlgorithm, .wrongType, .unsupportedCritical, .unknownKey, .badSignature,
            .malformedClaims, .wrongIssuer, .wrongProduct, .notYetValid, .expired, .wrongDomain, .wrongAddress,
            .wrongInstallation, .revoked,
        ]
    }
}

extension LicenseTokenError: CustomStringConvertible {
    /// Code and reason in one line, for a log.
    public var description: String { "\(code.rawValue): \(reason)" }
}
