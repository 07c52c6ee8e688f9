extension CanonicalAddress {
    /// Longest text of RFC 4291 §2.2: six groups and a dotted quad, 45 characters.
    private static let textMax = 45

    /// Reads an address without brackets and without anything around it.
    init?(literal text: Substring.UTF8View) {
        if let bits = Self.ipv4(text) {
            self.init(ipv4: bits)
        } else {
            self.init(ipv6Literal: text)
        }
    }

    /// Reads what may stand between the brackets of a URL (RFC 3986 §3.2.2), which is never a bare dotted quad.
    init?(ipv6Literal text: Substring.UTF8View) {
        guard let bits = Self.ipv6(text) else { return nil }
        self.init(bits: bits)
    }

    /// Exactly four decimal numbers 0…255 (RFC 6943 §3.1.1, the strict form).
    private static func ipv4(_ text: Substring.UTF8View) -> UInt32? {
        guard text.count <= 15, text.count(where: { $0 == .dot }) == 3 else { return nil }
        var rest = text
        var bits: UInt32 = 0
        for _ in 0..<4 {
            guard let octet = rest.takeField(endingAt: .dot).decimal(upTo: 255) else { return nil }
            bits = bits << 8 | octet
        }
        return bits
    }

    /// The three forms of RFC 4291 §2.2. `::` stands for at least one group of zeros and appears once.
    private static func ipv6(_ text: Substring.UTF8View) -> UInt128? {
        guard text.count <= textMax else { return nil }
        guard let gap = doubleColon(in: text) else {
            return Groups(text, mayEndInIPv4: true).flatMap { $0.count == 8 ? $0.bits : nil }
        }
        guard let head = Groups(text[..<gap], mayEndInIPv4: false),
            let tail = Groups(text[gap...].dropFirst(2), mayEndInIPv4: true),
            head.count + tail.count < 8
        else { return nil }
        return head.count == 0 ? tail.bits : head.bits << UInt128(16 * (8 - head.count)) | tail.bits
    }

    private static func doubleColon(in text: Substring.UTF8View) -> Substring.UTF8View.Index? {
        zip(text.indices, text.dropFirst()).first { text[$0] == .colon && $1 == .colon }?.0
    }

    /// A run of groups between colons, none for an empty text.
    private struct Groups {
        var bits: UInt128 = 0
        var count = 0

        init?(_ text: Substring.UTF8View, mayEndInIPv4: Bool) {
            var rest = text
            let fields = text.isEmpty ? 0 : text.count { $0 == .colon } + 1
            for remaining in (0..<fields).reversed() {
                let field = rest.takeField(endingAt: .colon)
                guard append(field) || (remaining == 0 && mayEndInIPv4 && appendIPv4(field)) else { return nil }
            }
        }

        /// One to four hexadecimal digits.
        private mutating func append(_ field: Substring.UTF8View) -> Bool {
            guard 1...4 ~= field.count else { return false }
            var group: UInt128 = 0
            for byte in field {
                guard let digit = byte.hexDigitValue else { return false }
                group = group << 4 | UInt128(digit)
            }
            bits = bits << 16 | group
            count += 1
            return true
        }

        /// A dotted quad, which stands for the last two groups.
        private mutating func appendIPv4(_ field: Substring.UTF8View) -> Bool {
            guard let quad = CanonicalAddress.ipv4(field) else { return false }
            bits = bits << 32 | UInt128(quad)
            count += 2
            return true
        }
    }
}
