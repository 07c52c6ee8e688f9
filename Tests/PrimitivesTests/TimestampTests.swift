import Primitives
import TestSupport
import Testing

@Suite("Timestamps")
struct TimestampTests {
    @Test(
        "an instant prints as RFC 3339 in UTC to the second",
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"), (-86_400, "1969-12-31T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"), (1_795_418_760, "2026-11-23T07:26:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] as [(Int64, String)]
    )
    func text(seconds: Int64, expected: String) {
        #expect(Timestamp(seconds: seconds).description == expected)
    }

    @Test(
        "a fraction of a second is cut toward the past on both sides of 1970",
        arguments: [(1999, 1), (2000, 2), (0, 0), (-1, -1), (-1000, -1), (-1001, -2)] as [(Int64, Int64)]
    )
    func wholeSeconds(milliseconds: Int64, seconds: Int64) {
        let instant = Timestamp(milliseconds: milliseconds)
        #expect(instant.seconds == seconds)
        #expect(instant.wholeSeconds == Timestamp(seconds: seconds))
        #expect(instant.wholeSeconds <= instant)
    }

    @Test("the last millisecond of 1969 belongs to its day")
    func dayBeforeEpoch() {
        #expect(Timestamp(milliseconds: -1).date == CivilDate(daysSinceEpoch: -1))
        #expect(Timestamp(milliseconds: 0).date == CivilDate(daysSinceEpoch: 0))
    }

    @Test("durations add and subtract to the millisecond")
    func arithmetic() {
        let instant = Timestamp(seconds: 1_000_000)
        #expect((instant + .days(1)).seconds == 1_086_400)
        #expect((instant - .hours(1) - .minutes(1)).seconds == 996_340)
        #expect((instant + .milliseconds(-1)).milliseconds == 999_999_999)
        #expect(instant + .milliseconds(1500) - instant == .milliseconds(1500))
        #expect((instant - (instant + .days(2))).wholeSeconds == -172_800)
    }

    @Test("adding a duration and taking it away again is the same instant", arguments: SeededGenerator.seeds)
    func addAndSubtract(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<1000 {
            let instant = Timestamp(milliseconds: .random(in: -1 << 48...1 << 48, using: &generator))
            let duration = Duration.milliseconds(Int64.random(in: -1 << 40...1 << 40, using: &generator))
            #expect(instant + duration - duration == instant)
            #expect((instant + duration) - instant == duration)
            #expect((instant < instant + duration) == (duration > .zero))
            #expect(instant.date.start <= instant && instant < instant.date.end)
        }
    }

    @Test("the system clock shows a time after this test was written")
    func systemClock() {
        #expect(SystemWallClock().now() > Timestamp(seconds: 1_767_225_600))
    }
}
