/// The header of one file in a tar archive: 512 bytes (POSIX.1-1988, "ustar").
struct TapeHeader: Equatable {
    static let blockBytes = 512
    /// Largest size that eleven octal digits say.
    private static let octalMax: Int64 = 1 << 33 - 1

    let name: String
    /// `0` is a file; `x` and `g` are extended headers that other programs write before one.
    let kind: UInt8
    let bytes: Int64

    static let file = UInt8(ascii: "0")
    static let extended: Set = [UInt8(ascii: "x"), UInt8(ascii: "g")]

    init(file name: String, bytes: Int64) {
        self.name = name
        self.bytes = bytes
        kind = Self.file
    }

    /// The header as 512 bytes; `seconds` is the time of change since 1970.
    func encoded(seconds: Int64) -> [UInt8] {
        precondition(name.utf8.count < 100, "the names of parts are short")
        var block = [UInt8](repeating: 0, count: Self.blockBytes)
        func put(_ bytes: some Collection<UInt8>, at offset: Int) {
            block.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        }
        put(Array(name.utf8), at: 0)
        put(Self.octal(0o600, digits: 7), at: 100)
        put(Self.octal(0, digits: 7), at: 108)
        put(Self.octal(0, digits: 7), at: 116)
        put(Self.size(bytes), at: 124)
        put(Self.octal(seconds, digits: 11), at: 136)
        block[156] = kind
        put(Array("ustar".utf8), at: 257)
        put(Array("00".utf8), at: 263)
        put(Self.octal(Self.sum(of: block), digits: 6) + [0, UInt8(ascii: " ")], at: 148)
        return block
    }

    /// Reads a header. Nil for a block that is none, or whose sum is wrong.
    init?(_ block: [UInt8]) {
        guard block.count == Self.blockBytes, let sum = Self.number(block[148..<156]), sum == Self.sum(of: block),
            let bytes = Self.number(block[124..<136]), bytes >= 0
        else { return nil }
        let text = String(decoding: block[0..<100].prefix { $0 != 0 }, as: UTF8.self)
        name = text.hasPrefix("./") ? String(text.dropFirst(2)) : text
        kind = block[156] == 0 ? Self.file : block[156]
        self.bytes = bytes
    }

    /// Bytes that follow a file of `bytes` up to the next block.
    static func padding(after bytes: Int64) -> Int64 {
        (Int64(blockBytes) - bytes % Int64(blockBytes)) % Int64(blockBytes)
    }

    /// The sum of all bytes, those of the sum itself counted as spaces.
    private static func sum(of block: [UInt8]) -> Int64 {
        block.indices.reduce(0) { $0 + Int64((148..<156).contains($1) ? UInt8(ascii: " ") : block[$1]) }
    }

    private static func octal(_ number: Int64, digits: Int) -> [UInt8] {
        let text = String(number, radix: 8)
        return Array((String(repeating: "0", count: max(0, digits - text.count)) + text).utf8)
    }

    /// Octal digits, or for 8 GiB and more a binary number after the byte 0x80, as GNU tar does.
    private static func size(_ bytes: Int64) -> [UInt8] {
        guard bytes > octalMax else { return octal(bytes, digits: 11) }
        return [0x80, 0, 0, 0] + stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: bytes >> $0) }
    }

    private static func number(_ field: ArraySlice<UInt8>) -> Int64? {
        if field.first == 0x80 {
            let bytes = field.dropFirst()
            guard bytes.dropLast(8).allSatisfy({ $0 == 0 }) else { return nil }
            return bytes.suffix(8).reduce(0) { $0 << 8 | Int64($1) }
        }
        let digits = field.drop { $0 == UInt8(ascii: " ") }.prefix { $0 != 0 && $0 != UInt8(ascii: " ") }
        return Int64(String(decoding: digits, as: UTF8.self), radix: 8)
    }
}
