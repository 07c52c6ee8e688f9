import Customers
import Primitives
import TestSupport
import Testing

@testable import Licensing

/// Random histories of products and licenses that change, held against the rule: a license's choice, else its
/// product's, else the default.
@Suite("After any change of products and licenses")
struct PolicyInheritanceTests {
    private static let steps = 120
    /// Values that each field accepts, from the table that says so.
    private static let accepted: [String: [JSONValue]] = Dictionary(
        grouping: TextTable("policy-fields.txt").rows.filter { $0["stored"] != "-" }, by: { $0["field"] }
    ).mapValues { rows in rows.compactMap { try? JSONReader.read(Array($0["value"].utf8)) } }

    @Test(
        "memory, database and a service that starts anew agree on what every license allows",
        arguments: SeededGenerator.seeds)
    func agree(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let house = try await TestHouse()
        var model = InheritanceModel()
        for number in 1...3 {
            let product = try await house.licensing.createProduct(
                try NewProduct(code: "p\(number)"), dryRun: false, by: house.provenance())
            model.products[product.code] = product.settings
        }
        for _ in 1...12 {
            let code = random.pick(model.codes)
            let patch = try Self.patch(using: &random)
            let product = try #require(try await house.licensing.product(code: code.text))
            let new = try NewLicense(
                customer: try await house.customer().id, product: product,
                overrides: patch.applied(to: PolicySettings()), expiry: .never)
            let license = try await house.licensing.issueLicense(new, dryRun: false, by: house.provenance()).record
            model.licenses[license.license.id] = (code, license.license.overrides)
        }
        for step in 1...Self.steps {
            try await model.change(in: house, using: &random)
            try await model.compare(with: house.licensing, "step \(step)")
        }
        try await model.compare(with: try await house.secondService(), "started anew")
        #expect(try await house.inconsistencies() == [])
    }

    /// Sets up to three choices, or leaves them open again.
    fileprivate static func patch(using random: inout SeededGenerator) throws -> PolicyPatch {
        var object = JSONObject()
        for _ in 1...random.number(1...3) {
            let field = random.pick(PolicyField.all)
            let values = try #require(accepted[field.name])
            _ = object.append(field.name, random.number(1...4) == 1 ? .null : random.pick(values))
        }
        return try PolicyPatch(object)
    }
}

/// What products and licenses choose.
private struct InheritanceModel {
    var products: [Slug: PolicySettings] = [:]
    var licenses: [LicenseID: (product: Slug, overrides: PolicySettings)] = [:]

    var codes: [Slug] { products.keys.sorted() }

    mutating func change(in house: TestHouse, using random: inout SeededGenerator) async throws {
        let patch = try PolicyInheritanceTests.patch(using: &random)
        let dryRun = random.number(1...5) == 1
        if random.number(1...2) == 1 {
            try await changeProduct(patch, dryRun: dryRun, in: house, using: &random)
        } else {
            try await changeLicense(patch, dryRun: dryRun, in: house, using: &random)
        }
    }

    private mutating func changeProduct(
        _ patch: PolicyPatch, dryRun: Bool, in house: TestHouse, using random: inout SeededGenerator
    ) async throws {
        let code = random.pick(codes)
        let before = try #require(products[code])
        let update = try await house.licensing.updateProduct(
            code, ProductChange(patch: patch, recounts: true), dryRun: dryRun, by: house.provenance())
        // Two choices have columns: what nobody says of them a product says itself.
        var after = patch.applied(to: before)
        after.maxActivations = after.maxActivations ?? Policy.defaults.maxActivations
        after.graceDays = after.graceDays ?? Policy.defaults.graceDays
        try #require(update.product.settings == after)
        let changed = PolicyField.all.filter { before.value(of: $0) != after.value(of: $0) }
        try #require(update.alterations.map(\.member) == changed.map(\.name))
        let own = licenses.values.filter { $0.product == code }
        let affected = own.count { license in changed.contains { license.overrides.value(of: $0) == .null } }
        try #require(update.licenses == own.count && update.affected == affected)
        if !dryRun { products[code] = after }
    }

    private mutating func changeLicense(
        _ patch: PolicyPatch, dryRun: Bool, in house: TestHouse, using random: inout SeededGenerator
    ) async throws {
        let id = random.pick(licenses.keys.sorted { $0.rawValue < $1.rawValue })
        let before = try #require(licenses[id])
        var change = LicenseChange()
        change.patch = patch
        change.recounts = true
        let code = random.number(1...3) == 1 ? random.pick(codes) : before.product
        change.product = .set(code)
        let update = try await house.licensing.updateLicense(id, change, dryRun: dryRun, by: house.provenance())
        let after = patch.applied(to: before.overrides)
        try #require(update.record.license.overrides == after && update.record.productCode == code)
        if !dryRun { licenses[id] = (code, after) }
    }

    func compare(with service: LicensingService, _ name: String) async throws {
        for (id, license) in licenses {
            let product = try #require(products[license.product])
            let expected = Policy(product, license.overrides).settings
            let stored = try #require(try await service.license(id))
            try #require(stored.license.policy.settings == expected, "the database, \(name)")
            let facts = try #require(service.index.license(id))
            try #require(service.index.policy(facts.policy).settings == expected, "memory, \(name)")
            try #require(facts.version == stored.license.version && facts.productID == stored.license.productID)
        }
    }
}
