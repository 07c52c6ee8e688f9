import Database
import Journal
import Primitives
import TestSupport
import Testing

@testable import Licensing

extension TestHouse {
    /// Changes a license as `edit` says.
    @discardableResult
    func change(
        _ license: IssuedLicense, dryRun: Bool = false, _ edit: (inout LicenseChange) throws -> Void
    ) async throws -> LicenseUpdate {
        var change = LicenseChange()
        try edit(&change)
        return try await licensing.updateLicense(license.id, change, dryRun: dryRun, by: provenance())
    }

    func patch(_ json: String) throws -> PolicyPatch {
        try PolicyPatch(try #require(try JSONReader.read(Array(json.utf8)).objectValue))
    }

    /// Events of changes, oldest first: `type data`.
    fileprivate func changeEvents() async throws -> [String] {
        try await texts("SELECT data FROM journal WHERE type = 'license.changed' ORDER BY sequence")
    }
}

@Suite("A license that is changed")
struct LicenseUpdateTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    @Test("is another at once, in one version with one event that tells the old and the new")
    func upgraded() async throws {
        let license = try await house.solo()
        #expect(try await house.verdict(license, "a.example.com") == .valid)
        #expect(try await house.verdict(license, "b.example.com") == .activationLimit)
        let update = try await house.change(license) {
            $0.patch = try house.patch(#"{"license_type":"enterprise","max_activations":2,"features":["whm"]}"#)
        }
        #expect(update.alterations.map(\.member) == ["license_type", "features", "max_activations"])
        let answer = try await house.validate(license.key, domain: "b.example.com")
        #expect(answer.verdict == .valid && answer.license?.policy.licenseType.text == "enterprise")
        #expect(
            try await house.changeEvents() == [
                #"{"changes":[{"member":"license_type","from":null,"to":"enterprise"},"#
                    + #"{"member":"features","from":null,"to":["whm"]},"#
                    + #"{"member":"max_activations","from":1,"to":2}]}"#
            ])
        #expect(try await house.inconsistencies() == [])
    }

