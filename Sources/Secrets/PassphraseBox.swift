import CSodium
import Primitives

/// Bytes sealed under a passphrase, as one line of text: for secrets that leave the machine or wait in a drawer.
///
///     signet-sealed-1.BASE64URL
///
///     memory   4 bytes, big-endian: KiB that Argon2id fills
///     passes   4 bytes, big-endian
///     salt     16 bytes
///     nonce    24 bytes
///     sealed   XChaCha20-Poly1305 (libsodium's IETF construction): as long as the content, and 16 bytes of tag
///
/// The key is Argon2id's of passphrase and salt, 32 bytes. Authenticated with the content are the text before the dot,
/// memory, passes, salt and the *context*, which says what is inside: a box moved to another place does not open there.
package enum PassphraseBox {
    /// How a line of this kind begins; another number will be another layout.
    package static let prefix = "signet-sealed-1"
    /// Bytes of content. What is larger belongs sealed under a random key that is itself sealed here.
    package static let contentBytesMax = 4 << 20
    /// KiB that a box may ask for when it is opened: whoever hands us a file must not choose how much memory we use.
    package static let memoryKiBRange: ClosedRange<UInt32> = (8 << 10)...(256 << 10)
    /// Passes that a box may ask for when it is opened.
    package static let passesRange: ClosedRange<UInt32> = 1...10

    private static let keyBytes = 32
    private static let nonceBytes = 24
    private static let tagBytes = 16
    private static let headerBytes = 8 + Argon2id.saltBytes

    /// Why a box was not made or does not open.
    package enum Failure: Error, Equatable, CustomStringConvertible {
        /// It is no text of ours, or cut short.
        case malformed
        /// It asks for more memory or passes than we grant, or for too few to be ours.
        case costRefused(Argon2id.Cost)
        case tooLarge
        /// The passphrase is wrong, the box was altered, or it was made for something else: nobody can tell which.
        case notOpened
        /// The system has not the memory that the passphrase costs.
        case outOfMemory

        package var description: String {
            switch self {
            case .malformed: "it is not sealed as \(prefix)"
            case .costRefused(let cost):
                "it asks for \(cost.memoryKiB) KiB of memory and \(cost.passes) passes, which is out of bounds"
            case .tooLarge: "it is larger than \(contentBytesMax) bytes"
            case .notOpened: "the passphrase is wrong, or it was altered"
            case .outOfMemory: "there is not enough memory to try the passphrase"
            }
        }
    }

    /// Whether `text` claims to be a box, which tells a sealed file from another kind.
    package static func isBox(_ text: some StringProtocol) -> Bool { text.hasPrefix(prefix + ".") }

    /// `content` sealed under `passphrase` for the place that `context` names. Takes a good part of a second and 64
    /// MiB. Throws `tooLarge`, `outOfMemory`.
    package static func seal(
        _ content: [UInt8], under passphrase: Passphrase, context: String, cost: Argon2id.Cost = .standard
    ) throws(Failure) -> String {
        var generator = SystemRandomNumberGenerator()
        return try seal(content, under: passphrase, context: context, cost: cost, using: &generator)
    }

    /// Same, with salt and nonce from `generator`: for tests.
    package static func seal(
        _ content: [UInt8], under passphrase: Passphrase, context: String, cost: Argon2id.Cost,
        using generator: inout some RandomNumberGenerator
    ) throws(Failure) -> String {
        guard content.count <= contentBytesMax else { throw .tooLarge }
        let salt = (0..<Argon2id.saltBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let nonce = (0..<nonceBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let header = bigEndian(cost.memoryKiB) + bigEndian(cost.passes) + salt
        guard let key = Argon2id.key(of: passphrase.bytes, salt: salt, cost: cost, count: keyBytes) else {
            throw .outOfMemory
        }
        let associated = Array(prefix.utf8) + header + context.utf8
        var sealed = [UInt8](repeating: 0, count: content.count + tagBytes)
        let status = crypto_aead_xchacha20poly1305_ietf_encrypt(
            &sealed, nil, content, UInt64(content.count), associated, UInt64(associated.count), nil, nonce, key)
        precondition(status == 0, "the library refuses no content of this size")
        return "\(prefix).\(Base64URL.encode(header + nonce + sealed))"
    }

    /// What is in the box `text`, of which one line end is forgiven. Throws `malformed`, `costRefused`, `tooLarge`,
    /// `notOpened`, `outOfMemory`.
    package static func open(
        _ text: String, under passphrase: Passphrase, context: String
    ) throws(Failure) -> [UInt8] {
        let parts = try Parts(text)
        guard memoryKiBRange.contains(parts.cost.memoryKiB), passesRange.contains(parts.cost.passes) else {
            throw .costRefused(parts.cost)
        }
        guard let key = Argon2id.key(of: passphrase.bytes, salt: parts.salt, cost: parts.cost, count: keyBytes) else {
            throw .outOfMemory
        }
        let associated = Array(prefix.utf8) + parts.header + context.utf8
        var content = [UInt8](repeating: 0, count: parts.sealed.count - tagBytes)
        let status = crypto_aead_xchacha20poly1305_ietf_decrypt(
            &content, nil, nil, parts.sealed, UInt64(parts.sealed.count), associated, UInt64(associated.count),
            parts.nonce, key)
        guard status == 0 else { throw .notOpened }
        return content
    }

    /// A box taken apart; nothing of it is known to be true.
    private struct Parts {
        let header: [UInt8]
        let cost: Argon2id.Cost
        let salt: [UInt8]
        let nonce: [UInt8]
        let sealed: [UInt8]

        init(_ text: String) throws(Failure) {
            // Four characters say three bytes.
            guard text.utf8.count <= contentBytesMax / 3 * 4 + 1024 else { throw .tooLarge }
            let line = text.hasSuffix("\n") ? text.dropLast() : text[...]
            guard isBox(line), let bytes = Base64URL.decode(line.utf8.dropFirst(prefix.utf8.count + 1)),
                bytes.count >= headerBytes + nonceBytes + tagBytes
            else { throw .malformed }
            header = Array(bytes.prefix(headerBytes))
            cost = Argon2id.Cost(memoryKiB: number(header[0..<4]), passes: number(header[4..<8]))
            salt = Array(header[8...])
            nonce = Array(bytes[headerBytes..<headerBytes + nonceBytes])
            sealed = Array(bytes[(headerBytes + nonceBytes)...])
        }
    }

    private static func bigEndian(_ number: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }

    private static func number(_ bytes: some Sequence<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }
}
