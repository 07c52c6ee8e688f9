import LicenseToken
import Licensing
import Primitives
import TestSupport
import Testing

@Suite("What a seat belongs to")
struct SeatIdentityTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private func issue(_ counting: SeatCounting, seats: Int = 1, ipv6Prefix: Int? = nil) async throws -> IssuedLicense {
        var policy = PolicySettings()
        policy.countedBy = counting
        policy.ipv6Prefix = ipv6Prefix
        return try await house.issue(seats: seats, choosing: policy)
    }

    @Test("is the address under a server license, whatever domains run there")
    func network() async throws {
        let license = try await issue(.ip)
        for domain in ["a.example.com", "b.example.com", "example.net"] {
            #expect(try await house.verdict(license, domain) == .valid)
        }
        #expect(try await house.verdict(license, "a.example.com", ip: "198.51.100.1") == .activationLimit)
        #expect(try await house.used(license) == 1)
        let row = try await house.texts("SELECT network || ' ' || coalesce(domain, '-') FROM activations")
        #expect(row == ["203.0.113.7/32 -"])
        let token = try #require(try await house.validate(license.key, domain: "a.example.com").token)
        #expect(try house.verify(token, address: "203.0.113.7").binding == .address)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("is as much of an IPv6 address as the policy says")
    func prefix() async throws {
        let license = try await issue(.ip, ipv6Prefix: 56)
        #expect(try await house.verdict(license, "example.com", ip: "2001:db8:1:2300::1") == .valid)
        #expect(try await house.verdict(license, "example.com", ip: "2001:db8:1:23ff::1") == .valid)
        #expect(try await house.verdict(license, "example.com", ip: "2001:db8:1:2400::1") == .activationLimit)
    }

    @Test("is the identifier where identifiers are counted, under whatever domain, which is told")
    func identifier() async throws {
        let license = try await issue(.installationID)
        #expect(try await house.verdict(license, domain: "a.example.com", id: "install-0001") == .valid)
        _ = house.statements.take()
        #expect(try await house.verdict(license, domain: "b.example.com", id: "install-0001") == .valid)
        #expect(house.statements.take() == [], "a change of the domain is no newcomer")
        #expect(try await house.verdict(license, domain: "a.example.com", id: "install-0002") == .activationLimit)
        let seat = try #require(try await house.licensing.activations(of: license.id).first)
        #expect(seat.installationID == "install-0001" && seat.domain == nil)
        #expect(seat.carried.domain == "b.example.com")
        #expect(try await house.inconsistencies() == [])
    }

    @Test("is unknown without an identifier where those are counted, and the answer says what is missing")
    func missing() async throws {
        let license = try await issue(.installationID)
        let answer = try await house.validate(license.key, domain: "a.example.com", explicitly: true)
        #expect(answer.verdict == .notActivated)
        #expect(answer.message.contains("installation_id"))
        #expect(try await house.used(license) == 0)
    }

    @Test("keeps what installations say besides, also after a restart, and notes what they say first later")
    func carried() async throws {
        let license = try await house.solo()
        #expect(try await house.verdict(license, "a.example.com") == .valid)
        _ = house.statements.take()
        #expect(try await house.verdict(license, domain: "a.example.com", id: "install-0001") == .valid)
        #expect(house.statements.take() == [])
        try await house.licensing.storeLastSeen()
        #expect(try await house.texts("SELECT carried_installation_id FROM activations") == ["install-0001"])
        let service = try await house.secondService()
        _ = house.statements.take()
        _ = try await house.validate(
            license.key, domain: "a.example.com", installationID: "install-0001", in: service)
        try await service.storeLastSeen()
        #expect(!house.statements.take().contains { $0.contains("SET carried_domain") }, "nothing new was said")
        // Nothing said is nothing new.
        _ = try await house.validate(license.key, domain: "a.example.com", in: service)
        try await service.storeLastSeen()
        #expect(try await house.texts("SELECT carried_installation_id FROM activations") == ["install-0001"])
    }

    @Test("is released by what an operator knows of it: the address, the domain said last, the identifier")
    func release() async throws {
        let (server, identified) = (try await issue(.ip, seats: 3), try await issue(.installationID, seats: 3))
        #expect(try await house.verdict(server, "a.example.com", ip: "198.51.100.1") == .valid)
        #expect(try await house.verdict(server, "b.example.com", ip: "198.51.100.2") == .valid)
        let address = try #require(CanonicalAddress("198.51.100.1"))
        #expect(try await house.release(.address(address), of: server).map(\.network) == ["198.51.100.1/32"])
        #expect(
            try await house.release(.domain(CanonicalDomain("b.example.com"), nil), of: server).map(\.network)
                == ["198.51.100.2/32"])
        #expect(try await house.verdict(server, "c.example.com", ip: "198.51.100.1") == .notActivated)
        #expect(try await house.verdict(identified, domain: "a.example.com", id: "install-0001") == .valid)
        let id = try #require(InstallationID("install-0001"))
        #expect(try await house.release(.installationID(id), of: identified).count == 1)
        #expect(try await house.verdict(identified, domain: "b.example.com", id: "install-0001") == .notActivated)
        #expect(try await house.inconsistencies() == [])
    }
}

