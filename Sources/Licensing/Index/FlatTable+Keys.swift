import Primitives
import Secrets

/// Spreads also what is not random, as the identifiers of tests are not (Knuth, multiplicative hashing). Of what is,
/// the high bits have chosen the table already.
private func spreading(_ number: UInt64) -> UInt64 { number &* 0x9E37_79B9_7F4A_7C15 }

extension KeyedHash: FlatKey {
    var spread: UInt64 { spreading(low) }
    var isZero: Bool { high | low == 0 }

    init(from bytes: UnsafeRawPointer) {
        var bytes = ByteReader(bytes)
        self.init(high: bytes.next(), low: bytes.next())
    }

    func write(to bytes: inout ByteWriter) {
        bytes.put(high)
        bytes.put(low)
    }
}

extension RandomID: FlatKey {
    var spread: UInt64 { spreading(rawValue) }
    var isZero: Bool { rawValue == 0 }

    init(from bytes: UnsafeRawPointer) { self.init(rawValue: bytes.loadUnaligned(as: UInt64.self)) }
}
