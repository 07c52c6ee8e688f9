import LicenseToken
import Primitives

extension LicenseClient {
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
            LicenseKeyCode.prefixLengthRange.contains(prefix.count)
            && prefix.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
        return isPrefix ? text[dash...] : nil
    }

    private static func hasCheckSymbol(_ text: Substring) -> Bool {
        LicenseKeyCode.symbols(typed: text).map { LicenseKeyCode.weightedSum($0) == 0 } ?? false
    }
}
