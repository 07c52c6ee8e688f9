import Customers
import Database
import Licensing
import Primitives
import Secrets
import TestSupport
import Testing

@Suite("A product")
struct ProductTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private func new(_ code: String = "whm-panel", name: String? = nil, settings: PolicySettings = PolicySettings())
        throws -> NewProduct
    {
        try NewProduct(code: code, name: name, settings: settings)
    }

    @Test("is created with its policy, found by its code and listed")
    func created() async throws {
        var settings = PolicySettings()
        settings.licenseType = Slug("enterprise")
        settings.features = ["b", "a"].compactMap { Slug($0) }
        settings.maxActivations = 0
        settings.addressesPerSeat = 50
        settings.tokenDays = 90
        let product = try await house.licensing.createProduct(
            new("panel.v2", name: "Ein Produkt „für“ alle", settings: settings), dryRun: false,
            by: house.provenance())
        #expect(product.policy == Policy(settings))
        #expect(product.policy.tokenLifeSeconds == 90 * 86_400)
        #expect(product.policy.features.map(\.text) == ["b", "a"], "in the vendor's order")
        #expect(try await house.licensing.product(code: "panel.v2") == product)
        #expect(try await house.licensing.product(code: "PANEL.V2") == nil)
        #expect(try await house.licensing.product(code: "no such code") == nil)
        #expect(try new().details.name == "whm-panel")
        #expect(Policy().tokenLifeSeconds == 14 * 86_400)
    }

    @Test("whose code is taken is refused")
    func taken() async throws {
        let first = try await house.product()
        await #expect(throws: LicensingRefusal.productExists(first.code)) {
            try await house.licensing.createProduct(new(), dryRun: false, by: house.provenance())
        }
        #expect(try await house.count("SELECT count(*) FROM products") == 1)
    }

    @Test("as a dry run is neither stored nor known to validation")
    func dryRun() async throws {
        let product = try await house.licensing.createProduct(new("other"), dryRun: true, by: house.provenance())
        #expect(product.code.text == "other")
        #expect(try await house.count("SELECT count(*) FROM products") == 0)
        #expect(try await house.count("SELECT count(*) FROM journal WHERE subject LIKE 'product:%'") == 0)
        let acme = try await house.acme()
        #expect(try await house.validate(acme.key, domain: "example.com", product: "other").verdict == .productMismatch)
    }

    @Test("is listed in order of creation, page by page")
    func paging() async throws {
        for number in 1...5 { try await house.product("p\(number)") }
        func page(_ number: Int) async throws -> Listing<Product> {
            try await house.licensing.products(try #require(Page(number: number, perPage: 2)))
        }
        #expect(try await page(1).items.map(\.code.text) == ["p1", "p2"])
        #expect(try await page(3).items.map(\.code.text) == ["p5"])
        #expect(try await page(4).items.isEmpty)
        #expect(try await page(4).total == 5)
    }

    @Test("that is out of range is refused, naming each member")
    func invalid() throws {
        func members(_ body: () throws -> Void) -> [String] {
            #expect(throws: InvalidInput.self, performing: body)?.violations.map(\.member) ?? []
        }
        #expect(members { _ = try new("Not A Code") } == ["code"])
        #expect(members { _ = try new(name: "") } == ["name"])
        #expect(members { _ = try new(name: String(repeating: "x", count: 201)) } == ["name"])
        #expect(members { _ = try new(name: "a\u{7}b") } == ["name"])
        #expect(members { _ = try NewProduct(code: "p", actionURL: "http://example.com") } == ["action_url"])
        #expect(members { _ = try KeyFormat(groups: 3, prefix: nil) } == ["key_groups"])
        #expect(members { _ = try KeyFormat(groups: 8, prefix: nil) } == ["key_groups"])
        for prefix in ["A", "NINELONGX", "whm", "W-M"] {
            #expect(members { _ = try KeyFormat(groups: nil, prefix: prefix) } == ["key_prefix"])
        }
    }
}

