import Primitives

/// What the bearer of an admin token shows: `adm_` and 26 Crockford symbols, which are 128 random bits. Told once, when
/// it is made; the database keeps a keyed hash of it and nothing else.
package struct AdminTokenSecret: Sendable, Equatable {
    /// By which scanners of sources and logs recognize it.
    package static let prefix = "adm_"
    private static let halfLength = 13

    private let high: UInt64
    private let low: UInt64

    package init(using generator: inout some RandomNumberGenerator) {
        high = generator.next()
        low = generator.next()
    }

    /// Reads the one spelling; nil for any other text.
    package init?(text: some StringProtocol) {
        guard text.utf8.count == Self.prefix.utf8.count + 2 * Self.halfLength, text.hasPrefix(Self.prefix) else {
            return nil
        }
        let symbols = text.dropFirst(Self.prefix.count)
        guard let high = CrockfordBase32.decode(symbols.prefix(Self.halfLength)),
            let low = CrockfordBase32.decode(symbols.dropFirst(Self.halfLength))
        else { return nil }
        self.high = high
        self.low = low
    }

    /// The secret itself: for the one who makes it, never for a log.
    package var text: String { Self.prefix + CrockfordBase32.encode(high) + CrockfordBase32.encode(low) }

    /// What is hashed.
    var bytes: [UInt8] { [UInt8](text.utf8) }
}

extension AdminTokenSecret: CustomStringConvertible {
    /// Without the secret part, so that a token that reaches a log gives nothing away.
    package var description: String { "\(Self.prefix)***" }
}
