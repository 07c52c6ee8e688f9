import Primitives
import TestSupport
import Testing

@testable import Licensing

@Suite("A pace")
struct CellRateTests {
    @Test("lets a burst through, then one each interval", arguments: TextTable("guesses.txt").rows)
    func decision(row: TextTable.Row) throws {
        let rate = CellRate(burst: 3, intervalMilliseconds: 10_000)
        let full = Int64(row["full"]).map(Timestamp.init(seconds:))
        let seconds = try #require(Int64(row["seconds"]))
        let expected: CellRate.Decision =
            row["decision"] == "pass" ? .pass(fullAgainAt: Timestamp(seconds: seconds)) : .wait(.seconds(seconds))
        let now = Timestamp(seconds: try #require(Int64(row["now"])))
        #expect(rate.decide(fullAgainAt: full, at: now) == expected)
    }
}

@Suite("The limit on guesses")
struct GuessLimitTests {
    private let limit = GuessLimit()
    private let start = ManualClock.start

    private func client(_ text: String) throws -> CanonicalAddress { try #require(CanonicalAddress(text)) }

    /// How many of 1,000 guesses at one instant are answered.
    private func answered(_ client: CanonicalAddress, at now: Timestamp) -> Int {
        (0..<1000).count { _ in limit.delay(for: client, at: now) == nil }
    }

    @Test("answers 20 at once, then one each 10 s")
    func rate() throws {
        let mallory = try client("198.51.100.9")
        #expect(answered(mallory, at: start) == 20)
        #expect(limit.delay(for: mallory, at: start) == .seconds(10))
        #expect(answered(mallory, at: start + .seconds(9)) == 0)
        #expect(answered(mallory, at: start + .seconds(10)) == 1)
        #expect(answered(mallory, at: start + .seconds(70)) == 6)
        #expect(answered(mallory, at: start + .hours(9)) == 20)
        #expect(limit.limited.value == 980 + 1 + 1000 + 999 + 994 + 980)
    }

    @Test("counts each IPv4 address, and each IPv6 /64 as a whole")
    func clients() throws {
        #expect(answered(try client("198.51.100.9"), at: start) == 20)
        #expect(answered(try client("198.51.100.10"), at: start) == 20)
        #expect(answered(try client("::ffff:198.51.100.9"), at: start) == 0, "the same address, in other words")
        #expect(answered(try client("2001:db8:0:1::1"), at: start) == 20)
        #expect(answered(try client("2001:db8:0:1:ffff::2"), at: start) == 0)
        #expect(answered(try client("2001:db8:0:2::1"), at: start) == 20)
    }

    @Test("locks nobody out when the clock is set back")
    func clockSetBack() throws {
        let client = try client("198.51.100.9")
        #expect(answered(client, at: start) == 20)
        #expect(answered(client, at: start - .hours(1)) > 0)
    }

    @Test("remembers a bounded number of clients")
    func bounded() {
        for number in 0..<UInt32(GuessLimit.clientsMax) + 10 {
            _ = limit.delay(for: CanonicalAddress(ipv4: number), at: start)
        }
        #expect(limit.count <= GuessLimit.clientsMax)
    }

    @Test("is none at 0")
    func off() {
        let limit = GuessLimit(burst: 0)
        let address = CanonicalAddress(ipv4: 1)
        #expect((0..<1000).allSatisfy { _ in limit.delay(for: address, at: start) == nil })
        #expect(limit.count == 0)
    }

    @Test("is about keys that open nothing, and about no other verdict", arguments: Verdict.allCases)
    func verdicts(verdict: Verdict) {
        #expect(verdict.isGuess == [.keyMalformed, .notFound].contains(verdict))
    }
}
