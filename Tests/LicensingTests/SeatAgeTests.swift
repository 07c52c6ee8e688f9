import LicenseToken
import Licensing
import Primitives
import TestSupport
import Testing

@Suite("A dormant seat")
struct DormantSeatTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    @Test("stays valid when it calls, however long it was silent")
    func silent() async throws {
        let solo = try await house.solo()
        #expect(try await house.verdict(solo, "example.com") == .valid)
        house.clock.advance(by: .days(400))
        _ = house.statements.take()
        #expect(try await house.verdict(solo, "example.com") == .valid)
        #expect(house.statements.take() == [])
    }

    @Test("goes to a newcomer at the limit, the oldest first, after 60 days and not before")
    func newcomer() async throws {
        let license = try await house.issue(seats: 2)
        #expect(try await house.verdict(license, "a.example.com") == .valid)
        house.clock.advance(by: .days(1))
        #expect(try await house.verdict(license, "b.example.com") == .valid)
        house.clock.advance(by: .days(59))
        #expect(try await house.verdict(license, "c.example.com") == .activationLimit, "60 days: not yet")
        house.clock.advance(by: .minutes(2))
        #expect(try await house.verdict(license, "c.example.com") == .valid)
        #expect(try await house.verdict(license, "b.example.com") == .valid)
        #expect(try await house.verdict(license, "a.example.com") == .activationLimit, "b was seen: none is dormant")
        #expect(try await house.used(license) == 2)
        #expect(
            try await house.texts("SELECT release_kind FROM activations WHERE domain = 'a.example.com'") == ["dormant"])
        #expect(try await house.inconsistencies() == [])
    }

    @Test("is none when memory alone saw it")
    func memory() async throws {
        let solo = try await house.solo()
        #expect(try await house.verdict(solo, "a.example.com") == .valid)
        house.clock.advance(by: .days(59))
        #expect(try await house.verdict(solo, "a.example.com") == .valid)
        house.clock.advance(by: .days(59))
        #expect(try await house.count("SELECT max(last_seen) FROM activations") == ManualClock.start.milliseconds)
        #expect(try await house.verdict(solo, "b.example.com") == .activationLimit)
        house.clock.advance(by: .days(2))
        #expect(try await house.verdict(solo, "b.example.com") == .valid)
    }

    @Test("is left alone while a license file holds it, and while the license is above its limit")
    func held() async throws {
        let license = try await house.issue(seats: 1)
        #expect(try await house.verdict(license, "a.example.com") == .valid)
        let until = house.clock.now() + .days(100)
        try await house.execute("UPDATE activations SET held_until = \(until.milliseconds)")
        house.clock.advance(by: .days(90))
        #expect(try await house.verdict(license, "b.example.com") == .activationLimit)
        house.clock.advance(by: .days(11))
        try await house.keepSeats()
        #expect(try await house.verdict(license, "b.example.com") == .valid)
    }

    @Test("that lost its place comes back by itself when there is room")
    func back() async throws {
        let solo = try await house.solo()
        #expect(try await house.verdict(solo, "a.example.com") == .valid)
        house.clock.advance(by: .days(61))
        #expect(try await house.verdict(solo, "b.example.com") == .valid)
        house.clock.advance(by: .days(61))
        #expect(try await house.verdict(solo, "a.example.com") == .valid)
    }
}

