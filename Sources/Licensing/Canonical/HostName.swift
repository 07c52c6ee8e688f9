/// The shape of a host name in its canonical spelling: lower-case letters, digits and hyphens (RFC 952, RFC 1123
/// §2.1), labels of 1…63 (RFC 1035 §2.3.4), 253 in all (the 255 of RFC 1035 less length bytes), no trailing dot.
struct HostName {
    static let bytesMax = 253
    static let labelBytesMax = 63

    private(set) var labels = 1
    /// Whether a label begins with `xn--` (RFC 5890 §2.3.1): what it means is still to be checked.
    private(set) var hasALabel = false
    /// Whether the last label reads as a number, decimal or hexadecimal; no top-level domain does (WHATWG URL §3.5).
    private(set) var endsInNumber = false

    /// Checks `name` in one pass, and refuses with the first thing wrong.
    init(_ name: Substring.UTF8View) throws(CanonicalDomain.Refusal) {
        guard name.count <= Self.bytesMax else { throw .nameTooLong }
        var label = Label()
        for byte in name {
            if byte == .dot {
                try label.end()
                hasALabel = hasALabel || label.isALabel
                labels += 1
                label = Label()
            } else {
                try label.take(byte)
            }
        }
        try label.end()
        hasALabel = hasALabel || label.isALabel
        endsInNumber = label.isNumber
    }

    /// Whether a label may hold this byte.
    static func mayHold(_ byte: UInt8) -> Bool { byte.isLowercaseLetter || byte.isDigit || byte == .hyphen }

    /// One label while its bytes come by.
    private struct Label {
        private var count = 0
        private var last: UInt8 = 0
        /// The first four bytes, the first one highest.
        private var head: UInt32 = 0
        private var isDecimal = true
        /// Whether all from the third byte on are hexadecimal digits.
        private var isHexadecimalTail = true

        var isALabel: Bool { count >= 4 && head == 0x78_6E_2D_2D }  // "xn--"

        var isNumber: Bool { isDecimal || (isHexadecimalTail && startsWith0x) }

        private var startsWith0x: Bool { count >= 2 && head >> (8 * UInt32(min(count, 4) - 2)) == 0x30_78 }

        mutating func take(_ byte: UInt8) throws(CanonicalDomain.Refusal) {
            guard HostName.mayHold(byte) else { throw .badCharacter }
            guard count > 0 || byte != .hyphen else { throw .hyphenPosition }
            isDecimal = isDecimal && byte.isDigit
            isHexadecimalTail = isHexadecimalTail && (count < 2 || byte.hexDigitValue != nil)
            if count < 4 { head = head << 8 | UInt32(byte) }
            last = byte
            count += 1
        }

        func end() throws(CanonicalDomain.Refusal) {
            guard count > 0 else { throw .emptyLabel }
            guard last != .hyphen else { throw .hyphenPosition }
            guard count <= HostName.labelBytesMax else { throw .labelTooLong }
        }
    }
}
