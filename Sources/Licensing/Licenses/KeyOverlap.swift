package import Primitives

/// For how long the old keys of a license work beside a new one.
package struct KeyOverlap: Sendable, Equatable {
    /// Days that it may last.
    package static let daysMax = 366
    /// Days unless someone says otherwise: an operator who did not think of it closes nobody out.
    package static let daysDefault = 30
    package static let expectation = "must be days or hours, such as 30d or 36h, or 0; at most \(daysMax) days"

    package static let standard = KeyOverlap(uncheckedHours: daysDefault * 24)

    private let hours: Int

    private init(uncheckedHours hours: Int) { self.hours = hours }

    /// Nil for less than 0 and more than ``daysMax``.
    package init?(days: Int) {
        guard (0...Self.daysMax).contains(days) else { return nil }
        hours = days * 24
    }

    /// Reads `30d`, `36h` and `0`; nil for any other text, and for what lasts too long.
    package init?(_ text: String) {
        if text == "0" {
            hours = 0
            return
        }
        guard let unit = ["d": 24, "h": 1][text.suffix(1)], text.dropLast().utf8.allSatisfy(\.isDigit),
            let count = Int(text.dropLast()), count <= Self.daysMax * 24, count * unit <= Self.daysMax * 24
        else { return nil }
        hours = count * unit
    }

    /// Seconds.
    package var seconds: Int64 { Int64(hours) * 3600 }

    /// When keys end that are replaced at `now`: at once without an overlap.
    package func end(from now: Timestamp) -> Timestamp { now.wholeSeconds + .hours(hours) }
}
