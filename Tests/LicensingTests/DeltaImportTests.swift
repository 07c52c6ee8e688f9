import Customers
import Database
import Licensing
import Primitives
import TestSupport
import Testing

@Suite("An import that comes again")
struct DeltaImportTests {
    private static let key = "Leased-0a1b2c3d4e"

    private func license(in house: TestHouse) async throws -> LicenseRecord {
        try #require(try await house.license(typed: Self.key))
    }

    /// A house with one imported license.
    private func house() async throws -> TestHouse {
        let house = try await TestHouse()
        try await house.imports([.license()])
        return house
    }

    private func update(_ house: TestHouse, _ changes: [String: JSONValue]) async throws -> ImportResult {
        try #require(try await house.imports([.license(changes)]).last)
    }

    private func change(_ house: TestHouse, _ transition: LicenseTransition, reason: String? = nil) async throws {
        let id = try await license(in: house).license.id
        _ = try await house.licensing.change(
            transition, of: id, dryRun: false, by: house.provenance(reason: reason))
    }

    @Test("moves the end of a license that was paid there")
    func paid() async throws {
        let house = try await house()
        #expect(try await update(house, ["next_due": .string("2028-03-01")]).outcome == .updated)
        #expect(try await license(in: house).license.expiresAt?.lastValidDay.description == "2028-03-01")
        #expect(try await update(house, ["next_due": .string("2028-03-01")]).outcome == .unchanged)
        #expect(try await update(house, ["next_due": .null]).outcome == .updated)
        #expect(try await license(in: house).license.expiresAt == nil)
        #expect(try await house.inconsistencies().isEmpty)
    }

    @Test("suspends, reinstates and ends what was suspended, paid or terminated there")
    func states() async throws {
        let house = try await house()
        _ = try await update(house, ["service_status": .string("Suspended")])
        #expect(try await house.check(Self.key).verdict == .suspended)
        _ = try await update(house, [:])
        #expect(try await house.check(Self.key).verdict == .valid)
        let abuse: [String: JSONValue] = [
            "service_status": .string("Suspended"), "suspend_reason": .string("Abuse"),
        ]
        _ = try await update(house, abuse)
        #expect(try await license(in: house).holds.map(\.holder) == [.operator])
        _ = try await update(house, ["service_status": .string("Suspended")])
        #expect(try await license(in: house).holds.map(\.holder) == [.billing])
        _ = try await update(house, abuse)
        #expect(try await license(in: house).holds.map(\.holder) == [.operator])
        _ = try await update(house, [:])
        #expect(try await house.check(Self.key).verdict == .valid)
        _ = try await update(house, ["service_status": .string("Terminated")])
        #expect(try await house.check(Self.key).verdict == .revoked)
        #expect(try await house.inconsistencies().isEmpty)
    }

    @Test("lifts no hold that an operator set here")
    func ownHold() async throws {
        let house = try await house()
        try await change(house, .suspend, reason: "chargeback")
        _ = try await update(house, ["service_status": .string("Suspended")])
        #expect(try await license(in: house).holds.map(\.holder) == [.operator, .billing])
        _ = try await update(house, [:])
        #expect(try await license(in: house).holds.map(\.holder) == [.operator])
        #expect(try await house.check(Self.key).verdict == .suspended)
    }

    @Test("leaves alone what did not change there, whatever became of it here")
    func localChanges() async throws {
        let house = try await house()
        let later = try #require(CivilDate(text: "2027-06-01"))
        try await change(house, .renew(.until(.through(later))))
        #expect(try await update(house, [:]).outcome == .unchanged)
        #expect(try await update(house, ["billing_cycle": .string("Monthly")]).outcome == .updated)
        #expect(try await license(in: house).license.expiresAt?.lastValidDay == later)
    }

    @Test("brings no license back that was revoked here: that is told as a conflict, until it is no more")
    func revokedHere() async throws {
        let house = try await house()
        try await change(house, .revoke)
        let events = try await house.count("SELECT count(*) FROM journal")
        let result = try await update(house, ["next_due": .string("2028-03-01")])
        #expect(result.outcome == .conflict)
        #expect(result.notes.map(\.code) == [.revokedHere])
        #expect(try await house.count("SELECT count(*) FROM journal") == events)
        #expect(try await update(house, [:]).outcome == .unchanged)
    }

