import Licensing
import Primitives
import TestSupport
import Testing

@Suite("Releasing seats")
struct ReleaseTests {
    private let house: TestHouse
    private let acme: IssuedLicense

    init() async throws {
        house = try await TestHouse()
        acme = try await house.acme()
    }

    @discardableResult
    private func release(
        _ selection: SeatSelection, of license: IssuedLicense? = nil, dryRun: Bool = false, reason: String? = nil
    ) async throws -> (released: [Activation], license: License) {
        try await house.licensing.release(
            selection, of: (license ?? acme).id, dryRun: dryRun, by: house.provenance(reason: reason))
    }

    private func domain(_ text: String, at address: String? = nil) throws -> SeatSelection {
        .domain(try CanonicalDomain(text), try address.map { try #require(CanonicalAddress($0)) })
    }

    @Test("of a domain frees it for the next request at once, and what it held is gone from memory")
    func byDomain() async throws {
        for name in ["a.example", "b.example", "c.example"] {
            #expect(try await house.verdict(acme, "\(name).com") == .valid)
        }
        #expect(try await house.verdict(acme, "new.example.com") == .activationLimit)
        let result = try await release(domain("B.Example.com."))
        #expect(result.released.map(\.domain) == ["b.example.com"])
        #expect(result.license.used == 2)
        #expect(try await house.verdict(acme, "b.example.com", activates: false) == .notActivated)
        #expect(try await house.verdict(acme, "new.example.com") == .valid, "although it was refused a moment ago")
        #expect(try await house.verdict(acme, "b.example.com") == .notActivated, "it does not come back by itself")
        #expect(try await house.verdict(acme, "b.example.com", explicitly: true) == .activationLimit)
        #expect(try await house.verdict(acme, "a.example.com") == .valid)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("of a domain frees all of its seats, or with an address the one it was seen in")
    func byAddress() async throws {
        for last in 1...4 { #expect(try await house.verdict(acme, "example.com", ip: "198.51.100.\(last)") == .valid) }
        #expect(try await house.used(acme) == 2)
        let one = try await release(domain("example.com", at: "198.51.100.4"))
        #expect(one.released.flatMap(\.addresses).map(\.address) == ["198.51.100.4"])
        #expect(try await house.used(acme) == 1)
        #expect(try await house.verdict(acme, "example.com", ip: "198.51.100.1") == .valid)
        #expect(try await house.verdict(acme, "example.com", ip: "198.51.100.4") == .notActivated)
        #expect(try await house.verdict(acme, "example.com", ip: "198.51.100.4", explicitly: true) == .valid)
        let both = try await release(domain("example.com"))
        #expect(both.released.count == 2)
        #expect(try await house.used(acme) == 0)
        #expect(try await house.count("SELECT count(*) FROM seat_addresses") == 0)
    }

    @Test("by an address means the network that is counted")
    func byNetwork() async throws {
        #expect(try await house.verdict(acme, "example.com", ip: "2001:db8:1:2::1") == .valid)
        await #expect(throws: LicensingRefusal.installationUnknown) {
            try await release(domain("example.com", at: "2001:db8:1:3::1"))
        }
        #expect(try await release(domain("example.com", at: "2001:db8:1:2::99")).released.count == 1)
    }

    @Test("of an identifier leaves those of domains alone")
    func byIdentifier() async throws {
        _ = try await house.validate(acme.key, installationID: "install-0001")
        _ = try await house.validate(acme.key, domain: "example.com", installationID: "install-0001")
        let id = try #require(InstallationID("install-0001"))
        #expect(try await release(.installationID(id)).released.map(\.installationID) == ["install-0001"])
        #expect(try await house.verdict(acme, "example.com", activates: false) == .valid)
    }

    @Test("of all frees every one, and of this license only")
    func all() async throws {
        let solo = try await house.solo()
        #expect(try await house.verdict(solo, "example.com") == .valid)
        for name in ["a", "b", "c"] { #expect(try await house.verdict(acme, "\(name).example.com") == .valid) }
        let result = try await release(.all)
        #expect(result.released.count == 3)
        #expect(result.license.used == 0)
        #expect(try await house.used(solo) == 1)
        #expect(try await house.verdict(solo, "example.com", activates: false) == .valid)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("of what is not there is refused, and changes nothing")
    func unknown() async throws {
        #expect(try await house.verdict(acme, "example.com") == .valid)
        let version = try await house.licensing.license(acme.id)?.license.version
        let absent = try #require(InstallationID("install-0009"))
        for selection in [
            try domain("example.net"), .installationID(absent), try domain("example.com", at: "192.0.2.9"),
        ] {
            await #expect(throws: LicensingRefusal.installationUnknown) { try await release(selection) }
        }
        await #expect(throws: LicensingRefusal.installationUnknown) { try await release(.all, of: house.solo()) }
        let nobody = IssuedLicense(id: .random(), key: acme.key)
        await #expect(throws: LicensingRefusal.licenseUnknown) { try await release(.all, of: nobody) }
        #expect(try await house.licensing.license(acme.id)?.license.version == version)
    }

    @Test("twice is refused the second time")
    func twice() async throws {
        #expect(try await house.verdict(acme, "example.com") == .valid)
        try await release(domain("example.com"))
        await #expect(throws: LicensingRefusal.installationUnknown) { try await release(domain("example.com")) }
        #expect(try await house.used(acme) == 0)
    }

    @Test("as a dry run says which, and changes neither the database nor memory")
    func dryRun() async throws {
        #expect(try await house.verdict(acme, "example.com") == .valid)
        let events = try await house.count("SELECT count(*) FROM journal")
        let result = try await release(domain("example.com"), dryRun: true)
        #expect(result.released.count == 1 && result.license.used == 0)
        #expect(try await house.used(acme) == 1)
        #expect(try await house.count("SELECT count(*) FROM journal") == events)
        _ = house.statements.take()
        let answer = try await house.validate(acme.key, domain: "example.com")
        #expect(answer.verdict == .valid && answer.license?.facts.used == 1)
        #expect(house.statements.take() == [])
    }

    @Test("keeps the row as history: when, and by whom")
    func history() async throws {
        #expect(try await house.verdict(acme, "example.com") == .valid)
        house.clock.advance(by: .hours(1))
        try await release(domain("example.com"))
        let row = try await house.texts("SELECT (released_at - first_seen) || '|' || released_by FROM activations")
        #expect(row == ["3600000|uid:0/login:1000"])
        #expect(try await house.verdict(acme, "example.com", explicitly: true) == .valid)
        #expect(try await house.count("SELECT count(*) FROM activations") == 2)
    }

    @Test("shows what is taken: oldest first, with addresses and the time of last use up to now")
    func listing() async throws {
        #expect(try await house.verdict(acme, "b.example.com") == .valid)
        house.clock.advance(by: .minutes(1))
        _ = try await house.validate(acme.key, domain: "a.example.com", ip: "2001:db8::5", peer: "192.0.2.1")
        house.clock.advance(by: .minutes(1))
        #expect(try await house.verdict(acme, "b.example.com") == .valid)
        let seats = try await house.licensing.activations(of: acme.id)
        #expect(seats.map(\.domain) == ["b.example.com", "a.example.com"])
        #expect(seats.map(\.firstSeen) == [ManualClock.start, ManualClock.start + .minutes(1)])
        #expect(seats.map(\.lastSeen) == [ManualClock.start + .minutes(2), ManualClock.start + .minutes(1)])
        #expect(seats.map { $0.addresses.map(\.address) } == [[TestHouse.address], ["2001:db8::5"]])
        #expect(seats[1].addresses[0].peer == "192.0.2.1")
        #expect(seats[0].addresses[0].lastSeen == ManualClock.start + .minutes(2))
    }
}
