import Crypto

/// The key outside the database under which license keys, seats and addresses are hashed (DESIGN D6).
///
/// A stolen database alone then answers no guess: 75 random bits under a plain hash would fall to a large GPU farm in
/// hours (reliability notes §3.2).
package struct Pepper: Sendable, CustomStringConvertible {
    /// What is being hashed; equal inputs of different purposes have unrelated hashes.
    package enum Purpose: UInt8, Sendable {
        case licenseKey = 1
        case seat = 2
        case place = 3
        case adminToken = 7
        case idempotencyKey = 8
        case idempotentRequest = 9
        case importedKey = 12
    }

    /// Which pepper, as the database names it.
    package let id: Int64
    private let key: SymmetricKey

    package init(id: Int64, secret: [UInt8]) {
        self.id = id
        key = SymmetricKey(data: secret)
    }

    /// HMAC-SHA-256 over the purpose and the length-prefixed parts, so that no two lists of parts collide.
    package func hash(_ purpose: Purpose, _ parts: [UInt8]...) -> KeyedHash {
        var message: [UInt8] = [purpose.rawValue]
        for part in parts {
            precondition(part.count <= UInt16.max, "hashed parts are bounded by the request")
            message.append(UInt8(part.count >> 8))
            message.append(UInt8(part.count & 0xFF))
            message.append(contentsOf: part)
        }
        return HMAC<SHA256>.authenticationCode(for: message, using: key).withUnsafeBytes { KeyedHash(bytes: $0) }
    }

    package var description: String { "pepper-\(id) ***" }
}
