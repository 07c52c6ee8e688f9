import Crypto

/// A key that seals personal data and license keys at rest: AES-256-GCM with a random nonce.
///
/// Sealed form: version byte 1, nonce (12 bytes), ciphertext, tag (16 bytes). The context (table, column, row) is
/// authenticated, so a sealed value moved to another row does not open.
package struct SealingKey: Sendable, CustomStringConvertible {
    private static let version: UInt8 = 1

    private let key: SymmetricKey

    package init(secret: [UInt8]) { key = SymmetricKey(data: secret) }

    /// A fresh random key and its bytes, which the caller wraps under another key.
    package static func random() -> (key: SealingKey, secret: [UInt8]) {
        let secret = SymmetricKey(size: .bits256).withUnsafeBytes { [UInt8]($0) }
        return (SealingKey(secret: secret), secret)
    }

    /// The sealed form of `plaintext` for one place, which `context` names.
    package func seal(_ plaintext: [UInt8], context: String) -> [UInt8] {
        do {
            let box = try AES.GCM.seal(plaintext, using: key, authenticating: [UInt8](context.utf8))
            return [Self.version] + [UInt8](box.nonce) + [UInt8](box.ciphertext) + [UInt8](box.tag)
        } catch {
            // The library throws for keys and nonces of wrong size only; both have fixed sizes here.
            preconditionFailure("AES-GCM refused to seal: \(error)")
        }
    }

    /// The plaintext, or nil when the key, the context or any byte is not the one it was sealed with.
    package func open(_ sealed: [UInt8], context: String) -> [UInt8]? {
        guard sealed.first == Self.version,
            let box = try? AES.GCM.SealedBox(combined: sealed.dropFirst()),
            let plaintext = try? AES.GCM.open(box, using: key, authenticating: [UInt8](context.utf8))
        else { return nil }
        return [UInt8](plaintext)
    }

    package var description: String { "sealing key ***" }
}
