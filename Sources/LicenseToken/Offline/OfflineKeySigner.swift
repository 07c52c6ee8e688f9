import Primitives

/// Makes offline keys with one signing key.
package struct OfflineKeySigner: Sendable {
    /// Why no offline key was made.
    package enum Failure: Error, Equatable {
        /// An instant lies outside ``OfflineKeyFacts/instants``.
        case unwritableInstant
        /// The signing key's id is not eight characters of base64url.
        case keyID(String)
        /// The key gave no good signature.
        case key(SigningKey.Failure)
    }

    private let key: SigningKey

    package init(key: SigningKey) { self.key = key }

    /// The offline key that says `facts`. Throws `Failure`.
    package func sign(_ facts: OfflineKeyFacts) throws(Failure) -> OfflineKey {
        guard let keyID = Base64URL.decode(key.keyID), keyID.count == 6 else { throw .keyID(key.keyID) }
        guard let payload = facts.payload(keyID: keyID) else { throw .unwritableInstant }
        let signature: [UInt8]
        do { signature = try key.signature(over: OfflineKey.message(payload)) } catch { throw .key(error) }
        guard let offlineKey = OfflineKey(bytes: payload + signature) else {
            preconditionFailure("49 bytes of payload and 64 of signature are the 113 of an offline key")
        }
        return offlineKey
    }
}
