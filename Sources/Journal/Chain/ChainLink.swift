import Crypto
import Primitives

/// A value of SHA-256 in the journal's hash chain: it stands for one event and for all before it.
package struct ChainHash: Sendable, Equatable {
    package static let byteCount = 32
    /// What the first event is chained to.
    package static let beginning = ChainHash(bytes: [UInt8](repeating: 0, count: byteCount))

    package let bytes: [UInt8]

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// A stored hash. Nil unless there are 32 bytes.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    /// The hash over `parts`, each preceded by its length in four bytes, big-endian: without the lengths, two events
    /// that differ only in where one column ends would have one hash.
    init(over parts: [[UInt8]]) {
        var hash = SHA256()
        for part in parts {
            let length = UInt32(part.count)
            hash.update(data: [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) })
            hash.update(data: part)
        }
        bytes = Array(hash.finalize())
    }
}

/// A sealed event: its number and the hash of the chain there. As text, `SEQUENCE:HASH` with the hash in lower case
/// hexadecimal, it is the *anchor* that an operator keeps elsewhere.
package struct ChainLink: Sendable, Equatable, CustomStringConvertible {
    package let sequence: Int64
    package let hash: ChainHash

    package init(sequence: Int64, hash: ChainHash) {
        self.sequence = sequence
        self.hash = hash
    }

    /// Reads `SEQUENCE:HASH`. Nil for anything else.
    package init?(text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let sequence = Int64(parts[0]), sequence > 0,
            let bytes = Hexadecimal.decode(parts[1]), let hash = ChainHash(bytes)
        else { return nil }
        self.init(sequence: sequence, hash: hash)
    }

    package var description: String { "\(sequence):\(Hexadecimal.encode(hash.bytes))" }
}
