import Crypto
import Primitives

/// The vendor's root key, pinned in a program when it is built: what it signs may change which keys the program trusts.
///
///     let root = try TrustedRoot(jwk: pinnedRoot)
///     let set = try root.accept(answer, over: held, at: unixSeconds)
///     let verifier = LicenseTokenVerifier(keys: set.keys, product: "whm-panel")
///
/// Its private half signs key sets and nothing else, and is kept where no server runs. A signing key, current or next,
/// can never introduce another key (docs/token-format.md, "The signed key set").
public struct TrustedRoot: Sendable {
    /// Bytes of the longest document that is read: room for 64 keys and as many revocations.
    public static let documentBytesMax = 65_536

    /// Seconds that this machine's clock may be behind the one that signed.
    static let clockSkewSeconds: Int64 = 300
    static let type = "keyset+jwt"

    private let key: LicenseKeySet.Key

    /// The root's `kid`.
    public var keyID: String { key.id }

    /// The root from the UTF-8 text of its JWK (RFC 7517 §4, RFC 8037 §2), as `signet keys root show` prints it.
    ///
    /// Throws ``LicenseTokenError/Code/malformedKeySet`` for anything but one Ed25519 key with a `kid`.
    public init(jwk: [UInt8]) throws(LicenseTokenError) {
        guard jwk.count <= LicenseKeySet.documentBytesMax else { throw LicenseKeySet.unusable("the root is too long") }
        let object = try JSONObject(strict: jwk, orThrow: .malformedKeySet, as: "root key")
        guard let key = try LicenseKeySet.Key(.object(object)) else {
            throw LicenseKeySet.unusable("the root is no Ed25519 key")
        }
        self.key = key
    }

    /// The root from the text of its JWK; see ``init(jwk:)-([UInt8])``.
    public init(jwk: String) throws(LicenseTokenError) { try self.init(jwk: Array(jwk.utf8)) }

    /// The root as the server keeps it. Throws as for a JWK.
    package init(_ record: PublicKeyRecord) throws(LicenseTokenError) { try self.init(jwk: JSONWebKeySet.jwk(record)) }

    /// The set in a `document` that was just received, if it is to be trusted from now on.
    ///
    /// `held` is the set accepted before, nil when there is none: an older one, or another one of the same number, is
    /// refused. `issuer` is what `iss` must be; nil accepts any, since the root is the vendor's own.
    ///
    /// Checks in this order, and throws the first that fails: the spelling, `alg`, `typ`, `crit`, the root, the
    /// signature, the claims' types, issuer, beginning, end, sequence. No claim is looked at before the signature is
    /// known to be good.
    public func accept(
        _ document: String, over held: SignedKeySet? = nil, issuer: String? = nil, at unixSeconds: Int64
    ) throws(LicenseTokenError) -> SignedKeySet {
        let set = try restore(document)
        if let issuer, !issuer.isExactly(set.issuer) {
            throw LicenseTokenError(.wrongIssuer, "the key set is from \(set.issuer), not from \(issuer)")
        }
        guard unixSeconds >= set.issuedAt - Self.clockSkewSeconds else {
            throw LicenseTokenError(.notYetValid, "the key set begins at \(set.issuedAt), and it is \(unixSeconds)")
        }
        guard unixSeconds < set.expiresAt else {
            throw LicenseTokenError(.expired, "the key set ended at \(set.expiresAt), and it is \(unixSeconds)")
        }
        try checkOrder(of: set, after: held)
        return set
    }

    /// The set in a `document` that ``accept(_:over:issuer:at:)`` accepted at some time before: everything is checked
    /// again but time and order, so that a program keeps the keys it learned however long its vendor is silent.
    public func restore(_ document: String) throws(LicenseTokenError) -> SignedKeySet {
        let parts = try CompactJWS(document, bytesMax: Self.documentBytesMax, as: "key set")
        let header = try TokenHeader(json: parts.header, type: Self.type)
        guard let keyID = header.keyID, keyID.isExactly(key.id) else {
            throw LicenseTokenError(.unknownKey, "the header's kid is not the pinned root")
        }
        guard key.publicKey.isValidSignature(parts.signature, for: parts.signingInput) else {
            throw LicenseTokenError(.badSignature, "the signature does not match")
        }
        return try SignedKeySet(json: parts.payload, document: document)
    }

    private func checkOrder(of set: SignedKeySet, after held: SignedKeySet?) throws(LicenseTokenError) {
        guard let held else { return }
        let isNewer = set.sequence > held.sequence
        guard isNewer || set.sequence == held.sequence && set.document.isExactly(held.document) else {
            throw LicenseTokenError(.outdated, "number \(set.sequence) came, and \(held.sequence) is held")
        }
    }
}
