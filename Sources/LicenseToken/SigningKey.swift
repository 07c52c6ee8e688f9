import Crypto
import Primitives

/// An Ed25519 key pair that signs tokens. The seed is the secret; it shows in no description, dump or error.
package struct SigningKey: Sendable {
    /// Why a signing key or a signature could not be made.
    package enum Failure: Error, Equatable {
        /// A seed is 32 bytes; this many were given.
        case seedLength(Int)
        /// The library refused to sign.
        case signingFailed
        /// The signature does not verify under the public key: memory or processor is faulty. It must not leave the
        /// process, because a faulty deterministic signature can give the private key away.
        case faultySignature
    }

    /// Eight characters that name the key: see ``keyID(publicKey:)``.
    package let keyID: String

    /// 32 bytes: the encoded point (RFC 8032 §5.1.5).
    package let publicKey: [UInt8]

    private let privateKey: Curve25519.Signing.PrivateKey
    private let verificationKey: Curve25519.Signing.PublicKey

    private init(privateKey: Curve25519.Signing.PrivateKey) {
        self.privateKey = privateKey
        verificationKey = privateKey.publicKey
        publicKey = Array(verificationKey.rawRepresentation)
        keyID = Self.keyID(publicKey: publicKey)
    }

    /// The key of a stored `seed`, 32 bytes.
    package init(seed: [UInt8]) throws(Failure) {
        guard let privateKey = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else {
            throw .seedLength(seed.count)
        }
        self.init(privateKey: privateKey)
    }

    /// A new key from the system's random bytes. Its id does not begin with a dash: `keys revoke -h…` would print help.
    package init() {
        var privateKey = Curve25519.Signing.PrivateKey()
        while Self.keyID(publicKey: Array(privateKey.publicKey.rawRepresentation)).hasPrefix("-") {
            privateKey = Curve25519.Signing.PrivateKey()
        }
        self.init(privateKey: privateKey)
    }

    /// A key from `generator`, for tests: whoever knows the generator's seed knows the key.
    package init(using generator: inout some RandomNumberGenerator) throws(Failure) {
        try self.init(seed: (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    /// The 32 secret bytes, for the file that keeps them and nothing else.
    package var seed: [UInt8] { Array(privateKey.rawRepresentation) }

    /// The half that may be published.
    package var publicRecord: PublicKeyRecord { PublicKeyRecord(keyID: keyID, publicKey: publicKey) }

    /// The 64-byte signature over `message`, verified before it is returned. Throws `signingFailed`,
    /// `faultySignature`.
    package func signature(over message: [UInt8]) throws(Failure) -> [UInt8] {
        guard let signature = try? privateKey.signature(for: message) else { throw .signingFailed }
        return try verified(Array(signature), over: message)
    }

    /// `signature`, if it is this key's over `message`. Throws `faultySignature`. Apart from signing, because no test
    /// can make a processor fail.
    package func verified(_ signature: [UInt8], over message: [UInt8]) throws(Failure) -> [UInt8] {
        guard verificationKey.isValidSignature(signature, for: message) else { throw .faultySignature }
        return signature
    }
}

// MARK: - Names

extension SigningKey {
    /// The first eight characters of the ``thumbprint(publicKey:)``: 48 bits tell a vendor's keys apart. They are a
    /// name, not a proof: what a token may be signed with is decided by the pinned set alone.
    package static func keyID(publicKey: [UInt8]) -> String { String(thumbprint(publicKey: publicKey).prefix(8)) }

    /// The JWK thumbprint (RFC 7638 §3) of an Ed25519 public key: base64url of the SHA-256 of its required members
    /// in lexicographic order (RFC 8037 §2).
    package static func thumbprint(publicKey: [UInt8]) -> String {
        let jwk = JSONWriter.object { jwk in
            jwk.member("crv", "Ed25519")
            jwk.member("kty", "OKP")
            jwk.member("x", Base64URL.encode(publicKey))
        }
        return Base64URL.encode(Array(SHA256.hash(data: jwk)))
    }
}

// MARK: - Silence

extension SigningKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "SigningKey(keyID: \(keyID), seed: ***)" }
    package var debugDescription: String { description }

    /// Without children, so that `dump` and a failed test's report show no private half.
    package var customMirror: Mirror { Mirror(self, children: [(label: String?, value: Any)]()) }
}
