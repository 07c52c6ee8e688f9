/// An integer that names one row of the kind `Entity`, as the guide writes them: customer 123.
package struct ID<Entity>: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// 1 or more.
    package let rawValue: Int64

    package init?(_ rawValue: Int64) {
        guard rawValue > 0 else { return nil }
        self.rawValue = rawValue
    }

    /// Reads decimal digits without sign, leading zeros or spaces.
    package init?(text: some StringProtocol) {
        guard let number = Int64(text), String(number) == text else { return nil }
        self.init(number)
    }

    package var description: String { String(rawValue) }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A kind of thing whose identifiers are random and carry a prefix, such as `lic_`.
package protocol RandomlyIdentified {
    /// Lower-case letters and an underscore.
    static var idPrefix: String { get }
}

/// 64 random bits that name one `Entity`, written as its prefix and 13 Crockford symbols: `lic_0123456789ABC`.
package struct RandomID<Entity: RandomlyIdentified>: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    package init(using generator: inout some RandomNumberGenerator) { rawValue = generator.next() }

    /// A new identifier from the system's generator.
    package static func random() -> Self {
        var generator = SystemRandomNumberGenerator()
        return Self(using: &generator)
    }

    /// The bits as a database integer.
    package init(databaseValue: Int64) { rawValue = UInt64(bitPattern: databaseValue) }

    /// Reads the one canonical spelling; refuses another prefix.
    package init?(text: some StringProtocol) {
        guard text.hasPrefix(Entity.idPrefix),
            let number = CrockfordBase32.decode(text.dropFirst(Entity.idPrefix.count))
        else { return nil }
        rawValue = number
    }

    /// The bits as a database integer.
    package var databaseValue: Int64 { Int64(bitPattern: rawValue) }

    package var description: String { Entity.idPrefix + CrockfordBase32.encode(rawValue) }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
