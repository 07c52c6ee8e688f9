/// The 32 symbols of Douglas Crockford's base 32: digits and capital letters without I, L, O and U.
///
/// People type them, so reading is forgiving where no other meaning is possible: lower case is upper case, O is 0,
/// I and L are 1. Source: <https://www.crockford.com/base32.html>.
package enum CrockfordBase32 {
    private static let alphabet = [UInt8]("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

    /// Value of each ASCII character as people type it, 0xFF for those that stand for no symbol.
    private static let typedValues: [UInt8] = {
        var table = canonicalValues
        for (value, symbol) in alphabet.enumerated() where symbol >= UInt8(ascii: "A") {
            table[Int(symbol) + 32] = UInt8(value)
        }
        for character in "Oo".utf8 { table[Int(character)] = 0 }
        for character in "IiLl".utf8 { table[Int(character)] = 1 }
        return table
    }()

    private static let canonicalValues: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        for (value, symbol) in alphabet.enumerated() { table[Int(symbol)] = UInt8(value) }
        return table
    }()

    /// The symbol (ASCII) of a value in 0..<32.
    package static func symbol(_ value: UInt8) -> UInt8 { alphabet[Int(value)] }

    /// The value of a symbol as a person types it, or nil.
    package static func typedValue(_ character: UInt8) -> UInt8? {
        let value = typedValues[Int(character)]
        return value == 0xFF ? nil : value
    }

    /// 64 bits as 13 symbols, most significant first; the first symbol is 0…F, since 13 symbols hold 65 bits.
    package static func encode(_ number: UInt64) -> String {
        let symbols = (0..<13).map { symbol(UInt8(truncatingIfNeeded: number >> (60 - 5 * UInt64($0))) & 0x1F) }
        return String(decoding: symbols, as: UTF8.self)
    }

    /// The number that 13 canonical symbols spell, or nil: identifiers have one spelling, unlike typed keys.
    package static func decode(_ text: some StringProtocol) -> UInt64? {
        guard text.utf8.count == 13 else { return nil }
        var number: UInt64 = 0
        for (position, character) in text.utf8.enumerated() {
            let value = canonicalValues[Int(character)]
            guard value < (position == 0 ? 16 : 32) else { return nil }
            number = number << 5 | UInt64(value)
        }
        return number
    }
}
