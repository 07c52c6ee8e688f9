import Customers
import Database
import Licensing
import Primitives
import TestSupport
import Testing

@Suite("An import")
struct ImportTests {
    private static let key = "Leased-0a1b2c3d4e"

    private func license(in house: TestHouse) async throws -> LicenseRecord {
        try #require(try await house.license(typed: Self.key))
    }

    @Test("brings a license with its customer, its dates, its key and where it was used")
    func brings() async throws {
        let house = try await TestHouse()
        let results = try await house.imports([.customer(), .license()])
        #expect(results.map(\.outcome) == [.created, .created, .created])
        #expect(results.flatMap(\.notes).isEmpty)
        let license = try await license(in: house).license
        #expect(license.state == .active)
        #expect(license.expiresAt?.lastValidDay.description == "2027-03-01")
        #expect(license.policy.graceSeconds == 5 * 86_400)
        let customer = try #require(try await house.licensing.customer(license.customerID))
        #expect(customer.reference == "whmcs:5")
        let seats = try await house.licensing.activations(of: license.id)
        #expect(seats.map(\.domain) == ["example.com"])
        #expect(seats.first?.addresses.map(\.address) == ["203.0.113.7"])
        #expect(try await house.check(Self.key, domain: "www.example.com").verdict == .valid)
        #expect(try await house.check(Self.key, domain: "other.example.org").verdict == .activationLimit)
        #expect(try await house.inconsistencies().isEmpty)
    }

    @Test("that is repeated changes nothing and writes nothing")
    func repeated() async throws {
        let house = try await TestHouse()
        try await house.imports([.customer(), .license()])
        let events = try await house.count("SELECT count(*) FROM journal")
        house.clock.advance(by: .days(3))
        let results = try await house.imports([.customer(), .license()])
        #expect(results.map(\.outcome) == [.unchanged, .unchanged, .unchanged])
        #expect(try await house.count("SELECT count(*) FROM journal") == events)
    }

    @Test("that is only tried tells the same and leaves nothing")
    func dryRun() async throws {
        let house = try await TestHouse(settings: .withoutGuessLimit)
        try await house.product()
        let before = try await house.count("SELECT count(*) FROM journal")
        let tried = try await house.imports([.customer(), .license()], dryRun: true)
        #expect(tried.map(\.outcome) == [.created, .created, .created])
        for table in ["licenses", "customers", "import_links", "product_secrets", "license_keys", "activations"] {
            #expect(try await house.count("SELECT count(*) FROM \(table)") == 0, "\(table)")
        }
        #expect(try await house.count("SELECT count(*) FROM journal") == before)
        #expect(try await house.check(Self.key).verdict == .keyMalformed)
        #expect(try await house.imports([.customer(), .license()]).map(\.outcome) == tried.map(\.outcome))
    }

    @Test("makes the customer of a license that comes without a line of its own, once")
    func implicitCustomer() async throws {
        let house = try await TestHouse()
        try await house.imports([.license(), .license("78", key: "Leased-other-key")])
        #expect(try await house.count("SELECT count(*) FROM customers") == 1)
        #expect(try await house.imports([.customer()]).last?.outcome == .unchanged)
    }

    @Test("finds a customer that has the other system's name as its reference")
    func knownCustomer() async throws {
        let house = try await TestHouse()
        let known = try await house.licensing.createCustomer(
            id: nil, reference: "whmcs:5", dryRun: false, by: house.provenance())
        try await house.imports([.license()])
        #expect(try await license(in: house).license.customerID == known.id)
    }