@Suite("A license")
struct LicenseTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    @Test("is issued with a key, found by either, and opens at once")
    func issued() async throws {
        let expiry = try Expiry("+365 days", member: "expires", today: house.clock.now().date)
        let acme = try await house.issue(seats: 3, expires: expiry, graceDays: 7)
        let record = try #require(try await house.licensing.license(acme.id))
        #expect(record.license.expiresAt?.description == "2027-11-24T00:00:00Z")
        #expect(record.license.policy.graceSeconds == 7 * 86_400)
        #expect(record.license.used == 0 && record.license.version == 1 && record.license.statusIndex == 0)
        #expect(record.license.customerID.rawValue == 123)
        #expect(record.productCode.text == "whm-panel")
        #expect(record.last4 == acme.key.last4)
        #expect(try await house.licensing.key(typed: acme.key.text, member: "k")?.license == acme.id)
        #expect(try await house.verdict(acme, "example.com") == .valid)
    }

    @Test("keeps no key in clear, but one that its owner's operator can be shown again")
    func keyAtRest() async throws {
        let acme = try await house.acme()
        let needles = [acme.key.text, String(decoding: acme.key.canonicalBytes, as: UTF8.self)]
        let stored = try await house.texts(
            "SELECT hex(key_hash) || '|' || hex(encrypted) || '|' || last4 || '|' || kind FROM license_keys")
        let journal = try await house.texts("SELECT data FROM journal")
        for needle in needles {
            let hex = needle.utf8.map { String($0, radix: 16, uppercase: true) }.joined()
            #expect(!(stored + journal).contains { $0.contains(needle) || $0.contains(hex) })
        }
        #expect(stored[0].hasSuffix("|\(acme.key.last4)|native"))
        let row = try #require(
            try await house.database.read { transaction in
                try transaction.first("SELECT key_hash, encrypted FROM license_keys") { [$0.blob(0), $0.blob(1)] }
            })
        let context = "license_keys.encrypted:\(Base64URL.encode(row[0]))"
        #expect(house.secrets.dataKey.open(row[1], context: context) == acme.key.canonicalBytes)
    }

    @Test("of nobody or of a closed customer is refused")
    func refused() async throws {
        let product = try await house.product()
        let customer = try await house.customer()
        func new(_ id: CustomerID) throws -> NewLicense {
            try NewLicense(customer: id, product: product, expiry: .never)
        }
        func issue(_ new: NewLicense) async throws {
            _ = try await house.licensing.issueLicense(new, dryRun: false, by: house.provenance())
        }
        let nobody = try new(#require(ID(999)))
        await #expect(throws: LicensingRefusal.customerUnknown("999")) { try await issue(nobody) }
        try await house.execute("UPDATE customers SET state = 'closed'")
        let closed = try new(customer.id)
        await #expect(throws: LicensingRefusal.customerClosed("123")) { try await issue(closed) }
        #expect(try await house.count("SELECT count(*) FROM licenses") == 0)
    }

    @Test("as a dry run is not stored, and its key opens nothing")
    func dryRun() async throws {
        let product = try await house.product()
        let new = try NewLicense(
            customer: try await house.customer().id, product: product, expiry: .never)
        let fresh = try await house.licensing.issueLicense(new, dryRun: true, by: house.provenance())
        let (record, key) = (fresh.record, fresh.key)
        #expect(try await house.licensing.license(record.license.id) == nil)
        #expect(try await house.licensing.key(typed: key.text, member: "k") == nil)
        #expect(try await house.validate(key, domain: "example.com").verdict == .notFound)
        #expect(try await house.count("SELECT count(*) FROM license_keys") == 0)
    }

    @Test("is listed newest first, filtered and page by page")
    func listing() async throws {
        let acme = try await house.acme()
        let lapsed = try await house.lapsed()
        let graceful = try await house.lapsed(graceDays: 7)
        let other = try await house.issue(product: "other")
        func ids(_ filter: LicenseFilter, _ number: Int = 1, _ perPage: Int = 50) async throws -> [LicenseID] {
            let page = try #require(Page(number: number, perPage: perPage))
            return try await house.licensing.licenses(filter, page, at: house.clock.now()).items.map(\.license.id)
        }
        #expect(try await ids(LicenseFilter()) == [other.id, graceful.id, lapsed.id, acme.id])
        #expect(try await ids(LicenseFilter(), 2, 3) == [acme.id])
        #expect(try await ids(LicenseFilter(), 3, 3) == [])
        #expect(try await ids(LicenseFilter(status: .expired)) == [lapsed.id])
        #expect(try await ids(LicenseFilter(status: .grace)) == [graceful.id])
        let product = try #require(try await house.licensing.product(code: "other"))
        #expect(try await ids(LicenseFilter(product: product.id)) == [other.id])
        #expect(try await ids(LicenseFilter(status: .expired, product: product.id)) == [])
        #expect(try await ids(LicenseFilter(customer: ID(124))) == [])
        #expect(try await ids(LicenseFilter(status: .active, customer: ID(123))) == [other.id, acme.id])
        let page = try #require(Page(number: 1, perPage: 1))
        #expect(try await house.licensing.licenses(LicenseFilter(), page, at: house.clock.now()).total == 4)
    }

    @Test("whose key was revoked is found by its number only")
    func revokedKey() async throws {
        let acme = try await house.acme()
        try await house.execute("UPDATE license_keys SET revoked_at = 1")
        let service = try await house.secondService()
        #expect(try await service.key(typed: acme.key.text, member: "k") == nil)
        #expect(try await service.license(acme.id)?.license.id == acme.id)
        #expect(try await house.verdict(acme, "example.com", in: service) == .notFound)
    }

    @Test("has an index in the status list that no other has")
    func statusIndexes() async throws {
        var indexes: [Int64?] = []
        for _ in 0..<5 { indexes.append(try await house.licensing.license(house.solo().id)?.license.statusIndex) }
        #expect(indexes == [0, 1, 2, 3, 4])
    }
}

