import Customers
import Primitives
import TestSupport
import Testing

@testable import Licensing

@Suite("A verdict")
struct VerdictTests {
    private static let now = ManualClock.start
    static let rows = TextTable("verdicts.txt").rows

    @Test("follows from the license, the product that asks, the seat and the clock", arguments: rows)
    func verdict(row: TextTable.Row) throws {
        #expect(try verdict(of: row, at: Self.now).rawValue == row["verdict"])
    }

    @Test("changes at a whole second, not within one", arguments: [-1, 0, 1, 999] as [Int64])
    func milliseconds(offset: Int64) throws {
        let instant = Self.now + .milliseconds(offset)
        let held = try facts(state: .active, starts: nil, expires: 0, grace: 0)
        let expected: Verdict? = offset < 0 ? nil : .expired
        #expect(Rules.objection(to: held.facts, under: held.policy, Question(product: nil), at: instant) == expected)
        let inGrace = try facts(state: .active, starts: nil, expires: 0, grace: 1)
        #expect(Rules.verdict(on: inGrace.facts, for: .holds, at: instant) == (offset < 0 ? .valid : .expiredGrace))
    }

    @Test("has these codes in this order of precedence, which is the contract")
    func codes() throws {
        let golden = [
            "KEY_MALFORMED", "NOT_FOUND", "REVOKED", "SUSPENDED", "NOT_YET_VALID", "PRODUCT_MISMATCH",
            "VERSION_NOT_ALLOWED", "EXPIRED", "DOMAIN_NOT_ALLOWED", "IP_NOT_ALLOWED", "NOT_ACTIVATED", "ADDRESS_LIMIT",
            "ACTIVATION_LIMIT", "DEACTIVATION_LIMIT",
            "EXPIRED_GRACE", "VALID",
        ]
        #expect(Verdict.allCases.map(\.rawValue) == golden)
        #expect(Verdict.allCases.filter(\.isValid) == [.expiredGrace, .valid])
        #expect(Set(Verdict.allCases.map(\.message)).count == golden.count)
    }

    /// Of all facts that speak against an installation, the one that stands first in the enum is told. `reasons` says
    /// each on its own, apart from the rules.
    @Test("is the first that applies, for every combination of facts")
    func precedence() throws {
        let order = Dictionary(uniqueKeysWithValues: Verdict.allCases.enumerated().map { ($1, $0) })
        var combinations = 0
        for combination in Combination.all {
            let facts = try facts(
                state: combination.state, starts: combination.starts, expires: combination.expires,
                grace: combination.grace)
            let told = verdict(on: facts, product: combination.product, seat: combination.seat, at: Self.now)
            let first = combination.reasons.min { order[$0, default: 0] < order[$1, default: 0] }
            try #require(told == first, "\(combination)")
            combinations += 1
        }
        #expect(combinations == 3 * 4 * 5 * 2 * 4 * 7)
    }

    @Test("that the rules can give has a row in the table", arguments: Verdict.allCases)
    func everyVerdictIsShown(verdict: Verdict) {
        // The first two are decided before there is a license; the next three have tables of their own; the last is
        // the writer's alone.
        let elsewhere: [Verdict] = [
            .keyMalformed, .notFound, .versionNotAllowed, .domainNotAllowed, .ipNotAllowed, .deactivationLimit,
        ]
        #expect(Self.rows.contains { $0["verdict"] == verdict.rawValue } != elsewhere.contains(verdict))
        #expect(Self.rows.count >= 60)
    }

    private func verdict(of row: TextTable.Row, at now: Timestamp) throws -> Verdict {
        let facts = try facts(
            state: try #require(License.State(rawValue: row["state"])), starts: Int64(row["starts"]),
            expires: Int64(row["expires"]), grace: try #require(Int64(row["grace"])))
        return verdict(
            on: facts, product: row["product"], seat: try #require(SeatStanding(rawValue: row["seat"])), at: now)
    }

    private func verdict(on license: Sample, product: String, seat: SeatStanding, at now: Timestamp) -> Verdict {
        let asked: Int64? = ["same": 1, "other": 2][product]
        let question = Question(product: asked.flatMap { ID($0) }, isProductKnown: product != "unknown")
        return Rules.objection(to: license.facts, under: license.policy, question, at: now)
            ?? Rules.verdict(on: license.facts, for: seat, at: now)
    }

    private typealias Sample = (facts: LicenseFacts, policy: Policy)

    /// `grace` in days.
    private func facts(state: License.State, starts: Int64?, expires: Int64?, grace: Int64) throws -> Sample {
        var overrides = PolicySettings()
        overrides.graceDays = Int(grace)
        let license = try License.sample(
            overrides: overrides, state: state, notBefore: starts.map { Self.now + .seconds($0) },
            expiresAt: expires.map { Self.now + .seconds($0) }, createdAt: Self.now)
        return (LicenseFacts(license, policy: PolicyID(position: 0)), license.policy)
    }
}

/// One combination of everything a verdict depends on, and every reason that speaks for itself.
private struct Combination {
    let state: License.State
    let starts: Int64?
    let expires: Int64?
    let grace: Int64
    let product: String
    let seat: SeatStanding

    static var all: [Combination] {
        var all: [Combination] = []
        for state in License.State.allCases {
            for starts in [nil, -1, 0, 1] as [Int64?] {
                for expires in [nil, -86_401, -1, 0, 1] as [Int64?] {
                    for grace in [0, 1] as [Int64] {
                        for product in ["same", "none", "other", "unknown"] {
                            for seat in SeatStanding.allCases {
                                all.append(
                                    Combination(
                                        state: state, starts: starts, expires: expires, grace: grace,
                                        product: product, seat: seat))
                            }
                        }
                    }
                }
            }
        }
        return all
    }

    var reasons: [Verdict] {
        let isExpired = expires.map { $0 <= 0 } ?? false
        let isGraceOver = expires.map { $0 + grace * 86_400 <= 0 } ?? false
        let isIn = [.notAsked, .development, .holds].contains(seat)
        var reasons: [Verdict] = [isExpired ? .expiredGrace : .valid]
        if state == .revoked { reasons.append(.revoked) }
        if state == .suspended { reasons.append(.suspended) }
        if let starts, starts > 0 { reasons.append(.notYetValid) }
        if ["other", "unknown"].contains(product) { reasons.append(.productMismatch) }
        if isGraceOver || (isExpired && !isIn) { reasons.append(.expired) }
        if seat == .newcomer { reasons.append(.notActivated) }
        if seat == .addressRefused { reasons.append(.addressLimit) }
        if seat == .seatRefused { reasons.append(.activationLimit) }
        return reasons
    }
}
