import Customers
import Database
import Journal
import Primitives
import TestSupport
import Testing

@Suite("A customer")
struct CustomerTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    @discardableResult
    private func create(_ number: Int64? = nil, reference: String? = nil, dryRun: Bool = false) async throws -> Customer
    {
        let (customers, provenance) = (house.customers, house.provenance())
        return try await house.database.write(dryRun: dryRun) { transaction in
            try customers.create(
                id: number.flatMap { ID($0) }, reference: reference, by: provenance, in: transaction)
        }
    }

    private func list(_ page: Page) async throws -> Listing<Customer> {
        let customers = house.customers
        return try await house.database.read { try customers.list(page, in: $0) }
    }

    @Test("is created with its number and reference, and found again")
    func created() async throws {
        let customer = try await create(123, reference: "WHMCS-77")
        #expect(customer.id.rawValue == 123)
        #expect(customer.reference == "WHMCS-77")
        #expect(customer.state == .active)
        #expect(customer.version == 1)
        #expect(customer.createdAt == ManualClock.start)
        let customers = house.customers
        #expect(try await house.database.read { try customers.find(customer.id, in: $0) } == customer)
    }

    @Test("without a number gets the one after the highest")
    func numbered() async throws {
        #expect(try await create().id.rawValue == 1)
        try await create(500)
        #expect(try await create().id.rawValue == 501)
    }

    @Test("whose number is taken is refused")
    func numberTaken() async throws {
        let id = try await create(123).id
        await #expect(throws: CustomerRefusal.idTaken(id)) { try await create(123) }
        #expect(try await house.count("SELECT count(*) FROM journal WHERE type = 'customer.created'") == 1)
    }

    @Test("whose reference is taken is refused")
    func referenceTaken() async throws {
        try await create(1, reference: "a")
        await #expect(throws: CustomerRefusal.referenceTaken("a")) { try await create(2, reference: "a") }
        try await create(3)
        try await create(4)
        #expect(try await house.count("SELECT count(*) FROM customers") == 3)
    }

    @Test(
        "with a reference that is empty, too long or not printable is refused",
        arguments: ["", String(repeating: "x", count: 201), "a\nb", "a\0", "\u{7F}", "\u{85}"])
    func badReference(reference: String) async throws {
        let error = await #expect(throws: InvalidInput.self) { try await create(reference: reference) }
        #expect(error?.violations.map(\.member) == ["reference"])
        #expect(try await house.count("SELECT count(*) FROM customers") == 0)
    }

    @Test("may have a reference of 200 characters in any script")
    func longReference() async throws {
        let reference = String(repeating: "ü", count: 199) + "客"
        #expect(try await create(reference: reference).reference == reference)
    }

    @Test("as a dry run is shown and not made, and its number stays free")
    func dryRun() async throws {
        #expect(try await create(dryRun: true).id.rawValue == 1)
        #expect(try await house.count("SELECT count(*) FROM customers") == 0)
        #expect(try await house.count("SELECT count(*) FROM customer_keys") == 0)
        #expect(try await house.count("SELECT count(*) FROM journal WHERE subject LIKE 'customer:%'") == 0)
        #expect(try await create().id.rawValue == 1)
    }

    @Test("has one event, which shows no reference")
    func event() async throws {
        try await create(123, reference: "Erika Mustermann")
        let data = try await house.texts("SELECT data FROM journal WHERE subject = 'customer:123'")
        #expect(data.count == 1)
        #expect(!data[0].contains("Erika") && !data[0].contains("Mustermann"))
        #expect(data[0].contains("\"state\":\"active\""))
    }

    @Test("is listed by number, page by page")
    func paging() async throws {
        for number in stride(from: Int64(25), through: 1, by: -1) { try await create(number) }
        func page(_ number: Int, _ perPage: Int) async throws -> Listing<Customer> {
            try await list(try #require(Page(number: number, perPage: perPage)))
        }
        let first = try await page(1, 10)
        #expect(first.items.map(\.id.rawValue) == Array(1...10))
        #expect(first.total == 25)
        #expect(try await page(3, 10).items.map(\.id.rawValue) == Array(21...25))
        let beyond = try await page(4, 10)
        #expect(beyond.items.isEmpty && beyond.total == 25)
    }

    @Test("of the highest number leaves none for the next")
    func noneLeft() async throws {
        try await create(CustomerStore.idMax)
        await #expect(throws: DatabaseError.self) { try await create() }
    }

    @Test("of which any part fails to be stored is not there at all")
    func allOrNothing() async throws {
        let faults = try await house.failEverywhere {
            try await create(7, reference: "Erika")
        } afterwards: { () async throws in
            #expect(try await house.count("SELECT count(*) FROM customers") == 0)
            #expect(try await house.count("SELECT count(*) FROM customer_keys") == 0)
            #expect(try await house.count("SELECT count(*) FROM journal WHERE type = 'customer.created'") == 0)
        }
        #expect(faults >= 4, "a row, a key, an event and the commit")
        #expect(try await house.count("SELECT count(*) FROM customers") == 1)
    }
}
