import Primitives

/// An offline key as it was received: a license that can be verified without a network, and pasted or typed. Nothing
/// of it has been checked but its spelling.
///
/// Its text is `LK1` and 181 Crockford symbols in groups of six with dashes between. They spell 113 bytes:
///
///     offset  bytes  content (numbers big-endian)
///     0       1      version, 1
///     1       6      key id: the bytes whose base64url is the `kid`
///     7       4      product number
///     11      1      type code
///     12      4      seats, 0 for unlimited
///     16      4      issued, seconds since 2020-01-01T00:00:00Z
///     20      4      expires, likewise; 0xFFFFFFFF for never
///     24      8      feature bits, bit 0 the least significant
///     32      8      license id: the 64 bits that `lic_…` spells
///     40      1      binding kind: 0 unbound, 1 domain, 2 installation id
///     41      8      binding; zeros when unbound
///     49      64     Ed25519 signature over `"signet-lk1\0"` and the 49 bytes before
///
/// docs/key-format.md fixes every byte.
public struct OfflineKey: Sendable, Hashable {
    /// Bytes before the signature.
    package static let payloadCount = 49

    /// Bytes in all.
    static let byteCount = payloadCount + 64

    /// Symbols in all, the three of the prefix among them.
    package static let symbolCount = prefix.count + (byteCount * 8 + 4) / 5

    /// Bytes of the longest text that is read: each symbol may stand among spaces and dashes.
    public static let textBytesMax = 2048

    private static let prefix = [UInt8]("LK1".utf8)
    private static let prefixValues: [UInt8] = prefix.compactMap(CrockfordBase32.typedValue)
    private static let groupLength = 6

    /// All 113 bytes.
    package let bytes: [UInt8]

    /// The key of `bytes`, payload and signature. Nil unless there are 113.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    /// Reads a key as people paste and type it: any case, any spaces and dashes, O for 0, I and L for 1.
    ///
    /// Throws ``LicenseTokenError/Code/malformed`` unless there are `LK1` and 181 symbols of which the last has its
    /// unused bit zero.
    public init(_ text: String) throws(LicenseTokenError) {
        guard text.utf8.count <= Self.textBytesMax else {
            throw LicenseTokenError(.malformed, "the key is longer than \(Self.textBytesMax) bytes")
        }
        guard let values = CrockfordBase32.typedValues(in: text, countMax: Self.symbolCount),
            values.count == Self.symbolCount, values.starts(with: Self.prefixValues),
            let bytes = CrockfordBase32.bytes(values: values.dropFirst(Self.prefix.count))
        else {
            throw LicenseTokenError(
                .malformed, "an offline key is LK1 and \(Self.symbolCount - Self.prefix.count) letters and digits"
            )
        }
        self.bytes = bytes
    }

    /// Whether `text` begins like an offline key and is too long for any other: worth telling what is wrong with it.
    public static func isLikely(_ text: String) -> Bool {
        let beginning = String(text.unicodeScalars.prefix(64).map(Character.init))
        guard let values = CrockfordBase32.typedValues(in: beginning, countMax: 64) else { return false }
        return values.count > 32 && values.starts(with: prefixValues)
    }

    /// The one canonical text: `LK1-…`, capital letters, groups of six. What is stored of a key is a hash of this.
    public var text: String {
        let symbols = CrockfordBase32.encode(bytes: bytes)
        let groups = stride(from: 0, to: symbols.count, by: Self.groupLength)
            .map { String(decoding: symbols[$0..<min($0 + Self.groupLength, symbols.count)], as: UTF8.self) }
        return (["LK1"] + groups).joined(separator: "-")
    }

    /// What the key says it is bound to, its signature not looked at; nil for a kind this release does not know.
    package var binding: OfflineKeyBinding? { OfflineKeyBinding(code: bytes[40], hash: Array(bytes[41..<49])) }

    /// What the signature covers.
    var payload: ArraySlice<UInt8> { bytes[..<Self.payloadCount] }

    /// 64 bytes.
    var signature: [UInt8] { Array(bytes[Self.payloadCount...]) }

    /// The bytes that are signed: apart from everything else that the key signs by its first eleven.
    static func message(_ payload: some Collection<UInt8>) -> [UInt8] { Array("signet-lk1\0".utf8) + payload }
}
