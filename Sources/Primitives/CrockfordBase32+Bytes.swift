// Whole byte strings as symbols: offline keys, which people paste and sometimes type.
extension CrockfordBase32 {
    /// The symbols (ASCII) of `bytes`, most significant bit first; the unused low bits of the last symbol are zero.
    package static func encode(bytes: some Collection<UInt8>) -> [UInt8] {
        var symbols: [UInt8] = []
        symbols.reserveCapacity((bytes.count * 8 + 4) / 5)
        var accumulator: UInt32 = 0
        var bits: UInt32 = 0
        for byte in bytes {
            accumulator = (accumulator << 8 | UInt32(byte)) & 0xFFFF
            bits += 8
            while bits >= 5 {
                bits -= 5
                symbols.append(symbol(UInt8(truncatingIfNeeded: accumulator >> bits) & 0x1F))
            }
        }
        if bits > 0 { symbols.append(symbol(UInt8(truncatingIfNeeded: accumulator << (5 - bits)) & 0x1F)) }
        return symbols
    }

    /// The bytes that symbol values (0…31) spell, or nil unless the values are their one spelling: as few symbols as
    /// hold them, unused low bits zero.
    package static func bytes(values: some Collection<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count * 5 / 8)
        var accumulator: UInt32 = 0
        var bits: UInt32 = 0
        for value in values {
            accumulator = (accumulator << 5 | UInt32(value & 0x1F)) & 0xFFF
            bits += 5
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: accumulator >> bits))
            }
        }
        return bits < 5 && accumulator & (1 << bits - 1) == 0 ? bytes : nil
    }

    /// The symbol values in a text as people type and paste it: any case, any spaces and dashes, O for 0, I and L
    /// for 1. Nil at the first character that is neither, or beyond `countMax` symbols.
    package static func typedValues(in text: some StringProtocol, countMax: Int) -> [UInt8]? {
        var values: [UInt8] = []
        for scalar in text.unicodeScalars where !isSeparator(scalar) {
            guard values.count < countMax, scalar.isASCII, let value = typedValue(UInt8(scalar.value)) else {
                return nil
            }
            values.append(value)
        }
        return values
    }

    /// Spaces, dashes and invisible characters, none of which is a symbol.
    private static func isSeparator(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII, typedValue(UInt8(scalar.value)) != nil { return false }
        return scalar.properties.isWhitespace || scalar.properties.isDash || scalar.value == 0xAD
            || (0x200B...0x200D).contains(scalar.value) || scalar.value == 0xFEFF
    }
}