    @Test("needs products of ours to bring licenses of, and writes nothing without")
    func unknownProduct() async throws {
        let house = try await TestHouse()
        await #expect(throws: LicensingRefusal.productUnknown("nothing")) {
            try await house.imports([.license()], product: .product(["code": .string("nothing")]))
        }
        #expect(try await house.count("SELECT count(*) FROM import_links") == 0)
        let stray = try await house.imports([.license(["product": .string("13")])])
        #expect(stray.last?.notes.map(\.code) == [.productMissing])
    }

    @Test("keeps the secret of a product sealed")
    func secret() async throws {
        let house = try await TestHouse()
        try await house.imports([.license()])
        let plain = "s3cret".utf8.map { String($0, radix: 16, uppercase: true) }.joined()
        #expect(try await house.texts("SELECT hex(sealed) FROM product_secrets").allSatisfy { !$0.contains(plain) })
        #expect(try await house.texts("SELECT data FROM journal").allSatisfy { !$0.contains("s3cret") })
        let license = try await license(in: house).license
        let facts = try await house.licensing.legacyFacts(of: license.id, license.productID)
        #expect(facts.secret == "s3cret")
        try await house.imports([], product: .product(["secret": .string("newer")]))
        #expect(try await house.licensing.legacyFacts(of: license.id, license.productID).secret == "newer")
        try await house.imports([], product: .product(["secret": .null]))
        #expect(try await house.licensing.legacyFacts(of: license.id, license.productID).secret == nil)
    }

    @Test("does other lines although one of them is in conflict")
    func conflicts() async throws {
        let house = try await TestHouse()
        let results = try await house.imports([.license("1"), .license("2"), .license("3", key: "Leased-third")])
        #expect(results.map(\.outcome) == [.created, .created, .conflict, .created])
        #expect(results[2].notes.map(\.code) == [.keyTaken])
        #expect(results[2].internalID == nil)
        #expect(try await house.inconsistencies().isEmpty)
    }

    @Test("refuses a license for a customer who is closed here")
    func closedCustomer() async throws {
        let house = try await TestHouse()
        try await house.imports([.customer()])
        try await house.execute("UPDATE customers SET state = 'closed'")
        let results = try await house.imports([.license()])
        #expect(results.last?.notes.map(\.code) == [.customerClosed])
    }

    @Test("is known to a service that starts later as it is to the one that did it")
    func memoryEqualsDatabase() async throws {
        let house = try await TestHouse()
        try await house.imports([
            .license(), .license("78", key: "Leased-78", ["service_status": .string("Suspended")]),
            .license("79", key: "Leased-79", ["service_status": .string("Terminated")]),
        ])
        let second = try await house.secondService()
        for key in [Self.key, "Leased-78", "Leased-79"] {
            let here = try await house.check(key, activates: false).verdict
            #expect(try await house.check(key, activates: false, in: second).verdict == here)
        }
    }
}

// MARK: - What it makes of a standing

@Suite("An imported license")
struct ImportedLicenseTests {
    private static let key = "Leased-0a1b2c3d4e"

    @Test("is as good as it was there, or as bad")
    func verdicts() async throws {
        let house = try await TestHouse()
        let cases: [([String: JSONValue], Verdict)] = [
            ([:], .valid), (["service_status": .string("Suspended")], .suspended),
            (["status": .string("Suspended")], .suspended), (["service_status": .string("Pending")], .suspended),
            (["service_status": .string("Terminated"), "status": .string("Expired")], .revoked),
            (["service_status": .string("Fraud")], .revoked), (["status": .string("Expired")], .expired),
            (["next_due": .string("2026-11-20")], .expiredGrace), (["next_due": .string("2026-11-10")], .expired),
            (["next_due": .null], .valid), (["next_due": .string("0000-00-00")], .valid),
        ]
        for (number, (changes, verdict)) in cases.enumerated() {
            try await house.imports([.license("\(number)", key: "Leased-\(number)-key", changes)])
            #expect(try await house.check("Leased-\(number)-key").verdict == verdict, "\(changes)")
        }
        #expect(try await house.inconsistencies().isEmpty)
    }

    @Test("that is active there although payment is long due is pointed out")
    func overdue() async throws {
        let house = try await TestHouse()
        let results = try await house.imports([.license(["next_due": .string("2026-11-10")])])
        #expect(results.last?.notes.map(\.code) == [.overdue])
        #expect(results.last?.outcome == .created)
    }

    @Test("never ends by date where billing never suspends")
    func withoutSuspension() async throws {
        let house = try await TestHouse()
        try await house.imports([.license(["next_due": .string("2020-01-01")])], suspendAfterDays: nil)
        #expect(try await house.check(Self.key).verdict == .valid)
    }

    @Test("that has no end keeps having none under a product that counts days from the first activation")
    func duration() async throws {
        let house = try await TestHouse()
        var settings = PolicySettings()
        settings.durationDays = 30
        try await house.imports([.license(["next_due": .null])], choosing: settings)
        let answer = try await house.check(Self.key)
        #expect(answer.verdict == .valid)
        #expect(answer.license?.facts.expiresAt == .distantFuture)
    }

    @Test("used at more places than its product allows has a limit of its own, which is pointed out")
    func limitRaised() async throws {
        let house = try await TestHouse()
        let results = try await house.imports([
            .license(["domains": .texts(["a.example.org", "b.example.org", "c.example.org"])])
        ])
        #expect(results.last?.notes.map(\.code) == [.limitRaised])
        for domain in ["a.example.org", "b.example.org", "c.example.org"] {
            #expect(try await house.check(Self.key, domain: domain).verdict == .valid)
        }
        #expect(try await house.check(Self.key, domain: "d.example.org").verdict == .activationLimit)
    }

