import Journal
import Primitives
import TestSupport
import Testing

@testable import Licensing

@Suite("A renewal")
struct RenewalTests {
    private static let rows = TextTable("renewals.txt").rows

    @Test("ends on the day that the table says", arguments: rows)
    func table(row: TextTable.Row) throws {
        let now = try #require(Timestamp(text: row["now"]))
        let license = try license(row, at: now)
        var renewed = license
        let told: String
        do throws(TransitionRefusal) {
            try renewed.renew(renewal(row["by"]), at: now)
            told = renewed.expiresAt?.lastValidDay.description ?? "never"
        } catch {
            told = "! \(error.name)"
            #expect(renewed == license)
        }
        #expect(told == row["outcome"])
    }

    @Test("is in the table for every basis and every refusal that a renewal has")
    func complete() {
        for basis in Renewal.Basis.allCases {
            #expect(Self.rows.contains { $0["by"].hasSuffix(" from \(basis.rawValue)") })
        }
        for refusal in [
            "neverExpires", "notStarted", "endsEarlier", "endsInPast", "endsBeforeStart", "tooFarAhead",
        ] {
            #expect(Self.rows.contains { $0["outcome"] == "! \(refusal)" }, "\(refusal)")
        }
    }

    @Test(
        "keeps every whole day: as many as were said are added, wherever the end was", arguments: SeededGenerator.seeds)
    func days(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let now = Timestamp(seconds: Int64(random.number(1_700_000_000...2_000_000_000)))
            let ends = now.date.adding(days: Int64(random.number(0...5_000))).end
            let (first, second) = (Int64(random.number(1...4_000)), Int64(random.number(1...4_000)))
            var license = try License.sample(expiresAt: ends, createdAt: now)
            try license.renew(.days(first, from: .expiry), at: now)
            try license.renew(.days(second, from: .expiry), at: now)
            var atOnce = try License.sample(expiresAt: ends, createdAt: now)
            try atOnce.renew(.days(first + second, from: .expiry), at: now)
            try #require(license.expiresAt == atOnce.expiresAt)
            try #require(license.expiresAt.map { $0 - ends } == .days(Int(first + second)))
        }
    }

    @Test("ends what billing allowed until a payment, unless that lasts longer")
    func paymentGrace() throws {
        let now = ManualClock.start
        for (graceDays, kept) in [(5, false), (30, false), (31, true)] {
            var license = try License.sample(expiresAt: now.date.end, createdAt: now)
            license.paymentGraceUntil = now.date.end + .days(graceDays)
            try license.renew(.days(30, from: .expiry), at: now)
            #expect((license.paymentGraceUntil != nil) == kept, "\(graceDays)")
        }
    }

    @Test(
        "reads days as people write them",
        arguments: [("+365 days", 365), ("365 days", 365), ("365d", 365), ("+1 day", 1), ("36525d", 36_525)]
            as [(
                String, Int64
            )])
    func reading(text: String, days: Int64) throws { #expect(try Renewal.days(text, member: "by") == days) }

    @Test(
        "does not guess",
        arguments: [
            "", "d", "0d", "-1 days", "++1d", "1+d", "1y", "1 year", "1  day", "1d ", " 1d", "36526d", "days", "1.5d",
            "99999999999999999999d", "１d", "never", "2027-01-01",
        ])
    func refusedText(text: String) {
        #expect(throws: InvalidInput.self) { try Renewal.days(text, member: "by") }
    }

    // MARK: - The table's words

    private func license(_ row: TextTable.Row, at now: Timestamp) throws -> License {
        var overrides = PolicySettings()
        if row["expires"].hasPrefix("+") { overrides.durationDays = Int(row["expires"].dropFirst()) }
        return try License.sample(
            overrides: overrides, notBefore: CivilDate(text: row["starts"])?.start,
            expiresAt: CivilDate(text: row["expires"])?.end, createdAt: now)
    }

    private func renewal(_ text: String) -> Renewal {
        let words = text.split(separator: " ").map(String.init)
        if words[0] == "until" { return .until(CivilDate(text: words[1]).map { .through($0) } ?? .never) }
        guard let days = Int64(words[0]), let basis = Renewal.Basis(rawValue: words[2]) else {
            preconditionFailure("the table says \(text)")
        }
        return .days(days, from: basis)
    }
}
