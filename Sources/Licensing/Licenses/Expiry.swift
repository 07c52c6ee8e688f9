package import Primitives

/// When a license ends, as an operator says it: never, or through the end of a UTC day (DESIGN D9).
package enum Expiry: Sendable, Equatable {
    /// Days that an expiry may lie ahead: a century.
    package static let daysAheadMax: Int64 = 36_525

    case never
    case through(CivilDate)

    /// Reads `never`, `YYYY-MM-DD` and `+N days`, which counts from `today`.
    /// Throws `InvalidInput` for any other text and `LicensingRefusal.expiryInPast` for a day before `today`.
    package init(_ text: String, member: String, today: CivilDate) throws {
        switch Self.parse(text, today: today) {
        case .through(let date) where date < today: throw LicensingRefusal.expiryInPast(date)
        case .through(let date) where date > today.adding(days: Self.daysAheadMax):
            throw InvalidInput(member, "must be at most \(Self.daysAheadMax) days ahead; say never for no end")
        case .some(let expiry): self = expiry
        case nil:
            throw InvalidInput(
                member,
                "must be \"+N days\" (0 to \(Self.daysAheadMax)), YYYY-MM-DD or never, not \"\(text.prefix(40))\"")
        }
    }

    /// The instant at which the license is expired, or nil for never.
    package var instant: Timestamp? {
        switch self {
        case .never: nil
        case .through(let date): date.end
        }
    }

    private static func parse(_ text: String, today: CivilDate) -> Expiry? {
        if text == "never" { return .never }
        if let date = CivilDate(text: text) { return .through(date) }
        let words = text.split(separator: " ")
        guard words.count == 2, words[0].hasPrefix("+"), ["day", "days"].contains(words[1]),
            let days = Int64(words[0].dropFirst()), (0...daysAheadMax).contains(days),
            words[0].dropFirst().utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return .through(today.adding(days: days))
    }
}
