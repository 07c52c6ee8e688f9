import Customers
import Database
import Primitives
import TestSupport
import Testing

@testable import Licensing

@Suite("A transfer")
struct TransferTests {
    private let house: TestHouse
    private let buyer: CustomerID

    init() async throws {
        house = try await TestHouse()
        buyer = try await house.customer(456).id
    }

    private func restricted() async throws -> IssuedLicense {
        var policy = PolicySettings()
        policy.allowedDomains = [try #require(HostPattern(grant: "*.example.com"))]
        return try await house.issue(seats: 2, choosing: policy)
    }

    @Test("leaves the seats where they are, and the license to the other customer")
    func seats() async throws {
        let license = try await restricted()
        let seat = try await house.validate(license.key, domain: "a.example.com").seat?.place?.activation
        try await house.change(license, .suspend, by: .billing, reason: "invoice 1")
        let moved = try await house.change(license, .transfer(to: buyer))
        #expect(moved.after.license.customerID == buyer)
        #expect(moved.after.holds == moved.before.holds, "a transfer lifts nothing")
        try await house.change(license, .reinstate(liftingBilling: true))
        let answer = try await house.validate(license.key, domain: "a.example.com", activates: false)
        #expect(answer.verdict == .valid && answer.seat?.place?.activation == seat)
        let listed = try await house.licensing.licenses(
            LicenseFilter(customer: buyer), try #require(Page(perPage: 50)), at: house.clock.now())
        #expect(listed.items.map(\.license.id) == [license.id])
        #expect(try await house.inconsistencies() == [])
    }

    @Test("is two events: what is personal in each can be read as long as that customer's key is there")
    func events() async throws {
        let license = try await restricted()
        try await house.change(license, .transfer(to: buyer), reason: "sold by Jane Doe")
        #expect(
            try await house.events(of: license) == [
                "license.created", "license.transferred_out", "license.transferred_in",
            ])
        #expect(try await house.record(license).license.version == 3)
        let (left, came) = ("license.transferred_out", "license.transferred_in")
        #expect(try await house.sealed(left) == [#"{"reason":"sold by Jane Doe"}"#])
        #expect(try await house.sealed(came) == [#"{"allowed_domains":["*.example.com"]}"#])
        try await house.execute("DELETE FROM customer_keys WHERE customer_id = 123")
        #expect(try await house.sealed(left) == [nil])
        #expect(try await house.sealed("license.created") == [nil])
        #expect(try await house.sealed(came) == [#"{"allowed_domains":["*.example.com"]}"#])
        #expect(try await house.verdict(license, "a.example.com") == .valid)
        let sealed = try await house.sealed("activation.created")
        #expect(sealed.count == 1 && sealed[0]?.contains("a.example.com") == true, "under the new customer's key")
    }

    @Test("goes to a customer that is there and not closed, and changes nothing when it goes nowhere")
    func refusals() async throws {
        let license = try await house.acme()
        try await house.execute("UPDATE customers SET state = 'closed' WHERE id = 456")
        await #expect(throws: LicensingRefusal.customerClosed("456")) {
            try await house.change(license, .transfer(to: buyer))
        }
        let nobody = try #require(CustomerID(999))
        await #expect(throws: LicensingRefusal.customerUnknown("999")) {
            try await house.change(license, .transfer(to: nobody))
        }
        let same = try await house.change(license, .transfer(to: house.customer().id), reason: "no move")
        #expect(!same.isChanged)
        #expect(try await house.events(of: license) == ["license.created"])
    }
}
