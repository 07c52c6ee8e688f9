import Primitives
import TestSupport
import Testing

@testable import Licensing

@Suite("A policy")
struct PolicyTests {
    private static let fields = TextTable("policy-fields.txt").rows

    @Test("takes and refuses what the table says, member by member", arguments: fields)
    func field(row: TextTable.Row) throws {
        let object = try JSONReader.read(Array("{\"\(row["field"])\":\(row["value"])}".utf8)).objectValue
        let members = try #require(object)
        guard row["stored"] != "-" else {
            let refusal = #expect(throws: InvalidInput.self) { try PolicyPatch(members) }
            #expect(refusal?.violations.map(\.member) == [row["field"]])
            return
        }
        let settings = try PolicyPatch(members).applied(to: PolicySettings())
        let told = row["stored"] == "same" ? row["value"] : row["stored"]
        #expect(String(decoding: settings.json(), as: UTF8.self) == "{\"\(row["field"])\":\(told)}")
        #expect(try PolicySettings(json: settings.json()) == settings)
    }

    @Test("has every one of its fields in the table, once accepted and once refused")
    func complete() {
        for field in PolicyField.all {
            let rows = Self.fields.filter { $0["field"] == field.name }
            #expect(rows.contains { $0["stored"] == "-" } && rows.contains { $0["stored"] != "-" }, "\(field.name)")
        }
    }

    @Test("is the license's choices over the product's over the defaults, and null leaves a choice open again")
    func layers() throws {
        func patch(_ json: String) throws -> PolicyPatch {
            try PolicyPatch(try #require(try JSONReader.read(Array(json.utf8)).objectValue))
        }
        let product = try patch(#"{"max_activations":5,"grace_days":7,"features":["a"]}"#).applied(to: PolicySettings())
        let license = try patch(#"{"max_activations":2,"features":[]}"#).applied(to: PolicySettings())
        #expect(Policy(product, license).maxActivations == 2)
        #expect(Policy(product, license).graceSeconds == 7 * 86_400)
        #expect(Policy(product, license).features == [])
        #expect(Policy(product, license).addressesPerSeat == 3)
        let opened = try patch(#"{"max_activations":null,"unknown":1}"#).applied(to: license)
        #expect(opened.maxActivations == nil && opened.features == [])
        #expect(Policy(product, opened).maxActivations == 5)
    }

    @Test("says all that is wrong at once")
    func allWrong() throws {
        let object = try JSONReader.read(Array(#"{"grace_days":-1,"token_days":0,"counted_by":"x"}"#.utf8)).objectValue
        let members = try #require(object)
        let refusal = #expect(throws: InvalidInput.self) { try PolicyPatch(members) }
        #expect(refusal?.violations.map(\.member) == ["counted_by", "grace_days", "token_days"])
    }

    @Test("makes every choice by default")
    func defaults() { #expect(Policy().settings == Policy.defaults && Policy().maxActivations == 1) }

    @Test("allows the hosts that its domains mean", arguments: TextTable("allowed-domains.txt").rows)
    func domains(row: TextTable.Row) throws {
        var settings = PolicySettings()
        settings.allowedDomains = try row["allowed"].split(separator: " ").map {
            try #require(HostPattern(grant: String($0)))
        }
        #expect(Policy(settings).allows(domain: row["host"]) == (row["answer"] == "yes"))
    }

    @Test("covers versions up to its limit", arguments: TextTable("versions.txt").rows)
    func versions(row: TextTable.Row) throws {
        let version = try #require(SoftwareVersion(row["version"]))
        let limit = try #require(SoftwareVersion(row["limit"]))
        #expect(version.isWithin(limit) == (row["within"] == "yes"))
    }

    @Test("covers every version while maintenance lasts, and none above the limit from its end on")
    func maintenance() throws {
        var settings = PolicySettings()
        settings.maxVersion = .upTo(try #require(SoftwareVersion("2")))
        let three = try #require(SoftwareVersion("3.1"))
        let now = ManualClock.start
        #expect(!Policy(settings).covers(three, at: now))
        settings.maintenanceUntil = .through(now.date)
        #expect(Policy(settings).covers(three, at: now.date.end - .milliseconds(1)))
        #expect(!Policy(settings).covers(three, at: now.date.end))
        settings.maxVersion = .any
        #expect(Policy(settings).covers(three, at: now.date.end))
    }

    @Test("allows the networks it names, and the peer only asks when told to")
    func networks() throws {
        var settings = PolicySettings()
        settings.allowedNetworks = try ["203.0.113.0/24", "2001:db8::/48"].map { try #require(AddressRange($0)) }
        let inside = try #require(CanonicalAddress("203.0.113.9"))
        let outside = try #require(CanonicalAddress("198.51.100.1"))
        #expect(Policy(settings).allows(address: inside, peer: outside))
        #expect(!Policy(settings).allows(address: outside, peer: inside))
        settings.checksPeer = true
        #expect(!Policy(settings).allows(address: inside, peer: outside))
        #expect(!Policy(settings).allows(address: inside, peer: nil))
        #expect(Policy(settings).allows(address: inside, peer: inside))
        #expect(Policy().allows(address: outside, peer: nil))
    }

    @Test("of a product that changes holds at once for the licenses that do not choose otherwise")
    func inherited() throws {
        let index = LicenseIndex()
        func product(_ version: Int64, days: Int) throws -> Product {
            var settings = PolicySettings()
            settings.graceDays = days
            return Product(
                id: try #require(ID(1)), code: try #require(Slug("p")), name: "p", settings: settings,
                keyFormat: .plain, actionURL: nil, version: version, createdAt: ManualClock.start)
        }
        var own = PolicySettings()
        own.graceDays = 30
        let (open, chosen) = (LicenseID(rawValue: 1), LicenseID(rawValue: 2))
        index.apply([.product(try product(1, days: 1))])
        index.apply([.license(try .sample(id: open, createdAt: ManualClock.start))])
        index.apply([.license(try .sample(id: chosen, overrides: own, createdAt: ManualClock.start))])
        func grace(_ id: LicenseID) throws -> Int64 {
            index.policy(try #require(index.license(id)).policy).graceSeconds / 86_400
        }
        #expect(try grace(open) == 1 && grace(chosen) == 30)
        index.apply([.product(try product(3, days: 3))])
        index.apply([.product(try product(2, days: 2))])
        #expect(try grace(open) == 3 && grace(chosen) == 30, "the higher version stays")
    }
}
