import Crypto
import Primitives

/// The keys a program trusts: pinned in it when it is built, and the only ones a token may be signed with.
///
/// Made from a JWK set (RFC 7517 §5), as the server publishes it at `/.well-known/jwks.json` and `signet keys export`
/// prints it. Ship the document inside your program; a set fetched at run time from a place that an intruder can
/// write to protects nothing. A program that should follow rotations pins a ``TrustedRoot`` besides, and takes newer
/// sets from ``SignedKeySet/keys``.
public struct LicenseKeySet: Sendable {
    /// Bytes of the longest document that is read.
    public static let documentBytesMax = 65_536

    /// Keys in one set: a rotation needs two or three. Looking one up is a walk over all.
    public static let keysMax = 64

    private let keys: [Key]

    /// Names of keys that must not be trusted any more, whatever else names them.
    private let revokedIDs: [String]

    /// A key set from the UTF-8 text of a JWK set.
    ///
    /// Throws ``LicenseTokenError/Code/malformedKeySet`` for a document that is too long or not strict JSON, that has
    /// no array `keys`, or an Ed25519 key there whose `x` is not 32 bytes in canonical base64url, whose `kid` is
    /// missing or used twice. Keys of other types and curves are skipped, as RFC 7517 §5 asks.
    public init(jwks: [UInt8]) throws(LicenseTokenError) {
        guard jwks.count <= Self.documentBytesMax else {
            throw Self.unusable("it is longer than \(Self.documentBytesMax) bytes")
        }
        let document = try JSONObject(strict: jwks, orThrow: .malformedKeySet, as: "key set")
        guard let entries = document["keys"]?.arrayValue else { throw Self.unusable("it has no array keys") }
        try self.init(entries: entries, revokedIDs: [])
    }

    /// The keys among `entries`, the value of a member `keys`. Throws `malformedKeySet`.
    init(entries: [JSONValue], revokedIDs: [String]) throws(LicenseTokenError) {
        guard entries.count <= Self.keysMax else { throw Self.unusable("it has more than \(Self.keysMax) keys") }
        var keys: [Key] = []
        for entry in entries {
            guard let key = try Key(entry) else { continue }
            guard !keys.contains(where: { $0.id.isExactly(key.id) }) else {
                throw Self.unusable("the kid \(key.id) is used twice")
            }
            keys.append(key)
        }
        self.keys = keys
        self.revokedIDs = revokedIDs
    }

    /// A key set from the text of a JWK set; see ``init(jwks:)-([UInt8])``.
    public init(jwks: String) throws(LicenseTokenError) { try self.init(jwks: Array(jwks.utf8)) }

    /// The key ids in the set, sorted.
    public var keyIDs: [String] { keys.map(\.id).sorted() }

    /// The key with exactly this id, or nil.
    func key(withID id: String) -> Curve25519.Signing.PublicKey? {
        keys.first { $0.id.isExactly(id) }?.publicKey
    }

    /// Throws `revokedKey` if `keyID` was taken back, `unknownKey` if it names no key of the set, and `badSignature`
    /// if that key did not sign `message`.
    func check(_ signature: [UInt8], over message: some Collection<UInt8>, by keyID: String?) throws(LicenseTokenError)
    {
        if let keyID, isRevoked(keyID) {
            throw LicenseTokenError(.revokedKey, "the key \(keyID) was revoked")
        }
        guard let keyID, let key = key(withID: keyID) else {
            throw LicenseTokenError(.unknownKey, "the kid names no key of the pinned set")
        }
        guard key.isValidSignature(signature, for: Array(message)) else {
            throw LicenseTokenError(.badSignature, "the signature does not match")
        }
    }

    /// Whether the key of this id was taken back.
    func isRevoked(_ id: String) -> Bool { revokedIDs.contains { $0.isExactly(id) } }

    /// The keys as they are published, in the set's order.
    package var records: [PublicKeyRecord] {
        keys.map { PublicKeyRecord(keyID: $0.id, publicKey: Array($0.publicKey.rawRepresentation)) }
    }

    static func unusable(_ reason: String) -> LicenseTokenError {
        LicenseTokenError(.malformedKeySet, "the key set cannot be used: \(reason)")
    }
}

extension LicenseKeySet {
    /// One key a token may name.
    struct Key: Sendable {
        let id: String
        let publicKey: Curve25519.Signing.PublicKey

        /// Nil for a key of another type or curve (RFC 8037 §2).
        init?(_ entry: JSONValue) throws(LicenseTokenError) {
            guard let jwk = entry.objectValue else { throw unusable("one of its keys is not an object") }
            guard jwk["kty"]?.stringValue == "OKP", jwk["crv"]?.stringValue == "Ed25519" else { return nil }
            guard let id = jwk["kid"]?.stringValue, !id.isEmpty else { throw unusable("an Ed25519 key has no kid") }
            // Why the library refuses is always the same here: not 32 bytes, or no point of the curve.
            guard let point = jwk["x"]?.stringValue.flatMap({ Base64URL.decode($0) }),
                let publicKey = try? Curve25519.Signing.PublicKey(rawRepresentation: point)
            else { throw unusable("the x of the key \(id) is not 32 bytes in canonical base64url") }
            self.id = id
            self.publicKey = publicKey
        }
    }
}
