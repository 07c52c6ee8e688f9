import Journal
import LicenseToken
import Primitives
import TestSupport
import Testing

@testable import Licensing

@Suite("An explanation")
struct ExplanationTests {
    private static let now = ManualClock.start

    @Test("fails at the rule that gives the verdict, and nowhere when it is valid", arguments: VerdictTests.rows)
    func table(row: TextTable.Row) throws {
        let verdict = try #require(Verdict(rawValue: row["verdict"]))
        let explanation = try explanation(of: row)
        #expect(explanation.verdict == verdict)
        #expect(explanation.failed?.refusal == (verdict.isValid ? nil : verdict))
        let outcomes = explanation.steps.map(\.outcome)
        let failure = outcomes.firstIndex(of: .failed) ?? outcomes.endIndex
        #expect(outcomes[..<failure].allSatisfy { $0 == .passed })
        #expect(outcomes[failure...].dropFirst().allSatisfy { $0 == .notReached })
    }

    private func explanation(of row: TextTable.Row) throws -> Explanation {
        var overrides = PolicySettings()
        overrides.graceDays = Int(row["grace"])
        let license = try License.sample(
            overrides: overrides, state: try #require(License.State(rawValue: row["state"])),
            notBefore: Int64(row["starts"]).map { Self.now + .seconds($0) },
            expiresAt: Int64(row["expires"]).map { Self.now + .seconds($0) }, createdAt: Self.now)
        let product = Product(
            id: license.productID, code: try #require(Slug("whm-panel")), name: "WHM Panel", settings: PolicySettings(),
            keyFormat: .plain, actionURL: nil, version: 1, createdAt: Self.now)
        let asked: Int64? = ["same": 1, "other": 2][row["product"]]
        let question = Question(product: asked.flatMap { ID($0) }, isProductKnown: row["product"] != "unknown")
        return Explanation(
            ValidationAnswer.License(
                facts: LicenseFacts(license, policy: PolicyID(position: 0)), policy: license.policy, product: product),
            question, try #require(SeatStanding(rawValue: row["seat"])), at: Self.now)
    }

    @Test("asks the rules in the verdicts' order of precedence")
    func order() throws {
        let order = try (KeyRule.allCases.map(\.refusal) + LicenseRule.inOrder.map(\.refusal)).map {
            try #require(Verdict.allCases.firstIndex(of: $0))
        }
        #expect(order == order.sorted())
        let seats = SeatRule.inOrder.map(\.refusal)
        #expect(seats == [.expired, .notActivated, .addressLimit, .activationLimit])
        let told = Set(KeyRule.allCases.map(\.refusal) + LicenseRule.inOrder.map(\.refusal) + seats)
        let refusals = Verdict.allCases.filter { !$0.isValid && $0 != .deactivationLimit }  // that one is of no check
        #expect(told == Set(refusals), "a verdict without a rule, or the other way")
    }
}

@Suite("An explanation by the service")
struct ExplainTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private func request(
        _ key: String, domain: String? = "example.com", ip: String = TestHouse.address, installationID: String? = nil,
        product: String? = nil, version: String? = nil
    ) throws -> ValidationRequest {
        ValidationRequest(
            licenseKey: key,
            installation: try house.installation(domain: domain, ip: ip, installationID: installationID),
            product: product, version: version.flatMap { SoftwareVersion($0) }, nonce: nil, activates: true)
    }

    private func explain(_ request: ValidationRequest) async throws -> Explanation {
        try await house.licensing.validator.explain(request, by: house.provenance())
    }

