/// 16 bytes of an HMAC: a name for something secret or personal that reveals nothing without the pepper.
package struct KeyedHash: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// From 16 bytes or more, of which the first 16 count.
    package init(bytes: some Collection<UInt8>) {
        precondition(bytes.count >= 16, "a keyed hash has 16 bytes")
        var words: (UInt64, UInt64) = (0, 0)
        for (position, byte) in bytes.prefix(16).enumerated() {
            if position < 8 { words.0 = words.0 << 8 | UInt64(byte) } else { words.1 = words.1 << 8 | UInt64(byte) }
        }
        (high, low) = words
    }

    /// The same, for those of which a start reads millions.
    package init(bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count >= 16, "a keyed hash has 16 bytes")
        high = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
        low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    package var bytes: [UInt8] {
        [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) } }
    }

    /// The hash is already uniform and unpredictable, so one of its words is a good bucket.
    package func hash(into hasher: inout Hasher) { hasher.combine(low) }
}
