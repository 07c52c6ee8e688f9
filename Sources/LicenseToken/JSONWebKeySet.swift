import Primitives

/// The public half of a signing key, as it is stored and published.
package struct PublicKeyRecord: Sendable, Hashable {
    /// Eight characters; see ``SigningKey/keyID(publicKey:)``.
    package let keyID: String
    /// 32 bytes.
    package let publicKey: [UInt8]

    package init(keyID: String, publicKey: [UInt8]) {
        self.keyID = keyID
        self.publicKey = publicKey
    }
}

/// The document at `/.well-known/jwks.json` (RFC 7517 §5, RFC 8037 §2). ``LicenseKeySet`` reads it.
package enum JSONWebKeySet {
    /// The document with `keys` in the caller's order, members always in the same order: the same keys give the same
    /// bytes, so an entity tag over them means something.
    package static func encode(_ keys: [PublicKeyRecord]) -> [UInt8] {
        JSONWriter.object { document in document.member("keys", json: list(keys)) }
    }

    /// The value of `keys`: a JSON array.
    static func list(_ keys: [PublicKeyRecord]) -> [UInt8] {
        let list = keys.map { String(decoding: jwk($0), as: UTF8.self) }.joined(separator: ",")
        return Array("[\(list)]".utf8)
    }

    /// One key as a JSON object (RFC 7517 §4), members always in the same order.
    package static func jwk(_ key: PublicKeyRecord) -> [UInt8] {
        JSONWriter.object { jwk in
            jwk.member("kty", "OKP")
            jwk.member("crv", "Ed25519")
            jwk.member("x", Base64URL.encode(key.publicKey))
            jwk.member("kid", key.keyID)
            jwk.member("use", "sig")
            // RFC 9864 would say Ed25519; PyJWT skips a key whose alg it does not know, and it does not know that one.
            jwk.member("alg", "EdDSA")
        }
    }
}
