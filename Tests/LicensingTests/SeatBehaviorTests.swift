import Licensing
import Primitives
import TestSupport
import Testing

/// What a demanding user tries (field notes, §5): the rows about seats, by their numbers there.
@Suite("Behavior")
struct SeatBehaviorTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private func verdicts(_ license: IssuedLicense, _ domains: [String]) async throws -> [Verdict] {
        var verdicts: [Verdict] = []
        for domain in domains { verdicts.append(try await house.verdict(license, domain)) }
        return verdicts
    }

    private func seats(_ license: IssuedLicense) async throws -> [String?] {
        try await house.licensing.activations(of: license.id).map(\.domain)
    }

    @Test("1: 50 new domains at once on one seat: exactly one is valid, 49 are at the limit, the count is the maximum")
    func lastSeat() async throws {
        let solo = try await house.solo()
        let verdicts = try await Crowd.run(50) { try await house.verdict(solo, "s\($0).example.com") }.map {
            try $0.get()
        }
        #expect(verdicts.count { $0 == .valid } == 1 && verdicts.count { $0 == .activationLimit } == 49)
        #expect(try await house.used(solo) == 1)
    }

    @Test("2: the same installation twice, and 20 times at once, is one activation")
    func idempotent() async throws {
        let acme = try await house.acme()
        let first = try await house.validate(acme.key, domain: "example.com").seat?.place?.activation
        let again = await Crowd.run(20) { _ in try await house.validate(acme.key, domain: "example.com") }
        for answer in again { #expect(try answer.get().seat?.place?.activation == first) }
        #expect(try await house.used(acme) == 1)
    }

    @Test("3: at the limit, an installation that is active stays valid")
    func atTheLimit() async throws {
        let solo = try await house.solo()
        #expect(
            try await verdicts(solo, ["a.example.com", "b.example.com", "a.example.com"]) == [
                .valid, .activationLimit, .valid,
            ])
    }

    @Test("4: A leaves, B comes at once, A is at the limit; leaving twice is a success")
    func leave() async throws {
        let solo = try await house.solo()
        let token = try await house.validate(solo.key, domain: "a.example.com").token
        for _ in 1...2 {
            let left = try await house.deactivate(solo.key, domain: "a.example.com", token: token)
            #expect(left.answer.verdict == .notActivated && left.released.count == 1)
        }
        #expect(try await house.verdict(solo, "b.example.com") == .valid)
        #expect(try await house.verdict(solo, "a.example.com", explicitly: true) == .activationLimit)
    }

    @Test("5: leaving and coming back is limited by a budget for each license")
    func cycling() async throws {
        let solo = try await house.solo()
        var left = 0
        for _ in 1...20 {
            let token = try await house.validate(solo.key, domain: "a.example.com", explicitly: true).token
            let verdict = try await house.deactivate(solo.key, domain: "a.example.com", token: token).answer.verdict
            if verdict == .deactivationLimit { break }
            left += 1
        }
        #expect(left == 10)
        #expect(try await house.verdict(solo, "a.example.com") == .valid)
    }

    @Test("10: in grace who is in is valid with EXPIRED_GRACE and a warning, and a newcomer is refused")
    func grace() async throws {
        let license = try await house.issue(seats: 3, expires: .through(house.clock.now().date), graceDays: 7)
        #expect(try await house.verdict(license, "a.example.com") == .valid)
        house.clock.advance(by: .days(1))
        let answer = try await house.validate(license.key, domain: "a.example.com")
        #expect(answer.verdict == .expiredGrace && answer.warnings.map(\.code) == ["EXPIRED_GRACE"])
        #expect(try await house.verdict(license, "b.example.com") == .expired)
        #expect(try await house.verdict(license, "b.example.com", explicitly: true) == .expired)
    }

    @Test("14: the spellings of one domain are one activation")
    func spellings() async throws {
        let solo = try await house.solo()
        let spellings = ["Example.COM", "example.com.", "https://www.example.com:8443/x", " example.com "]
        #expect(try await verdicts(solo, spellings) == Array(repeating: .valid, count: 4))
        #expect(try await seats(solo) == ["example.com"])
    }

    @Test("15: both forms of an international name are one activation, a homograph is another")
    func international() async throws {
        let solo = try await house.solo()
        let domains = ["bücher.example.com", "xn--bcher-kva.example.com", "büсher.example.com"]
        #expect(try await verdicts(solo, domains) == [.valid, .valid, .activationLimit])
    }

    @Test("16: *.example.com is every name below it, and no other")
    func wildcard() async throws {
        var policy = PolicySettings()
        policy.allowedDomains = [try #require(HostPattern(grant: "*.example.com"))]
        let license = try await house.issue(seats: 0, choosing: policy)
        let domains = ["a.example.com", "a.b.example.com", "example.com", "evil-example.com", "example.com.evil.net"]
        #expect(
            try await verdicts(license, domains)
                == [.valid, .valid, .domainNotAllowed, .domainNotAllowed, .domainNotAllowed])
    }

    @Test("17: development hosts are free, and names that only look like them count")
    func development() async throws {
        let license = try await house.issue(seats: 2)
        let free = ["localhost", "app.test", "192.168.1.5", "[::1]", "fd00::1"]
        #expect(try await verdicts(license, free) == Array(repeating: .valid, count: 5))
        #expect(try await house.used(license) == 0)
        #expect(try await verdicts(license, ["my.developer.com", "shop.dev"]) == [.valid, .valid])
        #expect(try await house.used(license) == 2)
    }

    @Test("18: the spellings of one address are one, a mapped one is the IPv4 one")
    func addresses() async throws {
        var policy = PolicySettings()
        policy.countedBy = .ip
        let license = try await house.issue(seats: 2, choosing: policy)
        for ip in ["2001:DB8:0:0::1", "2001:db8::1", "[2001:db8::1]", "::ffff:203.0.113.7", "203.0.113.7"] {
            #expect(try await house.verdict(license, "example.com", ip: ip) == .valid)
        }
        #expect(try await house.used(license) == 2)
        #expect(CanonicalAddress("203.000.113.007") == nil)
    }

    @Test("19: an address that changes within its /64, or between IPv4 and IPv6, is one activation")
    func privacyAddresses() async throws {
        let solo = try await house.solo()
        for ip in ["2001:db8:1:2::1", "203.0.113.7", "2001:db8:1:2:ffff::9", "203.0.113.7", "2001:db8:1:2::1"] {
            #expect(try await house.verdict(solo, "example.com", ip: ip) == .valid)
        }
        #expect(try await house.used(solo) == 1)
    }
}
