import Customers
import Licensing
import Primitives
import TestSupport
import Testing

@Suite("A staging host")
struct StagingTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private static let hosts = ["staging.example.com", "dev.example.com", "test.example.com", "stage.example.com"]

    @Test("takes no seat up to the cap, and beyond it is an ordinary newcomer")
    func cap() async throws {
        let solo = try await house.solo()
        #expect(try await house.verdict(solo, "example.com") == .valid)
        for host in Self.hosts.prefix(3) {
            let answer = try await house.validate(solo.key, domain: host)
            #expect(answer.verdict == .valid && answer.seat?.place?.kind == .staging)
            #expect(answer.license?.facts.used == 1)
        }
        #expect(try await house.verdict(solo, Self.hosts[3]) == .activationLimit)
        #expect(try await house.used(solo) == 1)
        let acme = try await house.acme()
        for host in Self.hosts { #expect(try await house.verdict(acme, host) == .valid) }
        #expect(try await house.used(acme) == 1)
        #expect(try await house.licensing.activations(of: acme.id).map(\.kind).count { $0 == .staging } == 3)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("holds its place for as many addresses as any, and is confirmed without a statement")
    func repeats() async throws {
        let solo = try await house.solo()
        for last in 1...3 {
            #expect(try await house.verdict(solo, "dev.example.com", ip: "198.51.100.\(last)") == .valid)
        }
        _ = house.statements.take()
        #expect(try await house.verdict(solo, "dev.example.com", ip: "198.51.100.1") == .valid)
        #expect(house.statements.take() == [])
        #expect(try await house.count("SELECT count(*) FROM activations") == 1)
    }

    @Test("that was silent for 60 days makes room for another")
    func dormant() async throws {
        let solo = try await house.solo()
        for host in Self.hosts.prefix(3) { #expect(try await house.verdict(solo, host) == .valid) }
        #expect(try await house.verdict(solo, "example.com") == .valid)
        house.clock.advance(by: .days(61))
        #expect(try await house.verdict(solo, "example.com") == .valid)
        #expect(try await house.verdict(solo, Self.hosts[3]) == .valid)
        #expect(try await house.used(solo) == 1)
        #expect(try await house.count("SELECT count(*) FROM activations WHERE release_kind = 'dormant'") == 1)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("is none where a seat is an address or an identifier, which production may share")
    func otherIdentities() async throws {
        for counting in [SeatCounting.ip, .installationID] {
            var policy = PolicySettings()
            policy.countedBy = counting
            let license = try await house.issue(seats: 1, choosing: policy)
            #expect(try await house.verdict(license, domain: "staging.example.com", id: "install-0001") == .valid)
            #expect(try await house.used(license) == 1)
        }
    }
}

extension TestHouse {
    /// Changes the product's policy as `change` sets it.
    @discardableResult
    func update(
        _ code: String = "whm-panel", recounts: Bool = false, dryRun: Bool = false,
        _ change: (inout PolicySettings) -> Void
    ) async throws -> Product {
        let product = try await product(code)
        var settings = PolicySettings()
        change(&settings)
        return try await licensing.updateProduct(
            product.code, ProductChange(patch: PolicyPatch(settings), recounts: recounts), dryRun: dryRun,
            by: provenance()
        ).product
    }

    /// A license that has everything from its product.
    func inheriting(expires: Expiry = .never) async throws -> IssuedLicense {
        let new = try NewLicense(customer: try await customer().id, product: try await product(), expiry: expires)
        let fresh = try await licensing.issueLicense(new, dryRun: false, by: provenance())
        let (record, key) = (fresh.record, fresh.key)
        return IssuedLicense(id: record.license.id, key: key)
    }
}

@Suite("A limit that was lowered below the seats taken")
struct LoweredLimitTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private func filled(expires: Expiry = .never) async throws -> IssuedLicense {
        try await house.update { $0.maxActivations = 3 }
        let license = try await house.inheriting(expires: expires)
        for name in ["a", "b", "c"] {
            #expect(try await house.verdict(license, "\(name).example.com") == .valid)
            house.clock.advance(by: .minutes(1))
        }
        return license
    }

    @Test("leaves the seats for 30 days with a dated warning, gives no new one, then releases the newest")
    func lowered() async throws {
        let license = try await filled()
        let until = (house.clock.now() + .days(30)).wholeSeconds
        try await house.update { $0.maxActivations = 1 }
        for name in ["a", "b", "c"] {
            let answer = try await house.validate(license.key, domain: "\(name).example.com")
            #expect(answer.verdict == .valid)
            #expect(answer.warnings == [.overLimit(until: until)])
        }
        #expect(try await house.verdict(license, "d.example.com") == .activationLimit)
        #expect(try await house.inconsistencies() == [])
        house.clock.set(to: until - .seconds(1))
        #expect(try await house.keepSeats() == 0)
        house.clock.set(to: until)
        #expect(try await house.keepSeats() == 2)
        #expect(try await house.verdict(license, "a.example.com") == .valid, "the oldest stays")
        #expect(try await house.verdict(license, "b.example.com") == .activationLimit)
        #expect(try await house.verdict(license, "c.example.com") == .activationLimit)
        #expect(try await house.validate(license.key, domain: "a.example.com").warnings == [])
        #expect(try await house.inconsistencies() == [])
    }

    @Test("leaves them through the paid period when that is longer, and a date once told stays")
    func paidPeriod() async throws {
        let end = house.clock.now().date.adding(days: 200)
        let license = try await filled(expires: .through(end))
        try await house.update { $0.maxActivations = 2 }
        #expect(try await house.licensing.license(license.id)?.license.overLimitUntil == end.end)
        house.clock.advance(by: .days(5))
        try await house.update { $0.maxActivations = 1 }
        #expect(try await house.licensing.license(license.id)?.license.overLimitUntil == end.end)
    }

    @Test("and raised again, or lifted, is forgotten", arguments: [3, 10, 0])
    func raised(seats: Int) async throws {
        let license = try await filled()
        try await house.update { $0.maxActivations = 1 }
        try await house.update { $0.maxActivations = seats }
        #expect(try await house.validate(license.key, domain: "a.example.com").warnings == [])
        #expect(try await house.licensing.license(license.id)?.license.overLimitUntil == nil)
        house.clock.advance(by: .days(31))
        #expect(try await house.keepSeats() == 0)
        #expect(try await house.used(license) == 3)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("and met by releases is forgotten too")
    func released() async throws {
        let license = try await filled()
        try await house.update { $0.maxActivations = 2 }
        try await house.release(.domain(try CanonicalDomain("b.example.com"), nil), of: license)
        #expect(try await house.licensing.license(license.id)?.license.overLimitUntil == nil)
        #expect(try await house.verdict(license, "d.example.com") == .activationLimit)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("is nothing to a license that chooses its own, and a dry run changes nothing")
    func others() async throws {
        let license = try await filled()
        let own = try await house.issue(seats: 3)
        for name in ["a", "b", "c"] { #expect(try await house.verdict(own, "\(name).example.com") == .valid) }
        try await house.update(dryRun: true) { $0.maxActivations = 1 }
        #expect(try await house.validate(license.key, domain: "a.example.com").warnings == [])
        try await house.update { $0.maxActivations = 1 }
        #expect(try await house.validate(own.key, domain: "a.example.com").warnings == [])
        #expect(try await house.validate(license.key, domain: "a.example.com").warnings.count == 1)
    }
}

@Suite("Counting seats in another way")
struct RecountTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    @Test("needs to be said while seats exist, and nothing is changed without")
    func needed() async throws {
        try await house.update { $0.maxActivations = 5 }
        let license = try await house.inheriting()
        try await house.update { $0.ipv6Prefix = 56 }
        #expect(try await house.verdict(license, "a.example.com") == .valid)
        #expect(try await house.verdict(license, "b.example.com") == .valid)
        await #expect(throws: LicensingRefusal.recountNeeded(seats: 2)) {
            try await house.update { $0.countedBy = .ip }
        }
        await #expect(throws: LicensingRefusal.recountNeeded(seats: 2)) {
            try await house.update { $0.ipv6Prefix = 48 }
        }
        #expect(try await house.product().policy.countedBy == .domain)
        #expect(try await house.verdict(license, "a.example.com") == .valid)
        let own = try await house.issue(seats: 2, choosing: try own())
        #expect(try await house.verdict(own, "a.example.com") == .valid)
        try await house.release(.all, of: license)
        try await house.update { $0.countedBy = .ip }
        #expect(try await house.verdict(license, "a.example.com") == .valid)
    }

    /// A license that chooses how its seats are counted.
    private func own() throws -> PolicySettings {
        var settings = PolicySettings()
        settings.countedBy = .domain
        settings.ipv6Prefix = 64
        return settings
    }

    @Test("makes one seat of the domains of an address, and those who were in stay in")
    func domainsToAddresses() async throws {
        try await house.update { $0.maxActivations = 5 }
        let license = try await house.inheriting()
        for name in ["a", "b", "c"] { #expect(try await house.verdict(license, "\(name).example.com") == .valid) }
        #expect(try await house.verdict(license, "a.example.com", ip: "198.51.100.1") == .valid)
        try await house.update(recounts: true) { $0.countedBy = .ip }
        #expect(try await house.used(license) == 2)
        _ = house.statements.take()
        for name in ["a", "b", "c", "d"] { #expect(try await house.verdict(license, "\(name).example.com") == .valid) }
        #expect(try await house.verdict(license, "a.example.com", ip: "198.51.100.1") == .valid)
        #expect(house.statements.take() == [], "memory knows")
        #expect(try await house.inconsistencies() == [])
        try await house.expectMemoryEqualsDatabase([license], domains: ["a.example.com"], addresses: ["198.51.100.1"])
    }

    @Test("goes by the identifier that came along, and releases those of which none is known")
    func domainsToIdentifiers() async throws {
        try await house.update { $0.maxActivations = 5 }
        let license = try await house.inheriting()
        #expect(try await house.verdict(license, domain: "a.example.com", id: "install-0001") == .valid)
        #expect(try await house.verdict(license, "b.example.com") == .valid)
        try await house.update(recounts: true) { $0.countedBy = .installationID }
        #expect(try await house.used(license) == 1)
        #expect(try await house.verdict(license, domain: "z.example.com", id: "install-0001") == .valid)
        #expect(try await house.used(license) == 1)
        #expect(try await house.validate(license.key, domain: "b.example.com").verdict == .notActivated)
        try await house.update(recounts: true) { $0.countedBy = .domain }
        #expect(try await house.verdict(license, "z.example.com") == .valid, "and back by the domain said last")
        #expect(try await house.used(license) == 1)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("into more seats than the license has leaves them, as a lowered limit does")
    func more() async throws {
        try await house.update { $0.maxActivations = 1 }
        let license = try await house.inheriting()
        for last in 1...3 {
            #expect(try await house.verdict(license, "a.example.com", ip: "198.51.100.\(last)") == .valid)
        }
        try await house.update(recounts: true) { $0.countedBy = .ip }
        #expect(try await house.used(license) == 3)
        let answer = try await house.validate(license.key, domain: "a.example.com", ip: "198.51.100.1")
        #expect(answer.verdict == .valid && answer.warnings.count == 1)
        #expect(try await house.inconsistencies() == [])
        house.clock.advance(by: .days(31))
        #expect(try await house.keepSeats() == 2)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("by a wider prefix joins addresses, and a claim made before it is made anew")
    func prefix() async throws {
        try await house.update {
            $0.maxActivations = 5
            $0.addressesPerSeat = 2
            $0.ipv6Prefix = 64
        }
        let license = try await house.inheriting()
        let addresses = ["2001:db8:1:1::1", "2001:db8:1:2::1", "2001:db8:1:3::1"]
        for address in addresses { #expect(try await house.verdict(license, "a.example.com", ip: address) == .valid) }
        #expect(try await house.used(license) == 2)
        try await house.update(recounts: true) { $0.ipv6Prefix = 48 }
        #expect(try await house.used(license) == 1)
        for address in addresses { #expect(try await house.verdict(license, "a.example.com", ip: address) == .valid) }
        #expect(try await house.count("SELECT count(*) FROM seat_addresses") == 1)
        #expect(try await house.inconsistencies() == [])
    }
}

@Suite("Two domains that become one")
struct MergeTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private func merge(_ from: String, into domain: String, of license: IssuedLicense) async throws -> Int {
        try await house.licensing.change(
            .merge(CanonicalDomain(from), into: CanonicalDomain(domain)), of: license.id, dryRun: false,
            by: house.provenance()
        ).released.count
    }

    @Test("have one seat with the addresses of both, as many as it holds")
    func both() async throws {
        let license = try await house.issue(seats: 2)
        for (domain, last) in [("old.example.com", 1), ("old.example.com", 2), ("example.com", 3), ("example.com", 4)] {
            #expect(try await house.verdict(license, domain, ip: "198.51.100.\(last)") == .valid)
            house.clock.advance(by: .minutes(1))
        }
        #expect(try await merge("old.example.com", into: "example.com", of: license) == 1)
        #expect(try await house.used(license) == 1)
        _ = house.statements.take()
        for last in [2, 3, 4] {
            #expect(try await house.verdict(license, "example.com", ip: "198.51.100.\(last)") == .valid)
        }
        #expect(house.statements.take() == [])
        #expect(try await house.verdict(license, "old.example.com") == .notActivated)
        #expect(try await house.inconsistencies() == [])
        try await house.expectMemoryEqualsDatabase(
            [license], domains: ["example.com", "old.example.com"], addresses: (1...4).map { "198.51.100.\($0)" })
    }

    @Test("go on under the new one when that has no seat yet")
    func rename() async throws {
        let license = try await house.solo()
        #expect(try await house.verdict(license, domain: "old.example.com", id: "install-0001") == .valid)
        #expect(try await merge("old.example.com", into: "example.com", of: license) == 1)
        _ = house.statements.take()
        #expect(try await house.verdict(license, "example.com") == .valid)
        #expect(house.statements.take() == [])
        #expect(try await house.used(license) == 1)
        #expect(
            try await house.texts("SELECT type FROM journal ORDER BY sequence DESC LIMIT 1") == ["activation.merged"])
        #expect(try await house.inconsistencies() == [])
    }

    @Test("are refused when the one has no seat")
    func unknown() async throws {
        let license = try await house.solo()
        await #expect(throws: LicensingRefusal.installationUnknown) {
            try await merge("old.example.com", into: "example.com", of: license)
        }
    }
}
