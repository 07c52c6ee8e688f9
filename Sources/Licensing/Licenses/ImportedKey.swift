/// A license key that another system made, which its customers go on typing (DESIGN D6). It is matched exactly after
/// trimming: case and dashes count, and there is no check symbol.
package struct ImportedKey: Sendable, Equatable {
    /// Bytes of a key. A shorter one could be guessed; a longer one is no key that a person pastes.
    package static let lengthRange = 6...128
    /// What would be accepted, for messages.
    package static let expectation =
        "must be \(lengthRange.lowerBound) to \(lengthRange.upperBound) printable ASCII characters without spaces, "
        + "quotes, commas, < and >"

    /// A secret: for the one who imports it, never for a log.
    package let text: String

    /// Nil for what cannot be a key of another system.
    package init?(typed text: some StringProtocol) {
        let trimmed = text.drop(while: \.isWhitespace)
        guard let last = trimmed.lastIndex(where: { !$0.isWhitespace }) else { return nil }
        let key = trimmed[...last]
        guard Self.lengthRange.contains(key.utf8.count), key.utf8.allSatisfy(Self.isKeyByte) else { return nil }
        self.text = String(key)
    }

    private static func isKeyByte(_ byte: UInt8) -> Bool {
        (0x21...0x7E).contains(byte) && !"\"'`,<>\\".utf8.contains(byte)
    }

    /// The last four characters, by which people tell keys apart.
    package var last4: String { String(text.suffix(4)) }
}

extension ImportedKey: CustomStringConvertible {
    /// Without the secret part, so that a key that reaches a log gives nothing away.
    package var description: String { "****\(last4)" }
}
