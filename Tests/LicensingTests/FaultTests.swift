import Customers
import Database
import Licensing
import Primitives
import TestSupport
import Testing

/// Whatever fails at whatever point: a change is there with everything that belongs to it, or not at all.
@Suite("A fault at any point")
struct FaultTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    /// Everything that a change may touch, as one text.
    private func state() async throws -> [String] {
        try await house.texts(
            """
            SELECT 'license ' || id || ' ' || used || ' ' || version FROM licenses
            UNION ALL SELECT 'key ' || hex(key_hash) FROM license_keys
            UNION ALL SELECT 'seat ' || id || ' ' || coalesce(CAST(released_at AS TEXT), '-') FROM activations
            UNION ALL SELECT 'place ' || hex(place_key) || ' ' || activation_id || ' ' || last_seen FROM seat_addresses
            UNION ALL SELECT 'event ' || sequence || ' ' || type FROM journal
            UNION ALL SELECT 'product ' || code FROM products
            UNION ALL SELECT 'signing ' || kid FROM signing_keys
            ORDER BY 1
            """)
    }

    /// Errors that a statement may end with: for one claim alone, or for the whole batch.
    private static let errors: [DatabaseError] = [
        .unavailable(detail: "planned by a test"), .conflict(detail: "planned by a test"),
    ]

    @Test("of an activation leaves no trace of it, in the database or in memory", arguments: errors)
    func activation(error: DatabaseError) async throws {
        let acme = try await house.acme()
        #expect(try await house.verdict(acme, "example.com") == .valid)
        let before = try await state()
        let faults = try await house.failEverywhere(with: error) {
            _ = try await house.validate(acme.key, domain: "new.example.com")
        } afterwards: { () async throws in
            #expect(try await state() == before)
            #expect(try await house.verdict(acme, "new.example.com", activates: false) == .notActivated)
            #expect(try await house.validate(acme.key, domain: "example.com").license?.facts.used == 1)
        }
        #expect(faults >= 7, "license, seats, seat, counter, place, key and event, and the commit")
        #expect(try await house.verdict(acme, "new.example.com", activates: false) == .valid)
        #expect(try await house.used(acme) == 2)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("of a further address leaves the seat as it was", arguments: errors)
    func joining(error: DatabaseError) async throws {
        let solo = try await house.solo()
        for last in 1...3 { #expect(try await house.verdict(solo, "example.com", ip: "198.51.100.\(last)") == .valid) }
        house.clock.advance(by: .hours(49))
        #expect(try await house.verdict(solo, "example.com", ip: "198.51.100.3") == .valid)
        try await house.licensing.storeLastSeen()
        let before = try await state()
        let faults = try await house.failEverywhere(with: error) {
            _ = try await house.validate(solo.key, domain: "example.com", ip: "198.51.100.4")
        } afterwards: { () async throws in
            #expect(try await state() == before)
        }
        #expect(faults >= 7)
        let addresses = try await house.texts("SELECT address FROM seat_addresses ORDER BY address")
        #expect(addresses == ["198.51.100.3", "198.51.100.4"])
        #expect(try await house.inconsistencies() == [])
    }

    @Test("of a release leaves every seat taken")
    func release() async throws {
        let acme = try await house.acme()
        let domains = ["a.example.com", "b.example.com", "c.example.com"]
        for domain in domains { #expect(try await house.verdict(acme, domain) == .valid) }
        let before = try await state()
        let faults = try await house.failEverywhere {
            _ = try await house.licensing.release(.all, of: acme.id, dryRun: false, by: house.provenance())
        } afterwards: { () async throws in
            #expect(try await state() == before)
            for domain in domains { #expect(try await house.verdict(acme, domain, activates: false) == .valid) }
        }
        #expect(faults >= 12)
        #expect(try await house.used(acme) == 0)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("of issuing leaves neither license nor key nor event")
    func issuing() async throws {
        let product = try await house.product()
        let customer = try await house.customer()
        let new = try NewLicense(
            customer: customer.id, product: product, expiry: .never)
        let before = try await state()
        let faults = try await house.failEverywhere {
            _ = try await house.licensing.issueLicense(new, dryRun: false, by: house.provenance())
        } afterwards: { () async throws in
            #expect(try await state() == before)
        }
        #expect(faults >= 5)
        #expect(try await state().count == before.count + 3)
    }

    @Test("of creating a product leaves none, also not for validation")
    func product() async throws {
        let new = try NewProduct(code: "p")
        let before = try await state()
        _ = try await house.failEverywhere {
            _ = try await house.licensing.createProduct(new, dryRun: false, by: house.provenance())
        } afterwards: { () async throws in
            #expect(try await state() == before)
        }
        #expect(try await house.licensing.product(code: "p") != nil)
    }

    @Test(
        "that the database itself finds, in any table that an activation writes, leaves no trace of it",
        arguments: [
            "INSERT ON activations", "UPDATE ON licenses", "INSERT ON seat_addresses", "INSERT ON journal",
        ])
    func trigger(event: String) async throws {
        let acme = try await house.acme()
        let before = try await state()
        for when in ["BEFORE", "AFTER"] {
            for sql in TestDatabase.trigger("fault", "\(when) \(event)", says: "fault") { try await house.execute(sql) }
            await #expect(throws: DatabaseError.self) { try await house.verdict(acme, "example.com") }
            #expect(try await state() == before)
            try await house.execute(TestDatabase.droppingTrigger("fault"))
        }
        #expect(try await house.verdict(acme, "example.com", activates: false) == .notActivated)
        #expect(try await house.verdict(acme, "example.com") == .valid)
        #expect(try await house.inconsistencies() == [])
    }

    @Test(
        "because the disk is full is said to be temporary, leaves no trace, and passes",
        .enabled(if: !TestDatabase.isShared, "a limit on SQLite's pages"), arguments: [1, 20])
    func full(together: Int) async throws {
        let license = try await house.issue(seats: 0)
        let pages = try await house.count("PRAGMA page_count")
        try await house.database.write { _ = try $0.reading.count("PRAGMA max_page_count = \(pages + 16)") }
        var stored = 0
        var refused = 0
        for round in 0..<200 where refused == 0 {
            house.clock.advance(by: .minutes(5))
            let before = try await state()
            let results = await Crowd.run(together) { number in
                try await house.verdict(license, "s\(round)-\(number).example.com")
            }
            for result in results {
                switch result {
                case .success(let verdict):
                    #expect(verdict == .valid)
                    stored += 1
                case .failure(DatabaseError.unavailable): refused += 1
                case .failure(let error): Issue.record("\(error)")
                }
            }
            if refused == together { #expect(try await state() == before) }
        }
        #expect(stored > 0 && refused > 0)
        #expect(try await house.used(license) == stored)
        #expect(try await house.inconsistencies() == [])
        try await house.database.write { _ = try $0.reading.count("PRAGMA max_page_count = 1000000") }
        house.clock.advance(by: .minutes(5))
        #expect(try await house.verdict(license, "after.example.com") == .valid)
    }
}
