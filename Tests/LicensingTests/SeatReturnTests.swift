import LicenseToken
import Licensing
import Primitives
import TestSupport
import Testing

@Suite("An installation that is deactivated")
struct SeatReturnTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private func token(_ license: IssuedLicense, _ domain: String, explicitly: Bool = false) async throws -> [UInt8] {
        let answer = try await house.validate(license.key, domain: domain, explicitly: explicitly)
        return try #require(answer.token, "\(answer.verdict)")
    }

    private func deactivate(_ license: IssuedLicense, _ domain: String, _ token: [UInt8]?) async throws -> Verdict {
        try await house.deactivate(license.key, domain: domain, token: token).answer.verdict
    }

    @Test("makes room for another at once, does not come back by itself, and comes back on request when a seat is free")
    func swap() async throws {
        let solo = try await house.solo()
        let a = try await token(solo, "a.example.com")
        let left = try await house.deactivate(solo.key, domain: "a.example.com", token: a)
        #expect(left.answer.verdict == .notActivated && left.answer.token == nil)
        #expect(left.answer.license?.facts.used == 0)
        #expect(left.released.count == 1)
        #expect(try await house.verdict(solo, "a.example.com") == .notActivated, "not silently")
        #expect(try await house.verdict(solo, "b.example.com") == .valid, "the next request has the seat")
        #expect(try await house.verdict(solo, "a.example.com") == .notActivated)
        #expect(try await house.verdict(solo, "a.example.com", explicitly: true) == .activationLimit)
        try await house.release(.all, of: solo)
        #expect(try await house.verdict(solo, "a.example.com", explicitly: true) == .valid)
        #expect(try await house.verdict(solo, "a.example.com") == .valid, "and is in as before")
        #expect(try await house.inconsistencies() == [])
    }

    @Test("stays away for 30 days and not a moment longer")
    func thirtyDays() async throws {
        let acme = try await house.acme()
        let a = try await token(acme, "a.example.com")
        #expect(try await house.verdict(acme, "b.example.com") == .valid)
        #expect(try await deactivate(acme, "a.example.com", a) == .notActivated)
        try await house.release(.domain(try CanonicalDomain("b.example.com"), nil), of: acme)
        house.clock.advance(by: .days(30) - .milliseconds(1))
        for domain in ["a.example.com", "b.example.com"] {
            #expect(try await house.verdict(acme, domain) == .notActivated)
        }
        house.clock.advance(by: .minutes(1))
        for domain in ["a.example.com", "b.example.com"] { #expect(try await house.verdict(acme, domain) == .valid) }
    }

    @Test("twice is told the same the second time, and nothing is counted twice")
    func twice() async throws {
        let acme = try await house.acme()
        let a = try await token(acme, "a.example.com")
        let first = try await house.deactivate(acme.key, domain: "a.example.com", token: a)
        let events = try await house.count("SELECT count(*) FROM journal")
        let second = try await house.deactivate(acme.key, domain: "a.example.com", token: a)
        #expect(second.answer.verdict == first.answer.verdict && second.released == first.released)
        #expect(try await house.count("SELECT count(*) FROM journal") == events)
        #expect(try await house.used(acme) == 0)
        #expect(try await house.inconsistencies() == [])
    }

    @Test(
        "can be so when the license has expired, is suspended or revoked",
        arguments: ["expired", "suspended", "revoked"])
    func whateverState(state: String) async throws {
        let today = house.clock.now().date
        let license = try await house.issue(seats: 1, expires: .through(today))
        let a = try await token(license, "a.example.com")
        if state == "expired" {
            house.clock.advance(by: .days(40))
        } else {
            try await house.change(license, state == "suspended" ? .suspend : .revoke)
        }
        let left = try await house.deactivate(license.key, domain: "a.example.com", token: a)
        #expect(left.answer.verdict == .notActivated && left.released.count == 1)
        #expect(try await house.used(license) == 0)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("has to prove who it is: by a token of this license, this installation and a key that was not revoked")
    func proof() async throws {
        let (acme, other) = (try await house.acme(), try await house.acme())
        let a = try await token(acme, "a.example.com")
        let foreign = try await token(other, "a.example.com")
        await #expect(throws: InvalidInput.self) { try await deactivate(acme, "a.example.com", nil) }
        for (domain, token, code) in [
            ("a.example.com", foreign, "wrong_license"), ("b.example.com", a, "wrong_installation"),
            ("a.example.com", Array(a.dropLast(4)), "malformed"), ("a.example.com", Array("x.y.z".utf8), "malformed"),
        ] {
            let refused = await #expect(throws: TokenRefused.self) {
                try await deactivate(acme, domain, token)
            }
            if code != "malformed" { #expect(refused?.code == code) }
        }
        let service = house.licensing
        _ = try await service.rotateKeys(at: nil, force: true, dryRun: false, by: house.provenance())
        house.clock.advance(by: .seconds(1))
        #expect(
            try await deactivate(acme, "a.example.com", a) == .notActivated, "a superseded key still says who it was")
        let b = try await token(acme, "b.example.com")
        let signing = try #require(service.keys.signer(at: house.clock.now())).keyID
        _ = try await service.revokeKey(signing, force: true, dryRun: false, by: house.provenance())
        await #expect(throws: TokenRefused(code: "unknown_key")) { try await deactivate(acme, "b.example.com", b) }
        #expect(try await house.used(acme) == 1)
    }

    @Test("is answered as in a check when the key opens nothing or the product is another")
    func wrongKey() async throws {
        let acme = try await house.acme()
        try await house.product("other")
        let a = try await token(acme, "a.example.com")
        var random = SeededGenerator(seed: 9)
        let unknown = try await house.deactivate(
            LicenseKey(using: &random), domain: "a.example.com", token: a)
        #expect(unknown.answer.verdict == .notFound && unknown.released == [] && unknown.answer.license == nil)
        let mismatch = try await house.deactivate(acme.key, domain: "a.example.com", token: a, product: "other")
        #expect(mismatch.answer.verdict == .productMismatch && mismatch.released == [])
        #expect(try await house.used(acme) == 1)
    }

    @Test("that is a development host holds nothing to give back")
    func development() async throws {
        let acme = try await house.acme()
        let local = try await token(acme, "localhost")
        let left = try await house.deactivate(acme.key, domain: "localhost", token: local)
        #expect(left.answer.verdict == .notActivated && left.released == [])
        #expect(try await house.verdict(acme, "localhost") == .valid)
    }

    @Test("again and again is told DEACTIVATION_LIMIT when the budget of 30 days is spent; an operator's are free")
    func budget() async throws {
        var policy = PolicySettings()
        policy.movesMax = 3
        let license = try await house.issue(seats: 1, choosing: policy)
        for _ in 1...3 {
            let a = try await token(license, "a.example.com", explicitly: true)
            #expect(try await deactivate(license, "a.example.com", a) == .notActivated)
            house.clock.advance(by: .days(1))
        }
        for _ in 1...5 {
            #expect(try await house.verdict(license, "a.example.com", explicitly: true) == .valid)
            try await house.release(.all, of: license)
        }
        let a = try await token(license, "a.example.com", explicitly: true)
        let refused = try await house.deactivate(license.key, domain: "a.example.com", token: a)
        #expect(refused.answer.verdict == .deactivationLimit && refused.released == [])
        #expect(try await house.verdict(license, "a.example.com") == .valid, "it keeps its seat")
        // 30 days after the first.
        house.clock.advance(by: .days(27))
        #expect(try await deactivate(license, "a.example.com", a) == .notActivated)
        #expect(try await house.inconsistencies() == [])
    }
}

