import Primitives

/// What a customer types: `XXXX-XXXX-XXXX-XXXX`, 15 random Crockford symbols and a check symbol (DESIGN D6). A product
/// may ask for more groups, and for a prefix that is no part of the key. The check is `LicenseKeyCode`.
package struct LicenseKey: Sendable, Equatable {
    /// Symbol values, 0…31.
    private let symbols: [UInt8]
    /// Stands before the key, for people.
    private let prefix: String?

    /// A new key; all but five of its bits come from `generator`: 75 in the plain format.
    package init(_ format: KeyFormat = .plain, using generator: inout some RandomNumberGenerator) {
        let count = format.groups * LicenseKeyCode.groupLength
        var symbols = (1..<count).map { _ in UInt8.random(in: 0..<32, using: &generator) }
        symbols.append(LicenseKeyCode.checkSymbol(for: symbols))
        self.symbols = symbols
        prefix = format.prefix
    }

    /// Reads a key as people type and paste it: any case, any spaces and dashes, O for 0, I and L for 1.
    /// Nil unless there are as many symbols as keys have, and their check holds. A prefix is not read here.
    package init?(typed text: some StringProtocol) {
        guard let symbols = LicenseKeyCode.symbols(typed: text), LicenseKeyCode.weightedSum(symbols) == 0 else {
            return nil
        }
        self.symbols = symbols
        prefix = nil
    }

    /// The keys that `text` may mean: itself, and what follows one of the prefixes that products have. Mostly one; a
    /// prefix and a key can by chance look like a longer key.
    package static func candidates(typed text: String, prefixes: [String]) -> [LicenseKey] {
        let whole = LicenseKey(typed: text)
        let others = prefixes.compactMap { prefix in
            Self.rest(of: text, after: prefix).flatMap { LicenseKey(typed: $0) }?.prefixed(prefix)
        }
        return (whole.map { [$0] } ?? []) + others
    }

    private init(symbols: [UInt8], prefix: String?) {
        self.symbols = symbols
        self.prefix = prefix
    }

    /// The same key with a prefix before its text.
    package func prefixed(_ prefix: String?) -> LicenseKey { LicenseKey(symbols: symbols, prefix: prefix) }

    /// What follows `prefix`, written in any case, at the beginning of `text`.
    private static func rest(of text: String, after prefix: String) -> Substring? {
        let trimmed = text.drop { $0.isWhitespace }
        guard trimmed.prefix(prefix.count).uppercased() == prefix else { return nil }
        return trimmed.dropFirst(prefix.count)
    }

    /// Whether both open the same license: the prefix does not count.
    package static func == (left: LicenseKey, right: LicenseKey) -> Bool { left.symbols == right.symbols }

    /// The symbols in ASCII without dashes: what is hashed.
    package var canonicalBytes: [UInt8] { symbols.map(CrockfordBase32.symbol) }

    /// `XXXX-XXXX-XXXX-XXXX`, after the prefix if it has one. A secret: for the one who issues it, never for a log.
    package var text: String {
        let characters = canonicalBytes
        let groups = stride(from: 0, to: characters.count, by: LicenseKeyCode.groupLength)
            .map { String(decoding: characters[$0..<$0 + LicenseKeyCode.groupLength], as: UTF8.self) }
        return ((prefix.map { [$0] } ?? []) + groups).joined(separator: "-")
    }

    /// The last four symbols, by which people tell keys apart.
    package var last4: String { String(decoding: canonicalBytes.suffix(4), as: UTF8.self) }
}

extension LicenseKey: CustomStringConvertible {
    /// Without the secret part, so that a key that reaches a log gives nothing away.
    package var description: String { "****-****-****-\(last4)" }
}

// MARK: - Misprints

extension LicenseKey {
    /// The keys that a misprint of `text` may mean: one symbol of them is another there, or two are swapped. None for
    /// what is a key already, or is too short or too long.
    package static func misprinted(_ text: String, prefixes: [String]) -> [LicenseKey] {
        let others = prefixes.flatMap { prefix in
            rest(of: text, after: prefix).map { near($0).map { $0.prefixed(prefix) } } ?? []
        }
        return near(text[...]) + others
    }

    private static func near(_ text: Substring) -> [LicenseKey] {
        guard let symbols = LicenseKeyCode.symbols(typed: text) else { return [] }
        let sum = LicenseKeyCode.weightedSum(symbols)
        return sum == 0 ? [] : substituted(symbols, sum) + swapped(symbols)
    }

    /// At each position there is one symbol with which the check holds: the one there plus S·α⁻ⁱ.
    private static func substituted(_ symbols: [UInt8], _ sum: UInt8) -> [LicenseKey] {
        symbols.indices.map { position in
            var other = symbols
            other[position] ^= LicenseKeyCode.divided(sum, byAlphaToThe: position)
            return LicenseKey(symbols: other, prefix: nil)
        }
    }

    private static func swapped(_ symbols: [UInt8]) -> [LicenseKey] {
        symbols.indices.flatMap { left in
            (left + 1..<symbols.count).compactMap { right in
                var other = symbols
                other.swapAt(left, right)
                return LicenseKeyCode.weightedSum(other) == 0 ? LicenseKey(symbols: other, prefix: nil) : nil
            }
        }
    }
}
