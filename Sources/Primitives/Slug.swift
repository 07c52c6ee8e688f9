/// A short machine-readable name, as products, license types and features have: 1…64 of `a-z 0-9 . _ : -`, the first
/// and the last a letter or a digit.
package struct Slug: Hashable, Sendable, Comparable, CustomStringConvertible {
    package static let lengthMax = 64

    package let text: String

    package init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard (1...Self.lengthMax).contains(bytes.count), Self.isAlphanumeric(bytes[0]),
            Self.isAlphanumeric(bytes[bytes.count - 1]),
            bytes.allSatisfy({ Self.isAlphanumeric($0) || "._:-".utf8.contains($0) })
        else { return nil }
        self.text = String(text)
    }

    /// The slug of `text`. Throws `InvalidInput` naming `member`.
    package init(_ text: String, member: String) throws(InvalidInput) {
        guard let slug = Slug(text) else {
            throw InvalidInput(
                member, "must be 1 to \(Self.lengthMax) of a-z, 0-9 and . _ : - with a letter or digit at both ends")
        }
        self = slug
    }

    package var description: String { text }

    package static func < (left: Self, right: Self) -> Bool { left.text < right.text }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
