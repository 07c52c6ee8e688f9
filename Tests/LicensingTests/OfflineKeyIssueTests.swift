import LicenseToken
import Licensing
import Primitives
import TestSupport
import Testing

// Licensing has an Installation of its own, which is not meant here.
import struct LicenseToken.Installation

@Suite("Offline keys under a license")
struct OfflineKeyIssueTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private func issue(
        _ license: IssuedLicense, _ binding: OfflineBinding, dryRun: Bool = false
    ) async throws -> IssuedOfflineKey {
        try await house.licensing.issueOfflineKey(
            of: license.id, bound: binding, dryRun: dryRun, by: house.provenance())
    }

    private func domain(_ text: String) throws -> OfflineBinding { .domain(try CanonicalDomain(text)) }

    private func verdict(_ key: String, _ domain: String) async throws -> Verdict {
        let request = ValidationRequest(
            licenseKey: key, installation: try house.installation(domain: domain), product: nil, nonce: nil,
            activates: true)
        return try await house.licensing.validator.answer(request, by: house.provenance()).verdict
    }

    @Test("a key says what the license is, and holds where it is bound to and nowhere else")
    func says() async throws {
        let license = try await house.issue(seats: 3, expires: .through(house.clock.now().date.adding(days: 9)))
        let issued = try await issue(license, try domain("Example.com"))
        let product = try await house.product()
        let names = try await house.licensing.offlineKeyNames(of: product)
        let verifier = OfflineKeyVerifier(
            keys: try LicenseKeySet(jwks: house.licensing.keys.document(at: house.clock.now()).json),
            productNumber: names.number, names: names)
        let now = house.clock.now()
        let key = try OfflineKey(issued.key.text)
        let verified = try verifier.verify(key, for: Installation(domain: "example.com"), at: now.seconds)
        #expect(verified.licenseID == license.id.description)
        #expect(verified.licenseType == "professional")
        #expect(Set(verified.features) == ["whm", "billing", "support"])
        #expect(verified.activationsMax == 3)
        #expect(verified.expiresAt == now.date.adding(days: 10).daysSinceEpoch * CivilDate.secondsPerDay)
        #expect(throws: LicenseTokenError.self) {
            try verifier.verify(key, for: Installation(domain: "example.net"), at: now.seconds)
        }
    }

    @Test("the key is accepted as license key, in any spelling, and only for what it is bound to")
    func accepted() async throws {
        let license = try await house.acme()
        let key = try await issue(license, try domain("example.com")).key.text
        #expect(try await verdict(key, "example.com") == .valid)
        #expect(try await verdict(key.lowercased().replacing("-", with: " "), "example.com") == .valid)
        #expect(try await verdict(key, "example.net") == .domainNotAllowed)
        let other = try await house.secondService()
        let request = ValidationRequest(
            licenseKey: key, installation: try house.installation(domain: "example.com"), product: nil, nonce: nil,
            activates: false)
        #expect(try await other.validator.answer(request, by: house.provenance()).verdict == .valid)
        let stranger = try await TestHouse().acme().key.text
        #expect(try await verdict(stranger, "example.com") == .notFound)
        #expect(try await verdict(String(key.dropLast()), "example.com") == .keyMalformed)
    }

    @Test("an unbound key works anywhere, and the journal says that it is unbound")
    func unbound() async throws {
        let key = try await issue(try await house.acme(), .unbound).key.text
        #expect(try await verdict(key, "example.com") == .valid)
        #expect(try await verdict(key, "example.net") == .valid)
        let events = try await house.texts("SELECT data FROM journal WHERE type = 'license.offline_key_issued'")
        #expect(events.count == 1)
        #expect(events.first?.contains(#""binding":"unbound""#) == true)
    }

    @Test("the domain of a bound key is in no open fact of the journal")
    func personal() async throws {
        _ = try await issue(try await house.acme(), try domain("bound.example.com"))
        let events = try await house.texts("SELECT data FROM journal WHERE type = 'license.offline_key_issued'")
        #expect(events.allSatisfy { !$0.contains("bound.example.com") })
    }

    @Test("a license shows its own key and its last symbols, whatever offline keys it has")
    func ownKey() async throws {
        let license = try await house.acme()
        house.clock.advance(by: .seconds(60))
        _ = try await issue(license, .unbound)
        #expect(try await house.licensing.key(of: license.id) == license.key)
        #expect(try await house.licensing.license(license.id)?.last4 == license.key.last4)
    }

    @Test("numbers are only added: a name keeps its number, a new one gets the next")
    func numbers() async throws {
        let product = try await house.product()
        func add(_ types: [String], _ features: [String]) async throws -> OfflineKeyNames {
            try await house.licensing.addOfflineKeyNames(
                types: types.compactMap { Slug($0) }, features: features.compactMap { Slug($0) }, to: product,
                dryRun: false, by: house.provenance())
        }
        #expect(try await add(["professional"], ["whm", "billing"]).features == ["whm": 0, "billing": 1])
        let grown = try await add(["reseller", "professional"], ["support", "billing"])
        #expect(grown.types == ["professional": 1, "reseller": 2])
        #expect(grown.features == ["whm": 0, "billing": 1, "support": 2])
        _ = try await add([], (3..<64).map { "f\($0)" })
        await #expect(throws: OfflineRefusal.numbersUsedUp(.feature)) { try await add([], ["one-more"]) }
        #expect(try await house.count("SELECT count(*) FROM product_codes WHERE kind = 'feature'") == 64)
    }

    @Test("nothing is issued for a license that is not in force, that does not allow the domain, or just to try")
    func refused() async throws {
        let lapsed = try await house.lapsed()
        await #expect(throws: OfflineRefusal.notInForce(.expired)) { try await issue(lapsed, .unbound) }
        var settings = PolicySettings()
        settings.allowedDomains = [try #require(HostPattern(grant: "example.com"))]
        let narrow = try await house.issue(choosing: settings)
        await #expect(throws: OfflineRefusal.notInForce(.domainNotAllowed)) {
            try await issue(narrow, try domain("example.net"))
        }
        var duration = PolicySettings()
        duration.durationDays = 30
        let unstarted = try await house.issue(choosing: duration)
        await #expect(throws: OfflineRefusal.notStarted) { try await issue(unstarted, .unbound) }
        let key = try await issue(try await house.acme(), .unbound, dryRun: true).key.text
        #expect(try await verdict(key, "example.com") == .notFound)
        #expect(try await house.count("SELECT count(*) FROM license_keys WHERE kind = 'offline'") == 0)
        #expect(try await house.count("SELECT count(*) FROM product_codes") == 0)
    }
}