    @Test("to what it is already keeps its version and appends nothing")
    func unchanged() async throws {
        let license = try await house.solo()
        let before = try #require(try await house.licensing.license(license.id)).license
        let events = try await house.count("SELECT count(*) FROM journal")
        let update = try await house.change(license) {
            $0.patch = try house.patch(#"{"max_activations":1,"token_days":null}"#)
            $0.product = .set(try #require(Slug("whm-panel")))
            $0.expiry = .set(.never)
            $0.batch = .set(nil)
        }
        #expect(update.alterations == [] && update.record.license == before)
        #expect(try await house.count("SELECT count(*) FROM journal") == events)
    }

    @Test("leaves a choice to its product again with null")
    func inherits() async throws {
        try await house.update { $0.maxActivations = 5 }
        let license = try await house.solo()
        #expect(try await house.verdict(license, "a.example.com") == .valid)
        #expect(try await house.verdict(license, "b.example.com") == .activationLimit)
        try await house.change(license) { $0.patch = try house.patch(#"{"max_activations":null}"#) }
        #expect(try await house.verdict(license, "b.example.com") == .valid)
        try await house.update { $0.maxActivations = 2 }
        #expect(try await house.verdict(license, "c.example.com") == .activationLimit)
    }

    @Test("tells domains and networks in the sealed part of its event only")
    func sealed() async throws {
        let license = try await house.solo()
        try await house.change(license) {
            $0.patch = try house.patch(
                #"{"allowed_domains":["secret.example.com"],"allowed_networks":["198.51.100.0/24"],"token_days":3}"#)
        }
        let data = try #require(try await house.changeEvents().first)
        #expect(!data.contains("secret.example.com") && !data.contains("198.51.100") && !data.contains("allowed"))
        #expect(data.contains(#""changes":[{"member":"token_days","from":null,"to":3}]"#))
        let journal = house.journal
        let opened = try await house.database.read { transaction in
            try transaction.all("SELECT id, data FROM journal WHERE type = 'license.changed'") {
                ($0.randomID(0), $0.text(1))
            }.compactMap { try journal.personalData(of: $0.0, data: $0.1, in: transaction) }.first
        }
        #expect(
            String(decoding: try #require(opened), as: UTF8.self)
                == #"{"changes":[{"member":"allowed_domains","from":null,"to":["secret.example.com"]},"#
                + #"{"member":"allowed_networks","from":null,"to":["198.51.100.0/24"]}]}"#)
        #expect(try await house.verdict(license, "other.example.com") == .domainNotAllowed)
    }

    @Test("in a dry run tells what would be, and is what it was")
    func dryRun() async throws {
        let license = try await house.solo()
        let update = try await house.change(license, dryRun: true) {
            $0.patch = try house.patch(#"{"max_activations":7}"#)
        }
        #expect(update.record.license.policy.maxActivations == 7 && update.alterations.count == 1)
        #expect(try await house.licensing.license(license.id)?.license.policy.maxActivations == 1)
        #expect(try await house.changeEvents() == [])
        #expect(try await house.verdict(license, "a.example.com") == .valid)
        #expect(try await house.verdict(license, "b.example.com") == .activationLimit)
    }

    @Test("below the seats taken keeps them with a date, and says so")
    func lowered() async throws {
        let acme = try await house.acme()
        for name in ["a", "b", "c"] { #expect(try await house.verdict(acme, "\(name).example.com") == .valid) }
        let update = try await house.change(acme) { $0.patch = try house.patch(#"{"max_activations":1}"#) }
        let until = (house.clock.now() + .days(30)).wholeSeconds
        #expect(update.record.license.overLimitUntil == until)
        #expect(try await house.validate(acme.key, domain: "c.example.com").warnings == [.overLimit(until: until)])
        #expect(
            try await house.texts("SELECT type FROM journal ORDER BY sequence DESC LIMIT 2")
                == ["license.over_limit", "license.changed"])
        try await house.change(acme) { $0.patch = try house.patch(#"{"max_activations":3}"#) }
        #expect(try await house.validate(acme.key, domain: "c.example.com").warnings == [])
        #expect(try await house.inconsistencies() == [])
    }

    @Test("to another way of counting needs to be told to count anew")
    func recount() async throws {
        let acme = try await house.acme()
        for name in ["a", "b"] { #expect(try await house.verdict(acme, "\(name).example.com") == .valid) }
        let patch = try house.patch(#"{"counted_by":"ip"}"#)
        await #expect(throws: LicensingRefusal.recountNeeded(seats: 2)) {
            try await house.change(acme) { $0.patch = patch }
        }
        #expect(try await house.changeEvents() == [])
        let update = try await house.change(acme) {
            $0.patch = patch
            $0.recounts = true
        }
        #expect(update.isRecounted && update.record.license.used == 1)
        _ = house.statements.take()
        #expect(try await house.verdict(acme, "z.example.com") == .valid)
        #expect(house.statements.take() == [], "memory knows")
        #expect(try await house.inconsistencies() == [])
    }

    @Test("ends, begins and belongs to a batch as it is told, and not before it begins")
    func term() async throws {
        let license = try await house.solo()
        let today = house.clock.now().date
        try await house.change(license) { $0.expiry = .set(.through(today)) }
        house.clock.advance(by: .days(1))
        #expect(try await house.verdict(license, "a.example.com") == .expired)
        let tomorrow = house.clock.now().date.adding(days: 1)
        try await house.change(license) {
            $0.expiry = .set(.never)
            $0.notBefore = .set(tomorrow.start)
            $0.batch = .set(Slug("reseller-1"))
        }
        #expect(try await house.verdict(license, "a.example.com") == .notYetValid)
        #expect(try await house.licensing.license(license.id)?.license.batch?.text == "reseller-1")
        await #expect(throws: LicensingRefusal.endBeforeBeginning) {
            try await house.change(license) { $0.expiry = .set(.through(today)) }
        }
        await #expect(throws: LicensingRefusal.endBeforeBeginning) {
            try await house.change(license) {
                $0.expiry = .set(.through(tomorrow))
                $0.notBefore = .set(tomorrow.end)
            }
        }
        try await house.change(license) { $0.notBefore = .set(nil) }
        #expect(try await house.verdict(license, "a.example.com") == .valid)
    }

    @Test("is refused at another version than the one that was looked at, when unknown, and when revoked")
    func refused() async throws {
        let license = try await house.solo()
        let patch = try house.patch(#"{"max_activations":9}"#)
        await #expect(throws: LicensingRefusal.versionChanged(current: 1)) {
            try await house.change(license) {
                $0.patch = patch
                $0.version = 2
            }
        }
        await #expect(throws: LicensingRefusal.productUnknown("whm-panle", near: ["whm-panel"])) {
            try await house.change(license) { $0.product = .set(try #require(Slug("whm-panle"))) }
        }
        await #expect(throws: LicensingRefusal.licenseUnknown) {
            try await house.change(IssuedLicense(id: LicenseID(rawValue: 1), key: license.key)) { $0.patch = patch }
        }
        #expect(try await house.changeEvents() == [])
        try await house.change(license, .suspend)
        try await house.change(license) {
            $0.patch = patch
            $0.version = 2
        }
        #expect(try await house.changeEvents().count == 1, "a suspended one can be prepared for its return")
        try await house.change(license, .revoke)
        await #expect(throws: LicensingRefusal.licenseRevoked) {
            try await house.change(license) { $0.patch = try house.patch(#"{"max_activations":3}"#) }
        }
        #expect(try await house.changeEvents().count == 1)
    }
}

@Suite("A license that moves to another product")
struct ProductMoveTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private func other(_ policy: String = "{}", prefix: String? = nil) async throws -> Product {
        let new = try NewProduct(
            code: "whm-pro", settings: try PolicySettings(json: Array(policy.utf8)),
            keyFormat: try KeyFormat(groups: 5, prefix: prefix))
        return try await house.licensing.createProduct(new, dryRun: false, by: house.provenance())
    }

    @Test("keeps its key and its seats, and has from the new product what it does not choose itself")
    func moved() async throws {
        let product = try await other(#"{"license_type":"pro","max_activations":7,"grace_days":5}"#)
        let license = try await house.inheriting()
        #expect(try await house.verdict(license, "a.example.com") == .valid)
        func verdict(_ product: String) async throws -> Verdict {
            try await house.validate(license.key, domain: "a.example.com", product: product).verdict
        }
        #expect(try await verdict("whm-panel") == .valid)
        let update = try await house.change(license) { $0.product = .set(product.code) }
        #expect(update.alterations == [try #require(Alteration("product", from: "whm-panel", to: "whm-pro"))])
        #expect(try await verdict("whm-panel") == .productMismatch)
        #expect(try await verdict("whm-pro") == .valid)
        let policy = try #require(
            try await house.validate(license.key, domain: "a.example.com").license?.policy)
        #expect(policy.licenseType.text == "pro" && policy.maxActivations == 7 && policy.graceSeconds == 5 * 86_400)
        #expect(try await house.used(license) == 1)
        try await house.update("whm-pro") { $0.maxActivations = 1 }
        #expect(try await house.verdict(license, "b.example.com") == .activationLimit)
        #expect(try await house.inconsistencies() == [])
        try await house.expectMemoryEqualsDatabase([license], domains: ["a.example.com", "b.example.com"])
    }

    @Test("is told with the new product's prefix and opens under both, also after a restart")
    func prefixes() async throws {
        let old = try await house.licensing.createProduct(
            try NewProduct(code: "old", keyFormat: try KeyFormat(groups: nil, prefix: "OLD")), dryRun: false,
            by: house.provenance())
        let product = try await other(prefix: "PRO")
        let license = try await house.issue(product: old.code.text)
        try await house.change(license) { $0.product = .set(product.code) }
        let told = try #require(try await house.licensing.key(of: license.id))
        #expect(told.text.hasPrefix("PRO-") && told == license.key)
        for service in [house.licensing, try await house.secondService()] {
            for text in [told.text, told.prefixed("OLD").text, told.prefixed(nil).text] {
                #expect(try await service.key(typed: text, member: "k")?.license == license.id, "\(text)")
            }
        }
    }

    @Test("that counts seats in another way is counted anew when that is said, and not moved otherwise")
    func counting() async throws {
        let product = try await other(#"{"counted_by":"ip","max_activations":1}"#)
        let license = try await house.issue(seats: 3)
        for last in 1...3 {
            #expect(try await house.verdict(license, "a.example.com", ip: "198.51.100.\(last)") == .valid)
        }
        await #expect(throws: LicensingRefusal.recountNeeded(seats: 1)) {
            try await house.change(license) { $0.product = .set(product.code) }
        }
        #expect(try await house.licensing.license(license.id)?.productCode.text == "whm-panel")
        let update = try await house.change(license) {
            $0.product = .set(product.code)
            $0.patch = try house.patch(#"{"max_activations":null}"#)
            $0.recounts = true
        }
        #expect(update.isRecounted && update.record.license.used == 3)
        #expect(update.record.license.overLimitUntil != nil)
        #expect(try await house.inconsistencies() == [])
        try await house.expectMemoryEqualsDatabase([license], domains: ["a.example.com"])
    }
}

@Suite("A product that is changed")
struct ProductUpdateTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private func update(_ change: ProductChange, dryRun: Bool = false) async throws -> ProductUpdate {
        try await house.licensing.updateProduct(
            try await house.product().code, change, dryRun: dryRun, by: house.provenance())
    }

    @Test("says for how many licenses, and a dry run says the same and changes nothing")
    func reach() async throws {
        try await house.update { $0.maxActivations = 2 }
        let license = try await house.inheriting()
        _ = try await house.inheriting()
        _ = try await house.solo()
        for name in ["a", "b"] { #expect(try await house.verdict(license, "\(name).example.com") == .valid) }
        let change = ProductChange(patch: try house.patch(#"{"max_activations":1}"#))
        let before = try await house.product()
        for dryRun in [true, false] {
            let update = try await update(change, dryRun: dryRun)
            #expect(update.licenses == 3 && update.affected == 2 && update.overLimit == 1 && update.recounted == 0)
            if dryRun { #expect(try await house.product() == before) }
        }
        let raised = try await update(ProductChange(patch: try house.patch(#"{"max_activations":5}"#)))
        #expect(raised.withinLimit == 1 && raised.overLimit == 0)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("to what it is already keeps its version and appends nothing")
    func unchanged() async throws {
        let product = try await house.product()
        let events = try await house.count("SELECT count(*) FROM journal")
        var change = ProductChange(patch: try house.patch(#"{"token_days":14,"grace_days":null}"#))
        change.name = .set(product.name)
        change.keyPrefix = .set(nil)
        let update = try await update(change)
        #expect(update.product == product && update.alterations == [])
        #expect(try await house.count("SELECT count(*) FROM journal") == events)
    }

    @Test("has its details changed one by one, each checked, and tells them in its event")
    func details() async throws {
        _ = try await house.product()
        var change = ProductChange()
        change.actionURL = .set("https://help.example.com/")
        change.keyPrefix = .set("WHM")
        let update = try await update(change)
        #expect(update.product.actionURL == "https://help.example.com/" && update.product.name == "whm-panel")
        #expect(update.alterations.map(\.member) == ["action_url", "key_prefix"] && update.affected == 0)
        let last = "FROM journal WHERE type = 'product.updated' ORDER BY sequence DESC LIMIT 1"
        let data = try #require(try await house.texts("SELECT data \(last)").first)
        #expect(data.contains(#"{"member":"key_prefix","from":null,"to":"WHM"}"#))
        var wrong = ProductChange()
        wrong.keyGroups = .set(8)
        await #expect(throws: InvalidInput.self) { try await self.update(wrong) }
        wrong = ProductChange()
        wrong.version = 1
        await #expect(throws: LicensingRefusal.versionChanged(current: 2)) { try await self.update(wrong) }
    }

    @Test("puts another prefix before new keys, and the old keys open as they are written, also after a restart")
    func formerPrefix() async throws {
        _ = try await house.product()
        var change = ProductChange()
        change.keyPrefix = .set("ONE")
        _ = try await update(change)
        let license = try await house.issue()
        #expect(license.key.text.hasPrefix("ONE-"))
        change.keyPrefix = .set("TWO")
        _ = try await update(change)
        for service in [house.licensing, try await house.secondService()] {
            let answer = try await house.validate(license.key, domain: "a.example.com", in: service)
            #expect(answer.verdict == .valid)
        }
    }

    @Test("so that a license with a limit of its own has more seats than that by a recount gets its date too")
    func recountOverOwnLimit() async throws {
        let license = try await house.solo()
        for last in 1...3 {
            #expect(try await house.verdict(license, "a.example.com", ip: "198.51.100.\(last)") == .valid)
        }
        let change = ProductChange(patch: try house.patch(#"{"counted_by":"ip"}"#), recounts: true)
        let update = try await update(change)
        #expect(update.recounted == 1 && update.overLimit == 1)
        #expect(try await house.licensing.license(license.id)?.license.overLimitUntil != nil)
        #expect(try await house.inconsistencies() == [])
        house.clock.advance(by: .days(31))
        #expect(try await house.keepSeats() == 2)
        #expect(try await house.inconsistencies() == [])
    }
}
