/// The code that the symbols of a license key are words of (docs/key-format.md): groups of four Crockford symbols, the
/// last of which checks the others.
///
/// It is over GF(32) = GF(2)[x]/(x⁵+x²+1): the sum of αⁱ·sᵢ over the positions i, counted from 0 at the left, is 0,
/// with α = x. Since αⁱ ≠ 0 every single wrong symbol is caught, and since αⁱ ≠ αʲ for positions below 31 every swap of
/// two is caught too.
package enum LicenseKeyCode {
    package static let groupLength = 4
    /// Groups of symbols that a key may have. The check covers 31 symbols at most.
    package static let groupsRange = 4...7
    /// Characters of what may stand before a key, which is no part of it.
    package static let prefixLengthRange = 2...8

    private static let symbolCounts = Set(groupsRange.map { $0 * groupLength })
    private static let symbolsMax = groupsRange.upperBound * groupLength

    /// Symbol values, 0…31, as people type and paste them; nil unless there are as many as keys have. Whether the check
    /// holds is not asked.
    package static func symbols(typed text: some StringProtocol) -> [UInt8]? {
        guard let symbols = CrockfordBase32.typedValues(in: text, countMax: symbolsMax),
            symbolCounts.contains(symbols.count)
        else { return nil }
        return symbols
    }

    /// The sum of αⁱ·sᵢ, by Horner's rule from the right: 0 for a key.
    package static func weightedSum(_ symbols: [UInt8]) -> UInt8 {
        symbols.reversed().reduce(0) { timesAlpha($0) ^ $1 }
    }

    /// The symbol that makes the sum 0 when appended to `symbols`.
    package static func checkSymbol(for symbols: [UInt8]) -> UInt8 {
        divided(weightedSum(symbols), byAlphaToThe: symbols.count)
    }

    /// `value`·α⁻ⁿ for n up to 31, where α³¹ = 1.
    package static func divided(_ value: UInt8, byAlphaToThe n: Int) -> UInt8 {
        (0..<(31 - n)).reduce(value) { value, _ in timesAlpha(value) }
    }

    private static func timesAlpha(_ value: UInt8) -> UInt8 {
        let shifted = value << 1
        return shifted & 0x20 == 0 ? shifted : shifted ^ 0x25
    }
}
