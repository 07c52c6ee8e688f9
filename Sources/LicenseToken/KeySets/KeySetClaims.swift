import Primitives

/// What a signed key set says: the values the vendor's side signs. ``SignedKeySet`` reads them back.
package struct KeySetClaims: Sendable, Equatable {
    /// `iss`.
    package let issuer: String
    /// `seq`: 1 or more.
    package let sequence: Int64
    /// `iat`, in unix seconds.
    package let issuedAt: Int64
    /// `exp`, in unix seconds.
    package let expiresAt: Int64
    /// `keys`: every key that is published, the one that signs first.
    package let keys: [PublicKeyRecord]
    /// `revoked`.
    package let revoked: [RevokedKey]

    package init(
        issuer: String, sequence: Int64, issuedAt: Int64, expiresAt: Int64, keys: [PublicKeyRecord],
        revoked: [RevokedKey]
    ) {
        self.issuer = issuer
        self.sequence = sequence
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
        self.keys = keys
        self.revoked = revoked
    }

    /// What a request for a signature says, read as strictly as a client will. Throws `malformedClaims`.
    package init(json: [UInt8]) throws(LicenseTokenError) {
        let set = try SignedKeySet(json: json, document: "")
        self.init(
            issuer: set.issuer, sequence: set.sequence, issuedAt: set.issuedAt, expiresAt: set.expiresAt,
            keys: set.keys.records, revoked: set.revoked)
    }

    /// The payload, members in the order that docs/token-format.md gives.
    package var json: [UInt8] {
        JSONWriter.object { payload in
            payload.member("iss", issuer)
            payload.member("seq", sequence)
            payload.member("iat", issuedAt)
            payload.member("exp", expiresAt)
            payload.member("keys", json: JSONWebKeySet.list(keys))
            payload.member("revoked", objects: revoked) { key, json in
                json.member("kid", key.keyID)
                json.member("at", key.at)
            }
        }
    }
}

/// Signs key sets with the root key. Immutable; lives for one command, never in a server.
package struct KeySetSigner: Sendable {
    private let root: SigningKey

    package init(root: SigningKey) { self.root = root }

    /// The document that says `claims`, a compact JWS. Throws `SigningKey.Failure`.
    package func sign(_ claims: KeySetClaims) throws(SigningKey.Failure) -> String {
        let header = TokenHeader.json(keyID: root.keyID, type: TrustedRoot.type)
        var document = Base64URL.encodedBytes(header) + ".".utf8 + Base64URL.encodedBytes(claims.json)
        let signature = try root.signature(over: document)
        document += Array(".".utf8) + Base64URL.encodedBytes(signature)
        return String(decoding: document, as: UTF8.self)
    }
}

// MARK: - Reading

extension SignedKeySet {
    /// Revocations in one document.
    package static let revokedMax = 256

    /// Reads a payload whose signature is good. Throws `malformedClaims`. Unknown members are ignored.
    init(json: [UInt8], document: String) throws(LicenseTokenError) {
        let object = try JSONObject(strict: json, orThrow: .malformedClaims, as: "payload")
        guard let issuer = object["iss"]?.stringValue else { throw Self.wrong("iss", "a string") }
        let sequence = try Self.integer("seq", in: object)
        guard sequence >= 1 else { throw Self.wrong("seq", "1 or more") }
        self.document = document
        self.issuer = issuer
        self.sequence = sequence
        issuedAt = try Self.integer("iat", in: object)
        expiresAt = try Self.integer("exp", in: object)
        revoked = try Self.revocations(object["revoked"])
        keys = try Self.keys(object["keys"], revoked: revoked)
    }

    private static func revocations(_ value: JSONValue?) throws(LicenseTokenError) -> [RevokedKey] {
        guard let entries = value?.arrayValue, entries.count <= revokedMax else {
            throw wrong("revoked", "an array of at most \(revokedMax) objects")
        }
        var revoked: [RevokedKey] = []
        for entry in entries {
            guard let object = entry.objectValue, let keyID = object["kid"]?.stringValue, !keyID.isEmpty,
                !revoked.contains(where: { $0.keyID.isExactly(keyID) })
            else { throw wrong("revoked", "a list of objects, each with a kid of its own") }
            revoked.append(RevokedKey(keyID: keyID, at: try integer("at", in: object)))
        }
        return revoked
    }

    /// The keys, of which at least one is there and none is revoked: a document that says both is nobody's.
    private static func keys(_ value: JSONValue?, revoked: [RevokedKey]) throws(LicenseTokenError) -> LicenseKeySet {
        guard let entries = value?.arrayValue else { throw wrong("keys", "an array of keys") }
        let keys: LicenseKeySet
        do {
            keys = try LicenseKeySet(entries: entries, revokedIDs: revoked.map(\.keyID))
        } catch {
            throw LicenseTokenError(.malformedClaims, error.reason)
        }
        guard !keys.keyIDs.isEmpty else { throw wrong("keys", "a list of one Ed25519 key or more") }
        guard !keys.keyIDs.contains(where: keys.isRevoked) else { throw wrong("keys", "free of revoked keys") }
        return keys
    }

    private static func integer(_ name: String, in object: JSONObject) throws(LicenseTokenError) -> Int64 {
        guard let number = object[name]?.integerValue, LicenseClaims.integers.contains(number) else {
            throw wrong(name, "an integer in 0…2^53-1")
        }
        return number
    }

    private static func wrong(_ name: String, _ expected: String) -> LicenseTokenError {
        LicenseTokenError(.malformedClaims, "the claim \(name) is not \(expected)")
    }
}