    @Test("gives a license to the customer who has it there now")
    func transferred() async throws {
        let house = try await house()
        let before = try await license(in: house).license.customerID
        let result = try #require(try await house.imports([.license(customer: "6")]).last)
        #expect(result.outcome == .updated)
        let holder = try await license(in: house).license.customerID
        let customer = try #require(try await house.licensing.customer(holder))
        #expect(customer.reference == "whmcs:6")
        #expect(customer.id != before)
    }

    @Test("adds a key that is another one there now, and the earlier one goes on")
    func newKey() async throws {
        let house = try await house()
        let result = try #require(try await house.imports([.license(key: "Leased-brand-new")]).last)
        #expect(result.notes.map(\.code) == [.keyAdded])
        #expect(try await house.check("Leased-brand-new").verdict == .valid)
        #expect(try await house.check(Self.key).verdict == .valid)
        #expect(try await house.count("SELECT count(*) FROM licenses") == 1)
        #expect(try await house.imports([.license(key: "Leased-brand-new")]).last?.outcome == .unchanged)
        // And the first one again: it is there already.
        #expect(try await update(house, [:]).notes.isEmpty)
        #expect(try await house.inconsistencies().isEmpty)
    }

    @Test("takes a place that moved along, while nobody has called from the old one")
    func moved() async throws {
        let house = try await house()
        let result = try await update(house, ["domains": .texts(["moved.example.org"])])
        #expect(result.notes.isEmpty)
        #expect(try await house.check(Self.key, domain: "moved.example.org").verdict == .valid)
        #expect(try await house.check(Self.key).verdict == .notActivated)
        #expect(try await house.inconsistencies().isEmpty)
    }

    @Test("takes no place away from an installation that calls here")
    func inUse() async throws {
        let house = try await house()
        house.clock.advance(by: .hours(1))
        #expect(try await house.check(Self.key).verdict == .valid)
        let result = try await update(house, ["domains": .texts(["moved.example.org"])])
        #expect(result.notes.map(\.code) == [.locationNotTaken])
        #expect(try await house.check(Self.key).verdict == .valid)
        #expect(try await house.check(Self.key, domain: "moved.example.org").verdict == .activationLimit)
    }

    @Test("brings no installation back that was deactivated here")
    func deactivatedHere() async throws {
        let house = try await house()
        let id = try await license(in: house).license.id
        _ = try await house.licensing.release(.all, of: id, dryRun: false, by: house.provenance())
        let result = try await update(house, ["addresses": .texts(["198.51.100.9"])])
        #expect(result.notes.map(\.code) == [.locationNotTaken])
        #expect(try await house.count("SELECT used FROM licenses") == 0)
    }

    @Test("frees the places of a license that was reissued there")
    func reissued() async throws {
        let house = try await house()
        _ = try await update(house, ["status": .string("Reissued")])
        #expect(try await house.count("SELECT used FROM licenses") == 0)
        #expect(try await house.check(Self.key, domain: "new.example.org").verdict == .valid)
    }

    @Test("does not make a license one of another product")
    func otherProduct() async throws {
        let house = try await house()
        try await house.product("other")
        let result = try #require(
            try await house.imports([.license()], product: .product(["code": .string("other")])).last)
        #expect(result.notes.map(\.code) == [.productChanged])
    }

    @Test("keeps a license that was expired there where it first ended")
    func stillExpired() async throws {
        let house = try await house()
        _ = try await update(house, ["status": .string("Expired"), "next_due": .null])
        let end = try await license(in: house).license.expiresAt
        #expect(end?.lastValidDay.description == "2026-11-22")
        house.clock.advance(by: .days(9))
        let again = try await update(
            house, ["status": .string("Expired"), "next_due": .null, "billing_cycle": .string("Monthly")])
        #expect(again.outcome == .updated)
        #expect(try await license(in: house).license.expiresAt == end)
    }
}