@Suite("A leased seat")
struct LeasedSeatTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private func floating(seats: Int = 1, minutes: Int = 10) async throws -> IssuedLicense {
        var policy = PolicySettings()
        policy.leaseMinutes = minutes
        return try await house.issue(seats: seats, choosing: policy)
    }

    @Test("frees itself for a newcomer when it was not seen for its lease, and not before")
    func lapse() async throws {
        let license = try await floating()
        #expect(try await house.verdict(license, "a.example.com") == .valid)
        house.clock.advance(by: .minutes(10))
        #expect(try await house.verdict(license, "b.example.com") == .activationLimit)
        #expect(try await house.verdict(license, "a.example.com", activates: false) == .valid)
        house.clock.advance(by: .minutes(10) + .milliseconds(1))
        #expect(try await house.verdict(license, "b.example.com") == .valid)
        #expect(try await house.verdict(license, "a.example.com") == .activationLimit)
        #expect(
            try await house.texts("SELECT release_kind FROM activations WHERE domain = 'a.example.com'") == ["lease"])
        #expect(try await house.inconsistencies() == [])
    }

    @Test("is renewed by each call, without a statement while it lasts")
    func renewal() async throws {
        let license = try await floating()
        #expect(try await house.verdict(license, "a.example.com") == .valid)
        _ = house.statements.take()
        for _ in 1...20 {
            house.clock.advance(by: .minutes(9))
            #expect(try await house.verdict(license, "a.example.com") == .valid)
        }
        #expect(house.statements.take() == [])
        #expect(try await house.verdict(license, "b.example.com") == .activationLimit, "memory's word counts")
        try await house.keepSeats()
        #expect(try await house.used(license) == 1)
    }

    @Test("that lapsed while nobody wanted it is renewed by its installation, durably")
    func late() async throws {
        let license = try await floating()
        let first = try await house.validate(license.key, domain: "a.example.com")
        house.clock.advance(by: .hours(5))
        #expect(try await house.verdict(license, "a.example.com", activates: false) == .notActivated)
        let again = try await house.validate(license.key, domain: "a.example.com")
        #expect(again.seat?.place?.activation == first.seat?.place?.activation)
        let stored = try await house.count("SELECT max(last_seen) FROM activations")
        #expect(stored == house.clock.now().milliseconds)
        #expect(try await house.verdict(license, "b.example.com") == .activationLimit)
    }

    @Test("that one of its addresses renewed while another held it is as recent there after a restart")
    func lateAddress() async throws {
        var policy = PolicySettings()
        (policy.leaseMinutes, policy.addressesPerSeat) = (10, 2)
        let license = try await house.issue(choosing: policy)
        let (late, other) = ("198.51.100.1", "198.51.100.2")
        for ip in [late, other] { #expect(try await house.verdict(license, "a.example.com", ip: ip) == .valid) }
        house.clock.advance(by: .minutes(8))
        #expect(try await house.verdict(license, "a.example.com", ip: other) == .valid)
        house.clock.advance(by: .minutes(4))
        #expect(try await house.verdict(license, "a.example.com", ip: late) == .valid)
        try await house.licensing.storeLastSeen()
        let second = try await house.secondService()
        #expect(try await house.verdict(license, "a.example.com", ip: late, activates: false, in: second) == .valid)
    }

    @Test("is freed by the keeper, oldest licenses first, and its installation comes back by itself")
    func keeper() async throws {
        var licenses: [IssuedLicense] = []
        for _ in 0..<5 { licenses.append(try await floating(seats: 2)) }
        for license in licenses { #expect(try await house.verdict(license, "a.example.com") == .valid) }
        house.clock.advance(by: .minutes(11))
        for license in licenses { #expect(try await house.verdict(license, "b.example.com") == .valid) }
        #expect(try await house.keepSeats() == 5)
        for license in licenses { #expect(try await house.used(license) == 1) }
        #expect(try await house.verdict(licenses[0], "a.example.com", activates: false) == .notActivated)
        #expect(try await house.verdict(licenses[0], "a.example.com") == .valid)
        #expect(try await house.keepSeats() == 0)
        #expect(try await house.inconsistencies() == [])
        try await house.expectMemoryEqualsDatabase(licenses, domains: ["a.example.com", "b.example.com"])
    }

    @Test("has tokens no longer than its lease, to be renewed before half of it", arguments: [5, 60, 43_200])
    func tokens(minutes: Int) async throws {
        let license = try await floating(minutes: minutes)
        for number in 0..<40 {
            let answer = try await house.validate(license.key, domain: "a.example.com", nonce: "n\(number)")
            let token = try house.verify(answer.token, domain: "a.example.com")
            #expect(token.expiresAt - token.issuedAt <= Int64(minutes) * 60)
            #expect(token.nextCheckAt - token.issuedAt <= Int64(minutes) * 30)
            house.clock.advance(by: .seconds(1))
        }
    }

    @Test("with many others can all come back at once after an outage")
    func outage() async throws {
        let license = try await floating(seats: 0)
        for number in 0..<80 {
            #expect(try await house.verdict(license, "s\(number).example.com") == .valid)
            house.clock.advance(by: .seconds(2))
        }
        house.clock.advance(by: .hours(1))
        for number in 0..<80 { #expect(try await house.verdict(license, "s\(number).example.com") == .valid) }
        #expect(try await house.used(license) == 80)
    }

    @Test("follows a lease that the product or the license gets later")
    func changed() async throws {
        let product = try await house.product()
        let license = try await house.issue(seats: 1)
        #expect(try await house.verdict(license, "a.example.com") == .valid)
        var settings = PolicySettings()
        settings.leaseMinutes = 5
        _ = try await house.licensing.updateProduct(
            product.code, ProductChange(patch: PolicyPatch(settings)), dryRun: false, by: house.provenance())
        house.clock.advance(by: .minutes(6))
        #expect(try await house.keepSeats() == 1)
        #expect(try await house.used(license) == 0)
    }
}

@Suite("A duration")
struct DurationTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private func trial(days: Int = 30) async throws -> IssuedLicense {
        var policy = PolicySettings()
        policy.durationDays = days
        return try await house.issue(seats: 2, choosing: policy)
    }

    @Test("begins with the first seat, through the last day, and the first answer says so")
    func first() async throws {
        let trial = try await trial()
        house.clock.advance(by: .days(100))
        let answer = try await house.validate(trial.key, domain: "a.example.com")
        let end = house.clock.now().date.adding(days: 30).end
        #expect(answer.license?.facts.expiresAt == end)
        #expect(try house.verify(answer.token, domain: "a.example.com").licenseExpiresAt == end.seconds)
        house.clock.advance(by: .days(5))
        #expect(try await house.validate(trial.key, domain: "b.example.com").license?.facts.expiresAt == end)
        let stored = try #require(try await house.licensing.license(trial.id)?.license)
        #expect(stored.expiresAt == end && stored.startedAt == (ManualClock.start + .days(100)))
        house.clock.set(to: end)
        #expect(try await house.verdict(trial, "a.example.com") == .expired)
    }

    @Test("does not begin with a look, a development host or a staging host, and not again")
    func once() async throws {
        let trial = try await trial()
        #expect(try await house.verdict(trial, "localhost") == .valid)
        #expect(try await house.verdict(trial, "staging.example.com") == .valid)
        #expect(try await house.verdict(trial, "a.example.com", activates: false) == .notActivated)
        #expect(try await house.licensing.license(trial.id)?.license.expiresAt == nil)
        #expect(try await house.verdict(trial, "a.example.com") == .valid)
        let end = try await house.licensing.license(trial.id)?.license.expiresAt
        try await house.release(.all, of: trial)
        house.clock.advance(by: .days(3))
        #expect(try await house.verdict(trial, "b.example.com") == .valid)
        #expect(try await house.licensing.license(trial.id)?.license.expiresAt == end)
    }

    @Test("is nothing to a license that has an end of its own")
    func own() async throws {
        var policy = PolicySettings()
        policy.durationDays = 30
        let end = Expiry.through(house.clock.now().date.adding(days: 400))
        let license = try await house.issue(expires: end, choosing: policy)
        let answer = try await house.validate(license.key, domain: "a.example.com")
        #expect(answer.license?.facts.expiresAt == end.instant)
    }
}
