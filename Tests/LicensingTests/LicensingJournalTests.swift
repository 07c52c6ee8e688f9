import Customers
import Database
import Journal
import Licensing
import Primitives
import TestSupport
import Testing

@Suite("The journal of licensing")
struct LicensingJournalTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private func types() async throws -> [String] {
        try await house.texts("SELECT type FROM journal ORDER BY sequence")
    }

    @Test("has exactly one event for each change, in the order of the changes, and none for anything else")
    func oneEach() async throws {
        var expected = ["signing_key.created", "signing_key.scheduled", "signing_key.created"]
        #expect(try await types() == expected)
        func expectNext(_ types: String..., sourceLocation: SourceLocation = #_sourceLocation) async throws {
            expected += types
            #expect(try await self.types() == expected, sourceLocation: sourceLocation)
        }
        let acme = try await house.issue(seats: 2)
        try await expectNext("product.created", "customer.created", "license.created")
        #expect(try await house.verdict(acme, "example.com") == .valid)
        try await expectNext("activation.created")
        #expect(try await house.verdict(acme, "example.com") == .valid)
        #expect(try await house.verdict(acme, "localhost") == .valid)
        #expect(try await house.verdict(acme, "example.com", activates: false) == .valid)
        try await house.licensing.storeLastSeen()
        try await expectNext()
        #expect(try await house.verdict(acme, "example.com", ip: "2001:db8::1") == .valid)
        try await expectNext("activation.address_added")
        #expect(try await house.verdict(acme, "example.net") == .valid)
        try await expectNext("activation.created")
        #expect(try await house.verdict(acme, "example.org") == .activationLimit)
        try await expectNext()
        _ = try await house.licensing.release(.all, of: acme.id, dryRun: false, by: house.provenance())
        try await expectNext("activation.released", "activation.released")
    }

    @Test("names the license, its version, the number of seats and who did it")
    func subject() async throws {
        let acme = try await house.acme()
        #expect(try await house.verdict(acme, "example.com") == .valid)
        #expect(try await house.verdict(acme, "example.net") == .valid)
        let rows = try await house.texts(
            """
            SELECT subject || ' ' || subject_version || ' ' || actor || ' ' || request_id FROM journal
            WHERE type = 'activation.created' ORDER BY sequence
            """)
        #expect(rows == ["\(acme.id) 2 installation req-1", "\(acme.id) 3 installation req-1"])
        let data = try await house.texts("SELECT data FROM journal WHERE type = 'activation.created'")
        #expect(data[1].contains("\"used\":2"))
        #expect(data[1].contains("\"activation\":\"act_"))
    }

    @Test("keeps the operator's reason")
    func reason() async throws {
        let acme = try await house.acme()
        #expect(try await house.verdict(acme, "example.com") == .valid)
        _ = try await house.licensing.release(
            .all, of: acme.id, dryRun: false, by: house.provenance(reason: "moved to a new server"))
        let data = try await house.texts("SELECT data FROM journal WHERE type = 'activation.released'")
        #expect(data.count == 1 && data[0].contains("\"reason\":\"moved to a new server\""))
    }

    @Test("shows no domain, address, identifier or reference in clear, and opens for the customer")
    func personalData() async throws {
        _ = try await house.licensing.createCustomer(
            id: ID(123), reference: "Mustermann-4711", dryRun: false, by: house.provenance())
        let acme = try await house.acme()
        _ = try await house.validate(
            acme.key, domain: "secret.example.com", ip: "198.51.100.77", installationID: "install-0815",
            peer: "192.0.2.99")
        _ = try await house.validate(acme.key, domain: "secret.example.com", ip: "2001:db8:aaaa::1")
        house.clock.advance(by: .seconds(1))
        _ = try await house.validate(acme.key, installationID: "install-4242")
        _ = try await house.licensing.release(.all, of: acme.id, dryRun: false, by: house.provenance())
        let text = try await house.texts(
            "SELECT type || ' ' || subject || ' ' || data || ' ' || actor || ' ' || request_id FROM journal"
        ).joined(separator: "\n")
        let secrets = [
            // None that the letters of a sealed box could spell by chance.
            "example.com", "secret", "198.51.100", "192.0.2", "2001:db8", "install-0815", "install-4242", "Mustermann",
            acme.key.text,
        ]
        for secret in secrets { #expect(!text.containsInAnyCase(secret), "\(secret)") }

        let journal = house.journal
        let opened = try await house.database.read { transaction in
            try transaction.all("SELECT id, data FROM journal ORDER BY sequence") { ($0.randomID(0), $0.text(1)) }
                .compactMap { try journal.personalData(of: $0.0, data: $0.1, in: transaction) }
                .map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(
            opened == [
                "{\"reference\":\"Mustermann-4711\"}",
                "{\"domain\":\"secret.example.com\",\"installation_id\":\"install-0815\",\"address\":\"198.51.100.77\","
                    + "\"peer\":\"192.0.2.99\"}",
                "{\"domain\":\"secret.example.com\",\"installation_id\":null,\"address\":\"2001:db8:aaaa::1\","
                    + "\"peer\":null}",
                "{\"domain\":null,\"installation_id\":\"install-4242\",\"address\":\"203.0.113.7\",\"peer\":null}",
                "{\"domain\":\"secret.example.com\",\"network\":null,\"installation_id\":\"install-0815\"}",
                "{\"domain\":null,\"network\":null,\"installation_id\":\"install-4242\"}",
            ])
    }
}

extension String {
    /// Whether `needle` is in the text, in whatever case.
    fileprivate func containsInAnyCase(_ needle: String) -> Bool {
        lowercased().contains(needle.lowercased())
    }
}
