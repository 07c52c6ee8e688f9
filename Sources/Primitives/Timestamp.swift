/// An instant in milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX time).
package struct Timestamp: Hashable, Sendable, Comparable {
    package let milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package init(seconds: Int64) { milliseconds = seconds * 1000 }

    /// Whole seconds, rounded toward the past.
    package var seconds: Int64 { milliseconds.flooredQuotient(by: 1000) }

    /// The same instant without its fraction of a second.
    package var wholeSeconds: Timestamp { Timestamp(seconds: seconds) }

    /// The UTC day that holds this instant.
    package var date: CivilDate { CivilDate(daysSinceEpoch: seconds.flooredQuotient(by: CivilDate.secondsPerDay)) }

    package static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }

    package static func + (instant: Self, duration: Duration) -> Timestamp {
        Timestamp(milliseconds: instant.milliseconds + duration.wholeMilliseconds)
    }

    package static func - (instant: Self, duration: Duration) -> Timestamp {
        Timestamp(milliseconds: instant.milliseconds - duration.wholeMilliseconds)
    }

    package static func - (left: Self, right: Self) -> Duration {
        .milliseconds(left.milliseconds - right.milliseconds)
    }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 in UTC to the second: `2026-11-23T07:26:00Z`.
    package var description: String {
        let secondOfDay = seconds - date.daysSinceEpoch * CivilDate.secondsPerDay
        let clock = [secondOfDay / 3600, secondOfDay / 60 % 60, secondOfDay % 60]
        return "\(date)T" + clock.map { $0.padded(to: 2) }.joined(separator: ":") + "Z"
    }
}

extension Duration {
    package static func days(_ count: Int) -> Duration { .seconds(count * 86_400) }
    package static func hours(_ count: Int) -> Duration { .seconds(count * 3_600) }
    package static func minutes(_ count: Int) -> Duration { .seconds(count * 60) }

    /// Milliseconds, the rest cut off.
    package var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }

    /// Seconds, the rest cut off.
    package var wholeSeconds: Int64 { components.seconds }
}

extension Int64 {
    /// Division that rounds toward negative infinity, as calendars before 1970 need.
    func flooredQuotient(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// Decimal digits with leading zeros to at least `width`.
    func padded(to width: Int) -> String {
        let digits = String(self)
        return String(repeating: "0", count: Swift.max(0, width - digits.count)) + digits
    }
}

extension Timestamp {
    /// Reads `YYYY-MM-DDTHH:MM:SSZ` and nothing else.
    package init?(text: String) {
        let parts = text.split(separator: "T", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].hasSuffix("Z"), let date = CivilDate(text: parts[0]) else { return nil }
        let clock = parts[1].dropLast().split(separator: ":", omittingEmptySubsequences: false).map { digits in
            digits.utf8.count == 2 ? Int64(digits) ?? -1 : -1
        }
        guard clock.count == 3, (0..<24).contains(clock[0]), (0..<60).contains(clock[1]), (0..<60).contains(clock[2])
        else { return nil }
        self.init(seconds: date.start.seconds + clock[0] * 3600 + clock[1] * 60 + clock[2])
    }
}
