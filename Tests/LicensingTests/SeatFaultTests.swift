import Database
import Licensing
import Primitives
import TestSupport
import Testing

/// Whatever fails at whatever statement of a change of seats: it is there whole, or not at all.
@Suite("A fault at any point of a change of seats")
struct SeatFaultTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private func state() async throws -> [String] {
        try await house.texts(
            """
            SELECT 'license ' || id || ' ' || used || ' ' || version || ' ' || coalesce(over_limit_until, 0)
                || ' ' || coalesce(expires_at, 0) || ' ' || product_id || ' ' || policy FROM licenses
            UNION ALL SELECT 'product ' || id || ' ' || version || ' ' || policy || ' ' || max_activations FROM products
            UNION ALL SELECT 'seat ' || id || ' ' || kind || ' ' || coalesce(release_kind, '-') || ' '
                || coalesce(held_until, 0) || ' ' || lease_minutes FROM activations
            UNION ALL SELECT 'place ' || hex(place_key) || ' ' || activation_id FROM seat_addresses
            UNION ALL SELECT 'event ' || sequence || ' ' || type FROM journal ORDER BY 1
            """)
    }

    /// Lets `change` fail at each of its statements, `least` or more, with nothing left of it, and then go through.
    private func failing(
        atLeast least: Int, domains: [String], of license: IssuedLicense, _ change: () async throws -> Void
    ) async throws {
        try await house.licensing.storeLastSeen()
        let before = try await state()
        let faults = try await house.failEverywhere(change) { () async throws in
            #expect(try await state() == before)
            try await house.expectMemoryEqualsDatabase([license], domains: domains, addresses: [TestHouse.address])
        }
        #expect(faults >= least, "\(faults) statements")
        #expect(try await state() != before)
        #expect(try await house.inconsistencies() == [])
        try await house.expectMemoryEqualsDatabase([license], domains: domains, addresses: [TestHouse.address])
    }

    @Test("leaves a move undone or done")
    func move() async throws {
        let solo = try await house.solo()
        #expect(try await house.verdict(solo, domain: "old.example.com", id: "install-0001") == .valid)
        try await failing(atLeast: 12, domains: ["old.example.com", "new.example.com"], of: solo) {
            _ = try await house.validate(solo.key, domain: "new.example.com", installationID: "install-0001")
        }
        #expect(try await house.verdict(solo, "new.example.com", activates: false) == .valid)
    }

    @Test("leaves a dormant seat with its holder or with the newcomer")
    func dormant() async throws {
        let solo = try await house.solo()
        #expect(try await house.verdict(solo, "old.example.com") == .valid)
        house.clock.advance(by: .days(61))
        try await failing(atLeast: 12, domains: ["new.example.com"], of: solo) {
            _ = try await house.validate(solo.key, domain: "new.example.com")
        }
    }

    @Test("leaves a deactivation undone or done")
    func deactivation() async throws {
        let solo = try await house.solo()
        let token = try await house.validate(solo.key, domain: "a.example.com").token
        try await failing(atLeast: 7, domains: ["a.example.com"], of: solo) {
            _ = try await house.deactivate(solo.key, domain: "a.example.com", token: token)
        }
    }

    @Test("leaves a product's seats counted in the old way or the new")
    func recount() async throws {
        try await house.update { $0.maxActivations = 2 }
        let license = try await house.inheriting()
        for last in 1...3 {
            #expect(try await house.verdict(license, "a.example.com", ip: "198.51.100.\(last)") == .valid)
        }
        try await failing(atLeast: 15, domains: ["a.example.com"], of: license) {
            try await house.update(recounts: true) { $0.countedBy = .ip }
        }
        #expect(try await house.used(license) == 3)
    }

    @Test("leaves a license in its old product or the new, its seats counted as there")
    func productMove() async throws {
        let license = try await house.issue(seats: 2)
        for last in 1...3 {
            #expect(try await house.verdict(license, "a.example.com", ip: "198.51.100.\(last)") == .valid)
        }
        var settings = PolicySettings()
        settings.countedBy = .ip
        settings.leaseMinutes = 60
        let other = try await house.product("other", choosing: settings)
        try await failing(atLeast: 15, domains: ["a.example.com"], of: license) {
            var change = LicenseChange()
            change.product = .set(other.code)
            change.recounts = true
            _ = try await house.licensing.updateLicense(
                license.id, change, dryRun: false, by: house.provenance())
        }
        #expect(try await house.used(license) == 3)
    }

    @Test("leaves two domains two or one")
    func merge() async throws {
        let license = try await house.issue(seats: 2)
        for domain in ["a.example.com", "b.example.com"] { #expect(try await house.verdict(license, domain) == .valid) }
        #expect(try await house.verdict(license, "b.example.com", ip: "198.51.100.1") == .valid)
        try await failing(atLeast: 8, domains: ["a.example.com", "b.example.com"], of: license) {
            _ = try await house.licensing.change(
                .merge(CanonicalDomain("b.example.com"), into: CanonicalDomain("a.example.com")), of: license.id,
                dryRun: false, by: house.provenance())
        }
    }

    @Test("leaves the keeper's work undone or done, license by license")
    func keeper() async throws {
        var policy = PolicySettings()
        policy.leaseMinutes = 5
        let license = try await house.issue(seats: 2, choosing: policy)
        for domain in ["a.example.com", "b.example.com"] { #expect(try await house.verdict(license, domain) == .valid) }
        house.clock.advance(by: .minutes(6))
        try await failing(atLeast: 8, domains: ["c.example.com"], of: license) { try await house.keepSeats() }
        #expect(try await house.used(license) == 0)
    }
}
