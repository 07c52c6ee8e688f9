import CSodium

/// Argon2id (RFC 9106), version 1.3 with one lane, by libsodium: turns a passphrase into key bytes at a price that
/// whoever guesses passphrases pays for each guess.
package enum Argon2id {
    /// Bytes of a salt.
    package static let saltBytes = 16

    /// What one derivation costs.
    package struct Cost: Sendable, Equatable {
        /// KiB of memory that are filled.
        package let memoryKiB: UInt32
        /// How often the memory is gone over.
        package let passes: UInt32

        package init(memoryKiB: UInt32, passes: UInt32) {
            self.memoryKiB = memoryKiB
            self.passes = passes
        }

        /// What new boxes cost: 64 MiB and three passes, the second recommendation of RFC 9106 §4.
        package static let standard = Cost(memoryKiB: 64 << 10, passes: 3)
    }

    /// `count` bytes (16 or more) from a passphrase and a salt of `saltBytes`; nil when the system has not that much
    /// memory or the library refuses the cost.
    package static func key(of passphrase: [UInt8], salt: [UInt8], cost: Cost, count: Int) -> [UInt8]? {
        precondition(salt.count == saltBytes, "a salt has 16 bytes")
        Sodium.start()
        var key = [UInt8](repeating: 0, count: count)
        let status = crypto_pwhash(
            &key, UInt64(count), passphrase.map { CChar(bitPattern: $0) }, UInt64(passphrase.count), salt,
            UInt64(cost.passes), Int(cost.memoryKiB) << 10, crypto_pwhash_ALG_ARGON2ID13)
        return status == 0 ? key : nil
    }
}

/// The library's own start, which picks the fastest code for the processor.
enum Sodium {
    private static let status = sodium_init()

    /// To be called before anything else of the library; only the first call does something.
    static func start() { precondition(status >= 0, "libsodium cannot be used on this machine") }
}
