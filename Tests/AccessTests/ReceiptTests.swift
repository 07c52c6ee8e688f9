import Database
import Journal
import Licensing
import Primitives
import TestSupport
import Testing

@testable import Access

/// One request to make a product with an Idempotency-Key, sent as often as a test likes.
private struct Sender {
    let house: TestHouse
    var key = "key-1"
    var owner = "token:ci"
    var path = "/api/v1/products"
    var body = #"{"code":"p"}"#

    var claim: ReceiptClaim {
        house.access.receipts.claim(
            key, owner: owner, method: "POST", path: path, body: body.utf8, at: house.clock.now())
    }

    /// What the request is answered; throws `KeptAnswer` for an answer of before.
    func send() async throws -> [UInt8] {
        let (claim, receipts) = (claim, house.access.receipts)
        try await receipts.check(claim)
        let receipt = receipts.receipt(for: claim, status: 201) { (product: Product) in Self.json(product) }
        let product = try await receipts.alone(claim) {
            try await house.licensing.createProduct(
                try NewProduct(code: "p"), dryRun: false, by: house.provenance(), receipt: receipt)
        }
        return Self.json(product)
    }

    static func json(_ product: Product) -> [UInt8] {
        JSONWriter.object { json in
            json.member("code", product.code.text)
            json.member("created_at", product.createdAt.description)
        }
    }

    /// The answer of before.
    func kept() async -> KeptAnswer? {
        do { _ = try await send() } catch let kept as KeptAnswer { return kept } catch {}
        return nil
    }
}

@Suite("A request with an Idempotency-Key")
struct ReceiptTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    @Test("does its work once, whatever fails on the way, and is answered the same from then on")
    func faults() async throws {
        let sender = Sender(house: house)
        var answer: [UInt8]?
        let faults = try await house.failEverywhere {
            answer = try await sender.send()
        } afterwards: { () async throws in
            #expect(try await house.count("SELECT count(*) FROM products") == 0)
            #expect(try await house.count("SELECT count(*) FROM receipts") == 0)
            #expect(try await house.count("SELECT count(*) FROM journal WHERE type = 'product.created'") == 0)
        }
        // The look-up, the product's own statements, the clearing, the receipt, and the COMMIT.
        #expect(faults >= 5)
        let first = try #require(answer)
        house.clock.advance(by: .hours(23))
        for _ in 0..<3 { #expect(await sender.kept() == KeptAnswer(status: 201, body: first)) }
        #expect(try await house.count("SELECT count(*) FROM products") == 1)
        #expect(try await house.count("SELECT count(*) FROM journal WHERE type = 'product.created'") == 1)
    }

    @Test("is answered even when only the answer was lost, by whoever asks the database next")
    func restart() async throws {
        let answer = try await Sender(house: house).send()
        let fresh = try await AccessService(database: house.database, secrets: house.secrets, journal: house.journal)
        let error = await #expect(throws: KeptAnswer.self) {
            try await fresh.receipts.check(Sender(house: house).claim)
        }
        #expect(error?.body == answer)
    }

    @Test("is another one when anything but the key is another, and is refused")
    func reused() async throws {
        _ = try await Sender(house: house).send()
        for other in [Sender(house: house, path: "/api/v1/customers"), Sender(house: house, body: #"{"code":"q"}"#)] {
            await #expect(throws: IdempotencyRefusal.keyReused) { try await other.send() }
        }
        let stranger = Sender(house: house, owner: "token:other")
        await #expect(throws: LicensingRefusal.self, "another's key says nothing") { try await stranger.send() }
    }

    @Test("waits for nobody: the second of two at once is told so, does nothing, and may come again")
    func inFlight() async throws {
        let sender = Sender(house: house)
        try await house.access.receipts.alone(sender.claim) {
            await #expect(throws: IdempotencyRefusal.inFlight) { try await sender.send() }
            let other = Sender(house: house, key: "key-2", body: #"{"code":"q"}"#)
            try await house.access.receipts.alone(other.claim) {}
        }
        #expect(try await house.count("SELECT count(*) FROM products") == 0)
        let answer = try await sender.send()
        #expect(await sender.kept()?.body == answer)
    }

    @Test("asks again inside the transaction, where nobody can come between")
    func lateCheck() async throws {
        let answer = try await Sender(house: house).send()
        let receipt = house.access.receipts.receipt(for: Sender(house: house).claim, status: 201) {
            (product: Product) in Sender.json(product)
        }
        let error = await #expect(throws: KeptAnswer.self) {
            try await house.licensing.createProduct(
                try NewProduct(code: "p"), dryRun: false, by: house.provenance(), receipt: receipt)
        }
        #expect(error?.body == answer)
    }

    @Test("leaves nothing readable in the database, and nothing for ever")
    func atRest() async throws {
        let answer = try await Sender(house: house).send()
        let stored = try await house.texts("SELECT hex(answer) || hex(key_hash) || hex(request_hash) FROM receipts")
        let hex = answer.map { String($0, radix: 16, uppercase: true) }.joined()
        #expect(stored.first?.contains(hex.prefix(12)) == false)
        house.clock.advance(by: .hours(24) + .seconds(1))
        let next = house.access.receipts.receipt(for: Sender(house: house, key: "key-2").claim, status: 201) {
            (product: Product) in Sender.json(product)
        }
        _ = try await house.licensing.createProduct(
            try NewProduct(code: "q"), dryRun: false, by: house.provenance(), receipt: next)
        #expect(try await house.count("SELECT count(*) FROM receipts") == 1, "each new one clears old ones away")
    }
}
