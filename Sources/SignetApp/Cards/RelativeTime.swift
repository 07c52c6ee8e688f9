import Primitives

/// How far away something is, as people say it.
enum RelativeTime {
    private static let minute: Int64 = 60
    private static let hour: Int64 = 3600
    private static let day: Int64 = 86_400
    /// From how many days on years are told.
    private static let yearsFromDays: Int64 = 730

    /// `just now`, `5 minutes ago`, `in 3 hours`, `in 12 days`.
    static func text(of instant: Timestamp, at now: Timestamp) -> String {
        let seconds = (instant - now).wholeSeconds
        let distance = abs(seconds)
        guard distance >= minute else { return "just now" }
        let length =
            switch distance {
            case ..<hour: counted(distance / minute, "minute")
            case ..<day: counted(distance / hour, "hour")
            default: days(distance / day)
            }
        return seconds < 0 ? "\(length) ago" : "in \(length)"
    }

    /// The same for the last day on which something is valid: `today is the last day`, `in 12 days`, `3 days ago`.
    static func text(ofLastDay day: CivilDate, at now: Timestamp) -> String {
        let distance = day.days(since: now.date)
        switch distance {
        case 0: return "today is the last day"
        case 1: return "tomorrow"
        case -1: return "yesterday"
        default: return distance < 0 ? "\(days(-distance)) ago" : "in \(days(distance))"
        }
    }

    private static func days(_ count: Int64) -> String {
        count < yearsFromDays ? counted(count, "day") : counted(count / 365, "year")
    }

    private static func counted(_ count: Int64, _ unit: String) -> String { "\(count) \(unit)\(count == 1 ? "" : "s")" }
}

extension CivilDate {
    /// Days from `other` to this one.
    func days(since other: CivilDate) -> Int64 { daysSinceEpoch - other.daysSinceEpoch }
}

// MARK: - Members as text

extension JSONObject {
    /// A string or a number as text; nil for anything else.
    func string(_ name: String) -> String? { self[name]?.stringValue ?? self[name]?.integerValue.map(String.init) }

    func instant(_ name: String) -> Timestamp? { self[name]?.stringValue.flatMap { Timestamp(text: $0) } }

    func list(_ name: String) -> [String] { self[name]?.arrayValue?.compactMap(\.stringValue) ?? [] }
}

extension String {
    /// Nil when empty.
    var orNil: String? { isEmpty ? nil : self }
}
