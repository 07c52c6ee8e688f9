import LicenseToken
import Testing

@testable import LicenseClient

@Suite("What an answer changes")
struct AnswerDecisionTests {
    private static let now = Fixtures.now
    private static let nonce = "AAAAAAAAAAAAAAAAAAAAAA"

    private static func decide(
        _ answer: Result<ValidateAnswer, CheckFailure>, _ change: (inout AnswerDecision.Facts) throws -> Void = { _ in }
    ) throws -> AnswerDecision {
        var memory = CheckMemory(identity: "x")
        memory.failures = 3
        memory.verdict = "VALID"
        memory.highestSeen = now
        var facts = AnswerDecision.Facts(
            memory: memory, now: now, answer: answer, offered: .none, held: .none, nonce: nonce,
            domain: "example.com")
        try change(&facts)
        return AnswerDecision.decide(facts)
    }

    private static func valid(code: String = "VALID", token: String? = "new") -> Result<ValidateAnswer, CheckFailure> {
        .success(ValidateAnswer(isValid: true, code: code, token: token))
    }

    @Test("only four verdicts end a token", arguments: ["REVOKED", "SUSPENDED", "EXPIRED", "NOT_ACTIVATED"])
    func ending(code: String) throws {
        let decision = try Self.decide(.success(ValidateAnswer(isValid: false, code: code)))
        #expect(decision.outcome == .ended)
        #expect(decision.token == .remove)
        #expect(decision.memory.ended == code)
    }

    @Test(
        "any other refusal leaves the token alone",
        arguments: [
            "ACTIVATION_LIMIT", "ADDRESS_LIMIT", "NOT_FOUND", "KEY_MALFORMED", "PRODUCT_MISMATCH", "NOT_YET_VALID",
            "DOMAIN_NOT_ALLOWED", "IP_NOT_ALLOWED", "VERSION_NOT_ALLOWED", "revoked", "SOMETHING_NEW", "",
        ])
    func refusal(code: String) throws {
        let decision = try Self.decide(.success(ValidateAnswer(isValid: false, code: code)))
        #expect(decision.outcome == .refused)
        #expect(decision.token == .keep)
        #expect(decision.memory.refused == code)
        #expect(decision.memory.ended == "")
        #expect(decision.memory.failures == 3, "the waiting goes on")
    }

    @Test("a failure says why and changes nothing else")
    func failure() throws {
        let decision = try Self.decide(.failure(CheckFailure(reason: "no answer in time")))
        #expect(decision.outcome == .failed)
        #expect(decision.token == .keep)
        #expect(decision.memory.error == "no answer in time")
        #expect(decision.memory.verdict == "VALID")
    }