@Suite("Activation on request")
struct ExplicitActivationTests {
    private let house: TestHouse
    private let license: IssuedLicense

    init() async throws {
        house = try await TestHouse()
        var policy = PolicySettings()
        policy.activation = .explicit
        license = try await house.issue(seats: 2, choosing: policy)
    }

    @Test("is the only way to a seat, and validate never gives one")
    func onRequest() async throws {
        #expect(try await house.verdict(license, "a.example.com") == .notActivated)
        #expect(try await house.used(license) == 0)
        #expect(try await house.verdict(license, "a.example.com", explicitly: true) == .valid)
        #expect(try await house.verdict(license, "a.example.com") == .valid)
        #expect(try await house.verdict(license, "b.example.com") == .notActivated)
        #expect(try await house.used(license) == 1)
    }

    @Test("is not needed for a further address of an activated domain, but for a further seat of it")
    func addresses() async throws {
        #expect(try await house.verdict(license, "a.example.com", explicitly: true) == .valid)
        for last in 1...2 {
            #expect(try await house.verdict(license, "a.example.com", ip: "198.51.100.\(last)") == .valid)
        }
        #expect(try await house.verdict(license, "a.example.com", ip: "198.51.100.3") == .notActivated)
        #expect(
            try await house.verdict(license, "a.example.com", ip: "198.51.100.3", explicitly: true) == .valid)
        #expect(try await house.used(license) == 2)
    }

    @Test("in grace gives a newcomer no seat, and who is in stays in", arguments: [true, false])
    func grace(explicitly: Bool) async throws {
        let license = try await house.issue(
            seats: 2, expires: .through(house.clock.now().date), graceDays: 5)
        #expect(try await house.verdict(license, "a.example.com", explicitly: explicitly) == .valid)
        house.clock.advance(by: .days(2))
        #expect(try await house.verdict(license, "b.example.com", explicitly: explicitly) == .expired)
        #expect(try await house.verdict(license, "a.example.com", explicitly: explicitly) == .expiredGrace)
        #expect(try await house.used(license) == 1)
    }
}