@Suite("A seat that moves")
struct SeatMoveTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private func issue(seats: Int = 1, moves: Int = 10) async throws -> IssuedLicense {
        var policy = PolicySettings()
        policy.movesMax = moves
        return try await house.issue(seats: seats, choosing: policy)
    }

    @Test("goes with the identifier to a new domain, and the old one falls away")
    func move() async throws {
        let license = try await issue(seats: 2)
        let first = try await house.validate(license.key, domain: "old.example.com", installationID: "install-0001")
        house.clock.advance(by: .days(3))
        let moved = try await house.validate(license.key, domain: "new.example.com", installationID: "install-0001")
        #expect(moved.verdict == .valid)
        #expect(moved.license?.facts.used == 1, "instead of a second seat")
        #expect(moved.seat?.place?.activation != first.seat?.place?.activation)
        #expect(moved.seat?.place?.firstSeen == first.seat?.place?.firstSeen, "it is as old as it was")
        #expect(try await house.verdict(license, "old.example.com") == .notActivated)
        #expect(try await house.verdict(license, "old.example.com", explicitly: true) == .valid)
        let events = try await house.texts("SELECT type FROM journal WHERE type LIKE 'activation.%' ORDER BY sequence")
        #expect(events == ["activation.created", "activation.moved", "activation.created"])
        #expect(try await house.inconsistencies() == [])
    }

    @Test("takes, of two seats with its identifier, the one used last, be it by an address that just joined")
    func lastUsed() async throws {
        let license = try await issue(seats: 2)
        let domains = ["a.example.com", "b.example.com"]
        for domain in domains { #expect(try await house.verdict(license, domain) == .valid) }
        for domain in domains {
            house.clock.advance(by: .minutes(1))
            #expect(try await house.verdict(license, domain: domain, id: "install-0001") == .valid)
        }
        try await house.licensing.storeLastSeen()
        house.clock.advance(by: .hours(1))
        #expect(try await house.verdict(license, "a.example.com", ip: "198.51.100.77") == .valid)
        #expect(try await house.verdict(license, domain: "new.example.com", id: "install-0001") == .valid)
        #expect(
            try await house.texts("SELECT domain FROM activations WHERE released_at IS NULL ORDER BY domain")
                == ["b.example.com", "new.example.com"])
    }

    @Test("stays where it is while a license file holds it")
    func held() async throws {
        let license = try await issue()
        #expect(try await house.verdict(license, domain: "old.example.com", id: "install-0001") == .valid)
        #expect(try await house.hold("old.example.com", of: license, days: 5) != nil)
        #expect(try await house.verdict(license, domain: "new.example.com", id: "install-0001") == .activationLimit)
        house.clock.advance(by: .days(5))
        #expect(try await house.verdict(license, domain: "new.example.com", id: "install-0001") == .valid)
        #expect(try await house.used(license) == 1)
    }

    @Test("needs no free seat, and back it goes on request only")
    func atLimit() async throws {
        let license = try await issue()
        #expect(try await house.verdict(license, domain: "old.example.com", id: "install-0001") == .valid)
        #expect(try await house.verdict(license, domain: "new.example.com", id: "install-0002") == .activationLimit)
        #expect(try await house.verdict(license, domain: "new.example.com", id: "install-0001") == .valid)
        #expect(try await house.verdict(license, domain: "old.example.com", id: "install-0001") == .notActivated)
        #expect(
            try await house.verdict(license, domain: "old.example.com", id: "install-0001", explicitly: true) == .valid)
        #expect(try await house.used(license) == 1)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("moves only as often as the budget allows, which deactivations share; then it is a newcomer like any other")
    func budget() async throws {
        let license = try await issue(moves: 2)
        let answer = try await house.validate(license.key, domain: "a.example.com", installationID: "install-0001")
        _ = try await house.deactivate(license.key, domain: "a.example.com", token: answer.token)
        #expect(try await house.verdict(license, domain: "b.example.com", id: "install-0001") == .valid)
        #expect(try await house.verdict(license, domain: "c.example.com", id: "install-0001") == .valid)
        #expect(try await house.verdict(license, domain: "d.example.com", id: "install-0001") == .activationLimit)
        #expect(try await house.verdict(license, domain: "c.example.com", id: "install-0001") == .valid)
        house.clock.advance(by: .days(30) + .minutes(2))
        #expect(try await house.verdict(license, domain: "d.example.com", id: "install-0001") == .valid)
    }

    @Test("asks for no token, but one that comes along must be that of the seat")
    func token() async throws {
        let license = try await issue(seats: 2)
        let own = try await house.validate(license.key, domain: "a.example.com", installationID: "install-0001")
        let other = try await house.validate(license.key, domain: "b.example.com", installationID: "install-0002")
        for token in [other.token, Array("nonsense".utf8)] {
            #expect(
                try await house.verdict(license, domain: "c.example.com", id: "install-0001", token: token)
                    == .activationLimit)
            house.clock.advance(by: .minutes(2))
        }
        house.clock.advance(by: .days(20))
        #expect(
            try await house.verdict(license, domain: "c.example.com", id: "install-0001", token: own.token) == .valid,
            "also when it has ended")
        #expect(try await house.used(license) == 2)
    }

    @Test("does not move to or from staging and development hosts")
    func staging() async throws {
        let license = try await issue()
        #expect(try await house.verdict(license, domain: "example.com", id: "install-0001") == .valid)
        #expect(try await house.verdict(license, domain: "staging.example.com", id: "install-0001") == .valid)
        #expect(try await house.verdict(license, domain: "localhost", id: "install-0001") == .valid)
        #expect(try await house.verdict(license, domain: "example.com", id: "install-0001") == .valid)
        #expect(try await house.used(license) == 1)
        #expect(try await house.count("SELECT count(*) FROM activations WHERE release_kind = 'moved'") == 0)
    }

    @Test("moves in grace, when nobody gets a further seat")
    func grace() async throws {
        let license = try await house.issue(seats: 2, expires: .through(house.clock.now().date), graceDays: 9)
        #expect(try await house.verdict(license, domain: "a.example.com", id: "install-0001") == .valid)
        house.clock.advance(by: .days(2))
        #expect(try await house.verdict(license, domain: "b.example.com", id: "install-0002") == .expired)
        #expect(try await house.verdict(license, domain: "b.example.com", id: "install-0001") == .expiredGrace)
        #expect(try await house.used(license) == 1)
    }
}
