import LicenseToken
import Testing

@testable import LicenseClient

@Suite("What is known without a network")
struct StatusDecisionTests {
    private static let now = Fixtures.now
    private static let hours72 = 72 * Fixtures.hour

    private static func status(_ change: (inout StatusFacts) throws -> Void = { _ in }) throws -> LicenseStatus {
        var facts = StatusFacts(memory: CheckMemory(identity: "x"), now: now, problem: nil, held: .none)
        try change(&facts)
        return StatusDecision.status(facts)
    }

    @Test("before the first check there is no license")
    func unchecked() throws {
        let status = try Self.status()
        #expect(status.state == .unlicensed)
        #expect(!status.isUsable)
        #expect(status.code == "not_checked")
    }

    @Test("a token that holds licenses until its end")
    func licensed() throws {
        let status = try Self.status { facts in
            facts.held = .good(try Fixtures.verified())
            facts.memory.verdict = "EXPIRED_GRACE"
        }
        #expect(status.state == .licensed)
        #expect(status.code == "EXPIRED_GRACE")
        #expect(status.usableUntil == Self.now + 14 * Fixtures.day)
        #expect(status.license?.licenseType == "professional")
        #expect(!status.isStale)
    }

    @Test("an outage leaves it licensed, and says how the last check failed")
    func outage() throws {
        let status = try Self.status { facts in
            facts.held = .good(try Fixtures.verified())
            facts.memory.error = "no answer in time"
        }
        #expect(status.state == .outage)
        #expect(status.isUsable)
        #expect(status.isStale)
        #expect(status.warnings == ["no answer in time"])
    }

    @Test("a verdict that ended the license is above everything")
    func ended() throws {
        let status = try Self.status { facts in
            facts.held = .good(try Fixtures.verified())
            facts.memory.ended = "REVOKED"
            facts.memory.provisionalSince = Self.now
            facts.problem = .domainMissing
        }
        #expect(status.state == .ended)
        #expect(!status.isUsable)
        #expect(status.code == "REVOKED")
    }

    @Test("a token on the list of revoked licenses is ended, also in the first 72 hours")
    func revoked() throws {
        let status = try Self.status { facts in
            facts.held = .refused(.revoked)
            facts.memory.provisionalSince = Self.now
        }
        #expect(status.state == .ended)
        #expect(!status.isUsable)
        #expect(status.code == "revoked")
    }

    @Test("the first 72 hours end to the second", arguments: [(-1, true), (0, false)])
    func provisional(offset: Int64, isUsable: Bool) throws {
        let status = try Self.status { facts in
            facts.memory.provisionalSince = Self.now
            facts.now = Self.now + Self.hours72 + offset
        }
        #expect(status.isUsable == isUsable)
        #expect(status.code == (isUsable ? "provisional" : "provisional_over"))
        #expect(status.usableUntil == (isUsable ? Self.now + Self.hours72 : nil))
    }

    @Test("a refused newcomer has no first 72 hours")
    func refused() throws {
        let status = try Self.status { facts in
            facts.memory.provisionalSince = Self.now
            facts.memory.refused = "NOT_FOUND"
        }
        #expect(status.state == .unlicensed)
        #expect(status.code == "NOT_FOUND")
    }

    @Test("setting the clock back gains nothing and is told beyond 300 s", arguments: [(300, false), (301, true)])
    func setBack(seconds: Int64, isTold: Bool) throws {
        let status = try Self.status { facts in
            facts.memory.provisionalSince = Self.now - Self.hours72
            facts.memory.highestSeen = Self.now
            facts.now = Self.now - seconds
        }
        #expect(status.code == "provisional_over")
        #expect(status.warnings == (isTold ? ["clock_set_back"] : []))
    }

    @Test(
        "a machine that cannot verify says so, for 72 hours from when it was noticed",
        arguments: [(-1, true), (0, false)])
    func unverifiable(offset: Int64, isUsable: Bool) throws {
        let status = try Self.status { facts in
            facts.problem = .keySetUnusable("why")
            facts.memory.unverifiableSince = Self.now
            facts.now = Self.now + Self.hours72 + offset
        }
        #expect(status.state == .unverifiable)
        #expect(status.isUsable == isUsable)
        #expect(status.code == "key_set_unusable")
        #expect(status.message == "why")
        #expect(try Self.status { $0.problem = .domainMissing }.isUsable, "not noticed by a check yet")
    }

    @Test("damage and a directory that cannot be written are told")
    func warnings() throws {
        let status = try Self.status { facts in
            facts.memory.isDamaged = true
            facts.isWritable = false
        }
        #expect(status.warnings == ["state_unreadable", "state_not_writable"])
    }
}
