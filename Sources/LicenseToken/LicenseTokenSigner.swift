import Primitives

/// Makes tokens with one key. Immutable, so that every thread can use the same one.
package struct LicenseTokenSigner: Sendable {
    /// Why no token was made.
    package enum Failure: Error, Equatable {
        /// No verifier would read the claims: a number is negative or over 2^53-1, `bind` is empty, or it names a
        /// value that is nil or empty.
        case unreadableClaims
        /// The token would have this many bytes, more than ``LicenseToken/bytesMax``.
        case tooLong(Int)
        /// The key gave no good signature.
        case key(SigningKey.Failure)
    }

    /// The key's id, for the cache of tokens.
    package var keyID: String { key.keyID }

    /// Signs lists of revoked licenses with the same key.
    package var revocationLists: RevocationListSigner { RevocationListSigner(key: key) }

    /// Signs offline keys with the same key.
    package var offlineKeys: OfflineKeySigner { OfflineKeySigner(key: key) }

    private let key: SigningKey

    /// `base64url(header).`, the same for every token of the key.
    private let opening: [UInt8]

    package init(key: SigningKey) {
        self.key = key
        opening = Base64URL.encodedBytes(TokenHeader.json(keyID: key.keyID)) + ".".utf8
    }

    /// The token that says `claims`, as the ASCII characters of a compact JWS. Throws `Failure`.
    package func sign(_ claims: LicenseClaims) throws(Failure) -> [UInt8] {
        guard claims.isReadable else { throw .unreadableClaims }
        var token = opening
        token.append(contentsOf: Base64URL.encodedBytes(claims.json))
        let signature: [UInt8]
        do { signature = try key.signature(over: token) } catch { throw .key(error) }
        token.append(UInt8(ascii: "."))
        token.append(contentsOf: Base64URL.encodedBytes(signature))
        guard token.count <= LicenseToken.bytesMax else { throw .tooLong(token.count) }
        return token
    }
}
