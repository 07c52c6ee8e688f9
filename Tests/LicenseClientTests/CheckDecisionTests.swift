import TestSupport
import Testing

@testable import LicenseClient

@Suite("When to ask the service")
struct CheckDecisionTests {
    private static let now = Fixtures.now

    private static func decide(
        _ change: (inout CheckDecision.Facts) throws -> Void = { _ in }
    ) throws -> CheckDecision {
        var facts = CheckDecision.Facts(
            memory: CheckMemory(identity: "x"), now: now, held: .none, isForced: false, problem: nil, hasServers: true,
            isKeyWellFormed: true)
        try change(&facts)
        var generator = SeededGenerator(seed: 1)
        return CheckDecision.decide(facts, using: &generator)
    }

    /// What is written down before the service is asked; nil if it is not.
    private static func attempt(
        _ change: (inout CheckDecision.Facts) throws -> Void = { _ in }
    ) throws -> CheckMemory? {
        if case .ask(let memory) = try decide(change) { memory } else { nil }
    }

    /// Memory of a check that brought a token which says to come back in a day.
    private static func checked(_ facts: inout CheckDecision.Facts) throws {
        facts.memory.nextAttempt = now + Fixtures.day
        facts.memory.highestSeen = now
        facts.memory.provisionalSince = now
        facts.held = .good(try Fixtures.verified())
    }

    @Test("a first check is due at once, counts from now, and starts the first 72 hours")
    func first() throws {
        let memory = try #require(try Self.attempt())
        #expect(memory.provisionalSince == Self.now)
        #expect(memory.failures == 1)
        #expect(memory.highestSeen == Self.now)
        #expect((Self.now + 900...Self.now + 1080).contains(memory.nextAttempt))
    }

    @Test("a check is due at its second and not one before", arguments: [(-1, false), (0, true), (3600, true)])
    func due(offset: Int64, isAsked: Bool) throws {
        let attempt = try Self.attempt { facts in
            try Self.checked(&facts)
            facts.now = facts.memory.nextAttempt + offset
        }
        #expect((attempt != nil) == isAsked)
    }

    @Test("a person's check is made at once")
    func forced() throws {
        let attempt = try Self.attempt { facts in
            try Self.checked(&facts)
            facts.isForced = true
        }
        #expect(attempt != nil)
    }

    @Test("a lost token is asked for at once, and then as rarely as after any failure", arguments: [0, 1] as [Int64])
    func lost(failures: Int64) throws {
        let attempt = try Self.attempt { facts in
            try Self.checked(&facts)
            facts.held = .none
            facts.memory.failures = failures
        }
        #expect((attempt != nil) == (failures == 0))
    }

    @Test(
        "a time for the next check that is more than a week away was set by a wrong clock",
        arguments: [(0, false), (1, true)])
    func farAway(seconds: Int64, isAsked: Bool) throws {
        let attempt = try Self.attempt { facts in
            try Self.checked(&facts)
            facts.memory.nextAttempt = facts.now + 7 * Fixtures.day + seconds
        }
        #expect((attempt != nil) == isAsked)
    }

    @Test("the first 72 hours start once, and not for a key with a slip")
    func provisional() throws {
        let later = try Self.attempt { $0.memory.provisionalSince = 5 }
        #expect(later?.provisionalSince == 5)
        let slip = try Self.attempt { $0.isKeyWellFormed = false }
        #expect(slip?.provisionalSince == 0)
    }

    @Test("a machine that cannot verify asks nothing and remembers since when")
    func unverifiable() throws {
        var expected = CheckMemory(identity: "x")
        expected.unverifiableSince = Self.now
        #expect(try Self.decide { $0.problem = .domainMissing } == .note(expected, .unverifiable))
        expected.unverifiableSince = 7
        let again = try Self.decide { facts in
            facts.problem = .domainMissing
            facts.memory.unverifiableSince = 7
        }
        #expect(again == .note(expected, .unverifiable))
    }

    @Test("without a server nothing is asked, and the time seen only goes forward")
    func offline() throws {
        var expected = CheckMemory(identity: "x")
        expected.highestSeen = Self.now
        #expect(try Self.decide { $0.hasServers = false } == .note(expected, .offline))
        let behind = try Self.decide { facts in
            facts.hasServers = false
            facts.memory.highestSeen = Self.now + 5
        }
        #expect(behind == .rest(.offline))
    }

    @Test(
        "failures wait 15 minutes, doubled up to 5 hours, with up to a fifth of chance",
        arguments: [(0, 15), (1, 15), (2, 30), (3, 60), (4, 120), (5, 240), (6, 300), (7, 300), (1 << 53, 300)]
            as [(Int64, Int64)])
    func backoff(failures: Int64, minutes: Int64) {
        var generator = SeededGenerator(seed: 3)
        let waits = (0..<200).map { _ in CheckLimits.backoff(failures: failures, using: &generator) }
        #expect(waits.allSatisfy { (minutes * 60...minutes * 72).contains($0) })
        #expect(Set(waits).count > 100)
    }
}
