/// Bytes of ASCII as the grammars of names and addresses (RFC 1123, 3986, 4291) know them.
extension UInt8 {
    static let dot = UInt8(ascii: ".")
    static let colon = UInt8(ascii: ":")
    static let hyphen = UInt8(ascii: "-")
    static let slash = UInt8(ascii: "/")

    /// 0…9.
    var isDigit: Bool { self &- UInt8(ascii: "0") < 10 }

    /// a…z; upper case has been lowered, or refused, by whoever asks.
    var isLowercaseLetter: Bool { self &- UInt8(ascii: "a") < 26 }

    /// A letter of either case, as a URL scheme begins.
    var isLetter: Bool { (self | 0x20).isLowercaseLetter }

    /// The value of one hexadecimal digit of either case, or nil.
    var hexDigitValue: UInt8? {
        if isDigit { return self - UInt8(ascii: "0") }
        let letter = (self | 0x20) &- UInt8(ascii: "a")
        return letter < 6 ? letter + 10 : nil
    }

    /// Tab, line feed, form feed, carriage return, space: what WHATWG Infra calls ASCII white space.
    var isWhiteSpace: Bool { self == 0x20 || self == 0x09 || self == 0x0A || self == 0x0C || self == 0x0D }
}

extension Substring.UTF8View {
    /// The text without the white space around it, as left by a copy and paste or a text field.
    var trimmed: Substring.UTF8View {
        guard let first = firstIndex(where: { !$0.isWhiteSpace }) else { return self[endIndex...] }
        let last = lastIndex { !$0.isWhiteSpace } ?? first
        return self[first...last]
    }

    /// Takes the part before the next `separator` off the front, separator included; everything when there is none.
    mutating func takeField(endingAt separator: UInt8) -> Substring.UTF8View {
        let end = firstIndex(of: separator) ?? endIndex
        defer { self = self[end...].dropFirst() }
        return self[..<end]
    }

    /// A decimal number in its one spelling (no sign, no leading zero) up to `maximum`, or nil.
    func decimal(upTo maximum: UInt32) -> UInt32? {
        guard let first, count <= 9, allSatisfy(\.isDigit), first != UInt8(ascii: "0") || count == 1 else { return nil }
        let number = reduce(0 as UInt32) { $0 * 10 + UInt32($1 - UInt8(ascii: "0")) }
        return number <= maximum ? number : nil
    }
}
