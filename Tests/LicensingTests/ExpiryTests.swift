import Licensing
import Primitives
import TestSupport
import Testing

@Suite("An expiry")
struct ExpiryTests {
    /// 2026-11-23.
    private static let today = ManualClock.start.date

    @Test(
        "is never, a day, or a number of days from today; the license ends with the day",
        arguments: [
            ("never", "never", "never"),
            ("2026-11-23", "2026-11-23", "2026-11-24T00:00:00Z"),
            ("2027-11-23", "2027-11-23", "2027-11-24T00:00:00Z"),
            ("2026-12-31", "2026-12-31", "2027-01-01T00:00:00Z"),
            ("2028-02-29", "2028-02-29", "2028-03-01T00:00:00Z"),
            ("+0 days", "2026-11-23", "2026-11-24T00:00:00Z"),
            ("+1 day", "2026-11-24", "2026-11-25T00:00:00Z"),
            ("+1 days", "2026-11-24", "2026-11-25T00:00:00Z"),
            ("+365 days", "2027-11-23", "2027-11-24T00:00:00Z"),
            ("+036 days", "2026-12-29", "2026-12-30T00:00:00Z"),
            ("+36525 days", "2126-11-24", "2126-11-25T00:00:00Z"),
        ])
    func reads(text: String, day: String, instant: String) throws {
        let expiry = try Expiry(text, member: "expires", today: Self.today)
        #expect(expiry.instant?.description ?? "never" == instant)
        #expect(expiry.instant?.lastValidDay.description ?? "never" == day)
        if let instant = expiry.instant { #expect(instant == instant.wholeSeconds) }
    }

    @Test(
        "in any other spelling is refused, naming the option",
        arguments: [
            "", "Never", "2026-11-31", "2027-02-29", "2026-1-1", "26-11-23", "2026/11/23", "2026-11-23T00:00:00Z",
            "365", "365 days", "+365", "+365days", "+ 365 days", "++1 days", "+-1 days", "-1 days", "+1.5 days",
            "+36526 days", "+99999999999999999999 days", "+1 weeks", "+1 days ago", "+\u{661} days", "tomorrow",
            "2026-11-23 ", "+1\u{A0}days",
        ])
    func refuses(text: String) {
        let error = #expect(throws: InvalidInput.self) {
            try Expiry(text, member: "expires", today: Self.today)
        }
        #expect(error?.violations.map(\.member) == ["expires"])
    }

    @Test(
        "before today is refused as past, and today is not past", arguments: ["2026-11-22", "2020-01-01", "0001-01-01"])
    func past(text: String) throws {
        let date = try #require(CivilDate(text: text))
        #expect(throws: LicensingRefusal.expiryInPast(date)) {
            try Expiry(text, member: "expires", today: Self.today)
        }
    }
}
