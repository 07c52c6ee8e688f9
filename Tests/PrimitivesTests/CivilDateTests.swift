import Primitives
import TestSupport
import Testing

@Suite("Civil dates")
struct CivilDateTests {
    @Test(
        "known days have their known number",
        arguments: [
            ("1970-01-01", 0), ("1969-12-31", -1), ("1970-01-02", 1), ("2000-02-29", 11_016), ("2000-03-01", 11_017),
            ("2026-11-23", 20_780), ("0001-01-01", -719_162), ("9999-12-31", 2_932_896),
        ] as [(String, Int64)]
    )
    func knownDays(text: String, days: Int64) {
        #expect(CivilDate(text: text)?.daysSinceEpoch == days)
        #expect(CivilDate(daysSinceEpoch: days).description == text)
    }

    @Test(
        "a day that does not exist is none",
        arguments: [
            "2023-02-29", "1900-02-29", "2100-02-29", "2024-02-30", "2024-04-31", "2024-01-32", "2024-01-00",
            "2024-00-01", "2024-13-01", "0000-01-01", "2024-99-99",
        ]
    )
    func missingDays(text: String) {
        #expect(CivilDate(text: text) == nil)
    }

    @Test("the leap days of 1904, 2000 and 2024 exist", arguments: [1904, 2000, 2024])
    func leapDays(year: Int) {
        #expect(CivilDate(year: year, month: 2, day: 29)?.adding(days: 1) == CivilDate(year: year, month: 3, day: 1))
    }

    @Test(
        "only YYYY-MM-DD is read",
        arguments: [
            "", "2024-1-1", "24-01-01", "2024/01/01", "20240101", "2024-01-01T00:00:00Z", " 2024-01-01", "2024-01-01 ",
            "+024-01-01", "2024-01-+1", "2024--1-01", "-024-01-01", "2024-01-1\u{661}", "2024-0a-01", "2024-01-01-01",
            "10000-01-01", "never",
        ]
    )
    func otherTexts(text: String) {
        #expect(CivilDate(text: text) == nil)
    }

    @Test("a license through a date ends with the first instant of the next day (DESIGN D9)")
    func endOfDay() throws {
        let date = try #require(CivilDate(text: "2027-11-23"))
        #expect(date.start.description == "2027-11-23T00:00:00Z")
        #expect(date.end.description == "2027-11-24T00:00:00Z")
        #expect((date.end - .milliseconds(1)).date == date)
        #expect(date.end.date == date.adding(days: 1))
    }

    @Test("+365 days is the same day of the next year, or the day before it when a leap day lies between")
    func yearOfDays() throws {
        #expect(try #require(CivilDate(text: "2026-11-23")).adding(days: 365).description == "2027-11-23")
        #expect(try #require(CivilDate(text: "2027-11-23")).adding(days: 365).description == "2028-11-22")
    }

    @Test("400 years are walked day by day without a gap or a double")
    func fourCenturies() {
        var (year, month, day) = (1800, 1, 1)
        var date = CivilDate(year: 1800, month: 1, day: 1)
        for _ in 0..<146_097 {
            guard let current = date, current.components == (year, month, day) else {
                Issue.record("the walk broke at \(year)-\(month)-\(day)")
                return
            }
            day += 1
            if day > daysInMonth(month, of: year) { (month, day) = (month + 1, 1) }
            if month > 12 { (year, month) = (year + 1, 1) }
            date = current.adding(days: 1)
        }
        #expect((year, month, day) == (2200, 1, 1))
    }

    @Test("any date of the years 1…9999 agrees with counting years and months", arguments: SeededGenerator.seeds)
    func agreesWithCounting(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<5000 {
            let year = Int.random(in: 1...9999, using: &generator)
            let month = Int.random(in: 1...12, using: &generator)
            let day = Int.random(in: 1...daysInMonth(month, of: year), using: &generator)
            let date = try #require(CivilDate(year: year, month: month, day: day))
            #expect(date.daysSinceEpoch == countedDays(year, month, day), "\(year)-\(month)-\(day)")
            #expect(CivilDate(text: date.description) == date)
            let step = Int64.random(in: -1_000_000...1_000_000, using: &generator)
            #expect(date.adding(days: step).adding(days: -step) == date)
            #expect((date < date.adding(days: step)) == (step > 0))
        }
    }
}

/// Length of a month, by the rule as children learn it.
private func daysInMonth(_ month: Int, of year: Int) -> Int {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
}

/// Days since 1970-01-01 by counting whole years from year 1, then whole months: no arithmetic of `CivilDate` in it.
private func countedDays(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
    let past = year - 1
    let wholeYears = past * 365 + past / 4 - past / 100 + past / 400
    let wholeMonths = (1..<month).reduce(0) { $0 + daysInMonth($1, of: year) }
    return Int64(wholeYears + wholeMonths + day - 1 - 719_162)
}