    /// What is held, what comes, the new verdict, and what becomes of it.
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        var heldEnds: Int64? = 14
        var newEnds: Int64 = 14
        var newVersion: Int64 = 1
        var code = "VALID"
        let outcome: RefreshOutcome
        var testDescription: String { name }
    }

    static let rows: [Row] = [
        Row(name: "nothing is held", heldEnds: nil, outcome: .updated),
        Row(name: "ends at the same time", outcome: .updated),
        Row(name: "ends later", newEnds: 15, outcome: .updated),
        Row(name: "ends sooner", newEnds: 13, outcome: .kept),
        Row(name: "ends sooner, another verdict", newEnds: 13, code: "EXPIRED_GRACE", outcome: .updated),
        Row(name: "ends sooner, the license changed", newEnds: 13, newVersion: 2, outcome: .updated),
    ]

    @Test("a token is not replaced by one that ends sooner, unless verdict or license changed", arguments: rows)
    func replacement(row: Row) throws {
        let decision = try Self.decide(Self.valid(code: row.code)) { facts in
            facts.offered = .good(
                try Fixtures.verified(
                    Fixtures.claims(
                        expiresAt: Self.now + row.newEnds * Fixtures.day, version: row.newVersion, nonce: Self.nonce)))
            facts.held =
                try row.heldEnds.map {
                    .good(try Fixtures.verified(Fixtures.claims(expiresAt: Self.now + $0 * Fixtures.day)))
                } ?? .none
        }
        #expect(decision.outcome == row.outcome)
        #expect(decision.token == (row.outcome == .kept ? .keep : .replace("new")))
        #expect(decision.memory.failures == 0)
        #expect(decision.memory.verdict == row.code)
    }

    @Test(
        "a valid answer without a token of ours is a failure",
        arguments: [HeldToken.none, .refused(.wrongDomain), .refused(.revoked)])
    func unusable(offered: HeldToken) throws {
        let decision = try Self.decide(Self.valid()) { $0.offered = offered }
        #expect(decision.outcome == .failed)
        #expect(decision.token == .keep)
        #expect(
            decision.memory.error == "the answer holds no token for us: \(offered.refusal?.rawValue ?? "unverifiable")")
        let empty = try Self.decide(Self.valid(token: nil))
        #expect(empty.memory.error == "the answer holds no token for us: none")
    }

    @Test(
        "a replayed answer is refused: the nonce in the token is not ours", arguments: [nil, "BBBBBBBBBBBBBBBBBBBBBA"])
    func replay(nonce: String?) throws {
        let decision = try Self.decide(Self.valid()) { facts in
            facts.offered = .good(try Fixtures.verified(Fixtures.claims(nonce: nonce)))
        }
        #expect(decision.outcome == .failed)
        #expect(decision.token == .keep)
        #expect(decision.memory.highestSeen == Self.now)
    }

    @Test("a token for another domain is not the answer, whatever it is bound to", arguments: [nil, "example.net"])
    func otherDomain(domain: String?) throws {
        let claims = Fixtures.claims(domain: domain, installationID: "panel", nonce: Self.nonce, binding: .installation)
        let decision = try Self.decide(Self.valid()) { $0.offered = .good(try Fixtures.verified(claims)) }
        #expect(decision.outcome == .failed)
        #expect(decision.memory.error == "the answer holds no token for us: another domain")
        let nameless = try Self.decide(Self.valid()) { facts in
            facts.domain = nil
            facts.offered = .good(try Fixtures.verified(claims))
        }
        #expect(nameless.outcome == .updated)
    }

    @Test("our nonce proves the time: it sets back what a clock that ran ahead left")
    func provenTime() throws {
        let proven = try Self.decide(Self.valid()) { facts in
            facts.memory.highestSeen = Self.now + 9000
            facts.offered = .good(try Fixtures.verified(Fixtures.claims(nonce: Self.nonce)))
        }
        #expect(proven.memory.highestSeen == Self.now)
    }

    @Test("what went wrong beside an answer is kept until the next one")
    func notice() throws {
        let refused = try Self.decide(.success(ValidateAnswer(isValid: false, code: "NOT_FOUND"))) {
            $0.notice = "keys: outdated"
        }
        #expect(refused.memory.notice == "keys: outdated")
        let failed = try Self.decide(.failure(CheckFailure(reason: "x"))) { $0.memory.notice = "keys: outdated" }
        #expect(failed.memory.notice == "keys: outdated")
        let fine = try Self.decide(.success(ValidateAnswer(isValid: false, code: "NOT_FOUND"))) {
            $0.memory.notice = "keys: outdated"
        }
        #expect(fine.memory.notice == "")
    }

    @Test(
        "the next check is when the token says, in 15 minutes at the earliest and a week at the latest",
        arguments: [(-5, 900), (899, 900), (900, 900), (86_400, 86_400), (604_800, 604_800), (604_801, 604_800)]
            as [(Int64, Int64)])
    func next(asked: Int64, expected: Int64) throws {
        let decision = try Self.decide(Self.valid()) { facts in
            facts.offered = .good(
                try Fixtures.verified(Fixtures.claims(nonce: Self.nonce, nextCheckAt: Self.now + asked)))
        }
        #expect(decision.memory.nextAttempt == Self.now + expected)
    }

    @Test("a text of the service is kept no longer than 500 characters")
    func bounded() throws {
        var answer = ValidateAnswer(isValid: false, code: String(repeating: "C", count: 9000))
        answer.message = String(repeating: "m", count: 9000)
        let decision = try Self.decide(.success(answer))
        #expect(decision.memory.message.count == 500)
        #expect(decision.memory.refused.count == 500)
    }
}