    @Test("of a product that allowed any domain and any address has no limit of either")
    func unlimited() async throws {
        let house = try await TestHouse()
        let product = ImportLine.product(["allows_any_domain": .bool(true), "allows_any_address": .bool(true)])
        try await house.imports([.license()], product: product)
        for number in 1...9 {
            #expect(try await house.check(Self.key, domain: "site\(number).example.org").verdict == .valid)
            #expect(try await house.check(Self.key, ip: "198.51.100.\(number)").verdict == .valid)
        }
        let answer = try await house.check(Self.key)
        #expect(answer.license?.policy.maxActivations == 0)
    }

    @Test("has a place for each domain beside its address, and else for each domain at all addresses")
    func places() async throws {
        let house = try await TestHouse()
        try await house.imports([
            .license(
                "1", key: "Leased-1-key",
                [
                    "domains": .texts(["a.example.org", "b.example.org"]),
                    "addresses": .texts(["198.51.100.1", "198.51.100.2"]),
                ]),
            .license(
                "2", key: "Leased-2-key",
                ["addresses": .texts(["198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.4"])]),
        ])
        let places = try await house.texts(
            """
            SELECT a.domain || ' ' || s.address FROM activations a JOIN seat_addresses s ON s.activation_id = a.id
            ORDER BY a.domain, s.address
            """)
        #expect(
            places == [
                "a.example.org 198.51.100.1", "b.example.org 198.51.100.2", "example.com 198.51.100.1",
                "example.com 198.51.100.2", "example.com 198.51.100.3",
            ])
    }

    @Test("used at a place that cannot be read comes without it, which is pointed out")
    func unreadable() async throws {
        let house = try await TestHouse()
        let results = try await house.imports([
            .license(["domains": .texts(["_", "example.com"]), "addresses": .texts(["unknown", "203.0.113.7"])])
        ])
        #expect(results.last?.outcome == .created)
        #expect(results.last?.notes.map(\.code) == [.locationUnreadable, .locationUnreadable])
        #expect(try await house.check(Self.key).verdict == .valid)
        #expect(try await house.count("SELECT used FROM licenses") == 1)
    }

    @Test("used on a development host only has its activation free")
    func development() async throws {
        let house = try await TestHouse()
        try await house.imports([.license(["domains": .texts(["localhost"]), "addresses": .texts(["127.0.0.1"])])])
        #expect(try await house.count("SELECT used FROM licenses") == 0)
        #expect(try await house.check(Self.key, domain: "shop.example.org").verdict == .valid)
    }

    @Test("that was reissued is free to be used anywhere, once")
    func reissued() async throws {
        let house = try await TestHouse()
        try await house.imports([.license(["status": .string("Reissued")])])
        #expect(try await house.count("SELECT used FROM licenses") == 0)
        #expect(try await house.check(Self.key, domain: "new.example.org").verdict == .valid)
        #expect(try await house.check(Self.key).verdict == .activationLimit)
    }

    @Test("takes its places although it is suspended or expired, and has them when it comes back")
    func placesOfSuspended() async throws {
        let house = try await TestHouse()
        let suspended: [String: JSONValue] = ["service_status": .string("Suspended")]
        try await house.imports([.license(suspended)])
        #expect(try await house.count("SELECT used FROM licenses") == 1)
        try await house.imports([.license()])
        #expect(try await house.check(Self.key).verdict == .valid)
        #expect(try await house.check(Self.key, domain: "new.example.org").verdict == .activationLimit)
    }

    @Test("is counted by address, or not at all, where its product counts so")
    func otherCounting() async throws {
        let house = try await TestHouse()
        var settings = PolicySettings()
        settings.countedBy = .ip
        try await house.imports(
            [.license(["domains": .texts([]), "addresses": .texts(["198.51.100.1", "198.51.100.2"])])],
            choosing: settings)
        #expect(try await house.count("SELECT used FROM licenses") == 2)
        #expect(try await house.check(Self.key, ip: "198.51.100.2").verdict == .valid)
        #expect(try await house.check(Self.key, ip: "198.51.100.3").verdict == .activationLimit)

        let other = try await TestHouse()
        settings.countedBy = .installationID
        try await other.imports([.license()], choosing: settings)
        #expect(try await other.count("SELECT used FROM licenses") == 0)
        #expect(try await other.inconsistencies().isEmpty)
    }
}
