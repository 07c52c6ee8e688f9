import Customers
import Primitives
import TestSupport
import Testing

@testable import Licensing

@Suite("A policy decides")
struct PolicyDecisionTests {
    private static let rows = TextTable("policies.txt").rows

    @Test("what the table says, whoever makes the choice", arguments: rows)
    func decision(row: TextTable.Row) async throws {
        var story = try await PolicyStory(product: row["product"], license: row["license"])
        let answer = try await story.play(row["situation"])
        let expected = row["answer"].split(separator: " ").map(String.init)
        #expect(answer.verdict.rawValue == expected.first)
        for check in expected.dropFirst() {
            let parts = check.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
            #expect(answer.detail(parts[0]) == parts.dropFirst().joined(separator: "="), "\(check)")
        }
        #expect(try await story.house.inconsistencies() == [])
    }

    @Test(
        "for each of its fields: by default or by the product, by the license otherwise, and with another answer",
        arguments: PolicyField.all.map(\.name))
    func complete(field: String) throws {
        let rows = Self.rows.filter { $0["policy"] == field }
        func chooses(_ layer: String) -> Bool { rows.contains { $0[layer].contains("\"\(field)\":") } }
        #expect(chooses("product") || chooses("license"))
        #expect(chooses("license"), "no license chooses \(field) itself")
        #expect(rows.contains { !"\($0["product"])\($0["license"])".contains("\"\(field)\":") }, "no default")
        #expect(Set(rows.map { $0["answer"] }).count > 1, "always the same answer")
    }

    @Test("only in rows of fields that there are")
    func known() {
        let names = Set(PolicyField.all.map(\.name))
        #expect(Self.rows.allSatisfy { names.contains($0["policy"]) })
        #expect(Self.rows.count >= 3 * names.count)
    }
}

/// A license of a product, and what happens to its installations.
private struct PolicyStory {
    let house: TestHouse
    private let product: Product
    private let overrides: PolicySettings
    private var issued: IssuedLicense?
    private var expiry = Expiry.never

    init(product: String, license: String) async throws {
        house = try await TestHouse()
        let new = try NewProduct(code: "p", settings: try Self.settings(product))
        self.product = try await house.licensing.createProduct(new, dryRun: false, by: house.provenance())
        overrides = try Self.settings(license)
    }

    private static func settings(_ json: String) throws -> PolicySettings {
        json == "-" ? PolicySettings() : try PolicySettings(json: Array(json.utf8))
    }

    /// The answer of the last call.
    mutating func play(_ situation: String) async throws -> ValidationAnswer {
        var last: ValidationAnswer?
        for step in situation.split(separator: ";") {
            let words = step.split(separator: " ").map(String.init)
            switch words[0] {
            case "term":
                let days = try #require(Int64(words[1]))
                expiry = .through(house.clock.now().date.adding(days: days - 1))
            case "wait": house.clock.advance(by: try Self.duration(words[1]))
            case "call", "activate": last = try await call(words)
            default: Issue.record("no step \(words[0])")
            }
        }
        return try #require(last)
    }

    private static func duration(_ text: String) throws -> Duration {
        let count = try #require(Int(text.dropLast()))
        return switch text.last {
        case "m": .minutes(count)
        case "h": .hours(count)
        default: .days(count)
        }
    }

    private mutating func call(_ words: [String]) async throws -> ValidationAnswer {
        let options = Dictionary(
            uniqueKeysWithValues: words.dropFirst(2).map { word in
                let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
                return (parts[0], parts[1])
            })
        // A moment later than before, as no two calls are at once.
        house.clock.advance(by: .seconds(1))
        let installation = try house.installation(
            domain: words[1], ip: options["ip"] ?? TestHouse.address, installationID: options["id"],
            peer: options["peer"])
        // What was said besides counts once it is stored.
        try await house.licensing.storeLastSeen()
        let request = ValidationRequest(
            licenseKey: try await license().key.text, installation: installation, product: nil,
            version: options["v"].flatMap { SoftwareVersion($0) }, nonce: nil, activates: true,
            isExplicit: words[0] == "activate")
        return try await house.licensing.validator.answer(request, by: house.provenance(actor: "installation"))
    }

    private mutating func license() async throws -> IssuedLicense {
        if let issued { return issued }
        let new = try NewLicense(
            customer: try await house.customer().id, product: product, overrides: overrides, expiry: expiry)
        let fresh = try await house.licensing.issueLicense(new, dryRun: false, by: house.provenance())
        let (record, key) = (fresh.record, fresh.key)
        let license = IssuedLicense(id: record.license.id, key: key)
        issued = license
        return license
    }
}

extension ValidationAnswer {
    /// What the answer says besides its verdict, as the table spells it.
    fileprivate func detail(_ name: String) -> String {
        switch name {
        case "type": license?.policy.licenseType.text ?? "-"
        case "features": license?.policy.features.map(\.text).joined(separator: ",") ?? "-"
        case "used": license.map { String($0.facts.used) } ?? "-"
        case "kind": seat.map { $0.place?.kind.name ?? "development" } ?? "-"
        case "life": life.map { "\($0 / 3600)h" } ?? "-"
        case "expires":
            license.map { license in
                let end = license.facts.expiresAt
                return end == .distantFuture
                    ? "never" : String(end.lastValidDay.daysSinceEpoch - serverTime.date.daysSinceEpoch)
            } ?? "-"
        case "warnings": warnings.map(\.code).joined(separator: ",")
        default: "no detail \(name)"
        }
    }

    /// Seconds between `iat` and `exp` of the token.
    private var life: Int64? {
        guard let token, let claims = Self.claims(of: token), let from = claims["iat"]?.integerValue,
            let to = claims["exp"]?.integerValue
        else { return nil }
        return to - from
    }

    private static func claims(of token: [UInt8]) -> JSONObject? {
        let parts = String(decoding: token, as: UTF8.self).split(separator: ".")
        guard parts.count == 3, let payload = Base64URL.decode(String(parts[1])) else { return nil }
        return (try? JSONReader.read(payload))?.objectValue
    }
}