    /// Policies, and installations that ask; each pair is explained first and checked then.
    private func cases() async throws -> [ValidationRequest] {
        func choosing(_ choose: (inout PolicySettings) -> Void) -> PolicySettings {
            var settings = PolicySettings()
            choose(&settings)
            return settings
        }
        try await house.product("other")
        let domains = choosing { $0.allowedDomains = [HostPattern(grant: "*.example.com")].compactMap(\.self) }
        let networks = choosing { $0.allowedNetworks = [AddressRange("198.51.100.0/24")].compactMap(\.self) }
        let versions = choosing { $0.maxVersion = SoftwareVersion("2.0").map(VersionLimit.upTo) ?? .any }
        let licenses = [
            try await house.solo(), try await house.lapsed(), try await house.lapsed(graceDays: 2),
            try await house.issue(choosing: domains), try await house.issue(choosing: networks),
            try await house.issue(choosing: versions), try await house.issue(addressesPerSeat: 1),
            try await house.issue(choosing: choosing { $0.countedBy = .installationID }),
        ]
        let bindings: [OfflineBinding] = [
            .unbound, .domain(try CanonicalDomain("example.com")),
            .installationID(try #require(InstallationID("installation-1"))),
        ]
        var offline: [String] = []
        for binding in bindings {
            let license = try await house.acme()
            offline.append(
                try await house.licensing.issueOfflineKey(
                    of: license.id, bound: binding, dryRun: false, by: house.provenance()
                ).key.text)
        }
        let keys = licenses.map(\.key.text) + offline + ["nonsense", "0000-0000-0000-0000"]
        return try keys.flatMap { key in
            [
                try request(key), try request(key, domain: "sub.example.com", ip: "198.51.100.1"),
                try request(key), try request(key, ip: "198.51.100.2"), try request(key, domain: "localhost"),
                try request(key, product: "other"), try request(key, product: "unheard-of"),
                try request(key, version: "3.1"), try request(key, domain: nil, installationID: "installation-1"),
                try request(key, domain: "other.org", installationID: "installation-2"),
            ]
        }
    }

    @Test("comes to the verdict of the check that follows, and changes nothing")
    func agreement() async throws {
        var verdicts: Set<Verdict> = []
        for request in try await cases() {
            let before = try await house.count("SELECT sum(version) + sum(used) FROM licenses")
            let backlog = house.licensing.statistics.index
            let explanation = try await explain(request)
            #expect(try await house.count("SELECT sum(version) + sum(used) FROM licenses") == before)
            #expect(house.licensing.statistics.index == backlog, "no place is taken, none is marked as seen")
            let answer = try await house.licensing.validator.answer(request, by: house.provenance())
            #expect(explanation.verdict == answer.verdict, "\(request)")
            #expect(explanation.failed?.refusal == (answer.verdict.isValid ? nil : answer.verdict))
            verdicts.insert(answer.verdict)
        }
        let expected: Set<Verdict> = [
            .keyMalformed, .notFound, .productMismatch, .versionNotAllowed, .expired, .domainNotAllowed, .ipNotAllowed,
            .notActivated, .addressLimit, .activationLimit, .valid,
        ]
        #expect(verdicts.isSuperset(of: expected))
    }

    @Test("tells what an offline key is bound to, and fails there when it is used elsewhere")
    func binding() async throws {
        let license = try await house.acme()
        func explain(_ binding: OfflineBinding, _ domain: String) async throws -> Explanation {
            let issued = try await house.licensing.issueOfflineKey(
                of: license.id, bound: binding, dryRun: false, by: house.provenance())
            return try await self.explain(request(issued.key.text, domain: domain))
        }
        func bound(_ explanation: Explanation) -> (outcome: Explanation.Outcome?, to: String?) {
            let step = explanation.steps.first { $0.rule == "key_bound_here" }
            return (step?.outcome, step?.values.first?.value ?? nil)
        }
        let domain = OfflineBinding.domain(try CanonicalDomain("example.com"))
        let here = try await explain(domain, "example.com")
        #expect(here.verdict == .valid && bound(here) == (.passed, "domain"))
        let elsewhere = try await explain(domain, "example.net")
        #expect(elsewhere.verdict == .domainNotAllowed && elsewhere.failed?.rule == "key_bound_here")
        #expect(elsewhere.steps.last?.outcome == .notReached)
        let id = OfflineBinding.installationID(try #require(InstallationID("installation-1")))
        #expect(bound(try await explain(id, "example.com")) == (.failed, "installation_id"))
        #expect(bound(try await explain(.unbound, "example.com")) == (.passed, "nothing"))
        let own = try await self.explain(request(license.key.text))
        #expect(bound(own).outcome == nil, "a key of ours is bound to nothing by itself")
    }

    @Test("tells one who has no key nothing but that")
    func withoutKey() async throws {
        _ = try await house.acme()
        for key in ["nonsense", "0000-0000-0000-0000"] {
            let explanation = try await explain(request(key))
            #expect(explanation.license == nil && explanation.counting == nil)
            #expect(explanation.domainGrant == nil && explanation.networkGrant == nil)
            #expect(explanation.steps.allSatisfy { $0.values.isEmpty })
        }
    }

    @Test("names the grant that lets an installation in, and how it is counted")
    func grants() async throws {
        var settings = PolicySettings()
        settings.allowedDomains = ["example.org", "*.example.com"].compactMap { HostPattern(grant: $0) }
        settings.allowedNetworks = ["192.0.2.0/24", "2001:db8::/32", "203.0.113.0/24"].compactMap { AddressRange($0) }
        let license = try await house.issue(choosing: settings)
        let explanation = try await explain(request(license.key.text, domain: "HTTPS://Shop.Example.com/"))
        #expect(explanation.verdict == .valid)
        #expect(explanation.domainGrant?.description == "*.example.com")
        #expect(explanation.networkGrant?.description == "203.0.113.0/24")
        #expect(explanation.installation?.domain?.ascii == "shop.example.com")
        #expect(explanation.counting?.identity == "shop.example.com")
        #expect(explanation.counting?.network == "203.0.113.7/32")
        let refused = try await explain(request(license.key.text, domain: "example.net"))
        #expect(refused.failed?.rule == "domain_allowed")
        #expect(refused.domainGrant == nil)
        let values = refused.failed?.values.map { "\($0.name) \($0.value ?? "-")" }
        #expect(values == ["domain example.net", "restricted yes"], "and not the domains of others")
    }

    @Test("asks the writer 64 times at once for one license, then 30 times a minute")
    func limit() async throws {
        let license = try await house.solo()
        for number in 0..<64 { _ = try await explain(request(license.key.text, domain: "s\(number).example.com")) }
        await #expect(throws: Validator.NewcomersLimited.self) {
            try await explain(request(license.key.text, domain: "s64.example.com"))
        }
        #expect(try await house.verdict(license, "example.com") == .valid, "those who really come have their own")
    }
}