@Suite("A check of a license")
struct CheckTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    @Test("of a malformed key says so before anything else, and looks nothing up")
    func malformed() async throws {
        let acme = try await house.acme()
        _ = house.statements.take()
        for text in ["", "hello", String(acme.key.text.dropLast()), acme.key.text + "0"] {
            let request = ValidationRequest(
                licenseKey: text, installation: try house.installation(domain: "example.com"), product: "no-such",
                nonce: "n", activates: true)
            let answer = try await house.licensing.validator.answer(request, by: house.provenance())
            #expect(answer.verdict == .keyMalformed)
            #expect(answer.license == nil && answer.token == nil && answer.nonce == "n")
            #expect(answer.nextCheckAt > house.clock.now())
        }
        #expect(house.statements.takeWhereAlone() == [])
    }

    @Test("of an unknown key says so before it looks at the product")
    func notFound() async throws {
        var random = SeededGenerator(seed: 1)
        let answer = try await house.validate(LicenseKey(using: &random), domain: "example.com", product: "no-such")
        #expect(answer.verdict == .notFound && answer.license == nil)
    }

    @Test("follows the license's state, and it is the license that decides", arguments: ["suspended", "revoked"])
    func states(state: String) async throws {
        let acme = try await house.acme()
        #expect(try await house.verdict(acme, "example.com") == .valid)
        try await house.execute("UPDATE licenses SET state = '\(state)', version = version + 1")
        let service = try await house.secondService()
        let answer = try await house.validate(acme.key, domain: "example.com", product: "no-such", in: service)
        #expect(answer.verdict.rawValue == state.uppercased())
        #expect(answer.license?.facts.id == acme.id, "the holder of the key may know the license")
        try await house.execute("UPDATE licenses SET state = 'active', version = version + 1")
        let reinstated = try await house.secondService()
        #expect(try await house.verdict(acme, "example.com", activates: false, in: reinstated) == .valid)
    }

    /// Memory is behind the database here: the writer finds out.
    @Test(
        "by a newcomer of a license that was just revoked gets no seat and no wrong answer",
        .enabled(if: !TestDatabase.isShared, "beside other nodes memory learns of it and answers"))
    func revokedBehindMemory() async throws {
        let acme = try await house.acme()
        try await house.execute("UPDATE licenses SET state = 'revoked', version = version + 1")
        await #expect(throws: SeatQueue.Overloaded.self) { try await house.verdict(acme, "example.com") }
        #expect(try await house.count("SELECT count(*) FROM activations") == 0)
    }

    @Test("takes the default product when none is named")
    func defaultProduct() async throws {
        let settings = LicensingService.Settings(
            issuer: "signet", defaultProduct: "whm-panel", writeQueueMax: 10, writeWaitMax: TestHouse.patience)
        let house = try await TestHouse(settings: settings)
        let acme = try await house.acme()
        let other = try await house.issue(product: "other")
        #expect(try await house.verdict(acme, "example.com") == .valid)
        #expect(try await house.verdict(other, "example.com") == .productMismatch)
        #expect(try await house.validate(other.key, domain: "example.com", product: "other").verdict == .valid)
    }

    @Test("in grace is valid for those who are in, and expired for a newcomer; after it for all")
    func grace() async throws {
        let days = try Expiry("+0 days", member: "expires", today: house.clock.now().date)
        let license = try await house.issue(seats: 3, expires: days, graceDays: 7)
        #expect(try await house.verdict(license, "example.com") == .valid)
        let midnight = house.clock.now().date.end
        house.clock.set(to: midnight - .milliseconds(1))
        #expect(try await house.verdict(license, "example.com") == .valid)
        #expect(try await house.verdict(license, "late.example.com") == .valid)
        house.clock.set(to: midnight)
        #expect(try await house.verdict(license, "example.com") == .expiredGrace)
        #expect(try await house.verdict(license, "newcomer.example.com") == .expired)
        house.clock.set(to: midnight + .days(7) - .milliseconds(1))
        #expect(try await house.verdict(license, "example.com") == .expiredGrace)
        house.clock.set(to: midnight + .days(7))
        #expect(try await house.verdict(license, "example.com") == .expired)
        #expect(try await house.used(license) == 2)
    }

    @Test("in grace by a further address of a domain that holds a seat is valid too, and takes none")
    func graceJoin() async throws {
        let today = Expiry.through(house.clock.now().date)
        let license = try await house.issue(seats: 3, expires: today, graceDays: 7)
        #expect(try await house.verdict(license, "example.com", ip: "198.51.100.1") == .valid)
        house.clock.set(to: house.clock.now().date.end)
        for last in [2, 3] {
            #expect(try await house.verdict(license, "example.com", ip: "198.51.100.\(last)") == .expiredGrace)
        }
        #expect(try await house.verdict(license, "example.com", ip: "198.51.100.4") == .expired, "a further seat")
        #expect(try await house.verdict(license, "example.net", ip: "198.51.100.1") == .expired)
        let answer = try await house.validate(license.key, domain: "example.com", ip: "198.51.100.2")
        #expect(answer.verdict == .expiredGrace && answer.token != nil)
        #expect(try await house.used(license) == 1)
        _ = house.statements.take()
        #expect(try await house.verdict(license, "example.net", ip: "198.51.100.1") == .expired)
        #expect(house.statements.take() == [], "one that keeps asking is remembered")
    }
}
