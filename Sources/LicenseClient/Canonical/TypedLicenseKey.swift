import LicenseToken
import Primitives

extension LicenseClient {
    /// Symbols a license key may have: four to seven groups of four (docs/key-format.md).
    private static let symbolCounts: Set<Int> = [16, 20, 24, 28]
    private static let symbolsMax = 28
    private static let prefixLengths = 2...8

    /// Whether `text` can be a license key, or is an offline key: the symbols of one, and the check symbol that belongs
    /// to them, spelled as people type it. It finds slips and says nothing about a license.
    ///
    /// A prefix such as `WHM-` is part of no key and is passed over.
    public static func isWellFormed(licenseKey text: String) -> Bool {
        if hasCheckSymbol(text[...]) || afterPrefix(text).map(hasCheckSymbol) == true { return true }
        // Whatever is wrong with it, it is no offline key.
        return (try? OfflineKey(text)) != nil
    }

    private static func afterPrefix(_ text: String) -> Substring? {
        let text = text.trimmed
        guard let dash = text.firstIndex(of: "-") else { return nil }
        let prefix = text[..<dash]
        let isPrefix =
            prefixLengths.contains(prefix.count) && prefix.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
        return isPrefix ? text[dash...] : nil
    }

    /// The check is a code over GF(32) = GF(2)[x]/(x⁵+x²+1): the sum of xⁱ·sᵢ over the positions i from the left is 0.
    private static func hasCheckSymbol(_ text: Substring) -> Bool {
        guard let symbols = CrockfordBase32.typedValues(in: text, countMax: symbolsMax),
            symbolCounts.contains(symbols.count)
        else { return false }
        let sum = symbols.reversed().reduce(UInt8(0)) { sum, symbol in
            let shifted = sum << 1
            return (shifted & 0x20 == 0 ? shifted : shifted ^ 0x25) ^ symbol
        }
        return sum == 0
    }
}
