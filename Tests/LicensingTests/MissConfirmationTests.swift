import Customers
import Database
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import Licensing

@Suite("A key that memory does not know", .onSharedDatabase)
struct MissConfirmationTests {
    @Test("but the database does opens its license at once, on every node")
    func issuedElsewhere() async throws {
        let houses = try await SharedHouses(3)
        let acme = try await houses[0].acme()
        for node in houses.nodes { #expect(try await node.verdict(acme, "example.com") == .valid) }
        #expect(try await houses[0].used(acme) == 1)
    }

    @Test("is found with its product and its prefix, which are as new")
    func productElsewhere() async throws {
        let houses = try await SharedHouses(2)
        let format = try KeyFormat(groups: 4, prefix: "NEWX")
        _ = try await houses[0].licensing.createProduct(
            try NewProduct(code: "new", keyFormat: format), dryRun: false, by: houses[0].provenance())
        let license = try await houses[0].issue(product: "new")
        #expect(license.key.text.hasPrefix("NEWX"))
        let answer = try await houses[1].validate(license.key, domain: "example.com", product: "new")
        #expect(answer.verdict == .valid)
        #expect(answer.license?.product.code.text == "new")
    }

    @Test("and nobody else is not found, after one read for all that ask at once and none for a second after")
    func unknown() async throws {
        let house = try await TestHouse(settings: .withoutGuessLimit)
        let acme = try await house.acme()
        let misses = try #require(house.licensing.shared?.misses)
        var generator = SystemRandomNumberGenerator()
        let wrong = LicenseKey(.plain, using: &generator)
        let before = misses.reads.value
        let verdicts = try await Crowd.run(500) { _ in
            try await house.validate(wrong, domain: "example.com").verdict
        }.map { try $0.get() }
        #expect(verdicts.allSatisfy { $0 == .notFound })
        // A machine that is busy may take longer than a second for 500 checks.
        #expect((1...4).contains(misses.reads.value - before), "\(misses.reads.value - before) reads")
        #expect(try await house.verdict(acme, "example.com") == .valid)
    }

    @Test("among thousands of others is asked for together with them")
    func manyUnknown() async throws {
        let house = try await TestHouse(settings: .withoutGuessLimit)
        try await house.product()
        let misses = try #require(house.licensing.shared?.misses)
        let before = misses.reads.value
        let verdicts = try await Crowd.run(900) { _ in
            var generator = SystemRandomNumberGenerator()
            return try await house.validate(LicenseKey(.plain, using: &generator), domain: "a.example.com")
                .verdict
        }.map { try $0.get() }
        #expect(verdicts.allSatisfy { $0 == .notFound })
        #expect(misses.reads.value - before < 450, "\(misses.reads.value - before) reads for 900 keys")
    }

    @Test("is never said to be unknown while the database cannot be asked")
    func unasked() async throws {
        let house = try await TestHouse()
        let acme = try await house.acme()
        #expect(try await house.verdict(acme, "example.com") == .valid)
        house.faults.failReads()
        var generator = SystemRandomNumberGenerator()
        let wrong = LicenseKey(.plain, using: &generator)
        await #expect(throws: DatabaseError.self) { try await house.validate(wrong, domain: "example.com") }
        #expect(try await house.verdict(acme, "example.com") == .valid, "known ones need nobody")
        house.faults.mend()
        #expect(try await house.validate(wrong, domain: "example.com").verdict == .notFound)
    }

    @Test("waits for the read, but no more than a thousand do")
    func bounded() async throws {
        let house = try await TestHouse(settings: .withoutGuessLimit)
        let misses = try #require(house.licensing.shared?.misses)
        let ask: @Sendable (Int) async throws -> Verdict = { _ in
            var generator = SystemRandomNumberGenerator()
            return try await house.validate(LicenseKey(.plain, using: &generator), domain: "a.example.com").verdict
        }
        let read = house.faults.hold(.read)
        async let first = ask(0)
        // Those that come before a read begins share it; the others come after.
        try await read.reached()
        async let others = Crowd.run(MissConfirmation.waitingMax + 300, ask)
        defer { read.letGo() }
        try await eventually("300 are refused") { misses.refused.value >= 300 }
        read.letGo()
        #expect(try await first == .notFound)
        let all = await others
        #expect(all.count { if case .failure(is SeatQueue.Overloaded) = $0 { true } else { false } } == 300)
        #expect(all.count { if case .success(.notFound) = $0 { true } else { false } } == MissConfirmation.waitingMax)
    }

    @Test("still counts as a guess")
    func guesses() async throws {
        let house = try await TestHouse()
        var generator = SystemRandomNumberGenerator()
        let wrong = LicenseKey(.plain, using: &generator).text
        for _ in 0..<GuessLimit.burstDefault {
            #expect(try await house.ask(wrong, domain: "a.example.com") == .notFound)
        }
        await #expect(throws: InstallerWatch.TooManyGuesses.self) {
            try await house.ask(wrong, domain: "a.example.com")
        }
    }
}

@Suite("A node that cannot follow the database", .onSharedDatabase)
struct StaleTests {
    private final class Age: Sendable {
        private let value = Mutex(Duration.zero)
        private let start = ContinuousClock.now
        var feed: FeedProgress { FeedProgress(now: { self.start.advanced(by: self.value.withLock { $0 }) }) }
        func set(_ age: Duration) { value.withLock { $0 = age } }
    }

    private let house: TestHouse
    private let acme: IssuedLicense
    private let age = Age()
    private let node: LicensingService

    init() async throws {
        house = try await TestHouse()
        acme = try await house.acme()
        #expect(try await house.verdict(acme, "example.com") == .valid)
        node = try await house.secondService(feed: age.feed)
    }

    @Test("goes on with those it knows, without a token, and says so", arguments: [nil, "abc"])
    func known(nonce: String?) async throws {
        let fresh = try await house.validate(acme.key, domain: "example.com", nonce: nonce, in: node)
        #expect(!fresh.isStale && fresh.token != nil)
        age.set(.seconds(11))
        let stale = try await house.validate(acme.key, domain: "example.com", nonce: nonce, in: node)
        #expect(stale.verdict == .valid)
        #expect(stale.isStale)
        #expect(stale.token == nil)
        #expect(stale.seat?.place?.activation == fresh.seat?.place?.activation)
        #expect(stale.nonce == nonce)
        let wait = stale.nextCheckAt - house.clock.now()
        #expect(.minutes(11) <= wait && wait <= .minutes(19), "\(wait)")
        age.set(.seconds(9))
        #expect(try await house.validate(acme.key, domain: "example.com", nonce: nonce, in: node).token != nil)
    }

    @Test("lets newcomers in as long as the database answers, and turns them away when it does not")
    func newcomers() async throws {
        age.set(.seconds(60))
        let answer = try await house.validate(acme.key, domain: "new.example.com", in: node)
        #expect(answer.verdict == .valid && answer.token != nil && !answer.isStale, "the database said it just now")
        house.faults.fail(at: .statement(1))
        await #expect(throws: DatabaseError.self) {
            try await house.validate(acme.key, domain: "later.example.com", in: node)
        }
        house.faults.mend()
    }

    @Test("never says that a key is unknown which it cannot ask for")
    func unknownKeys() async throws {
        age.set(.seconds(60))
        let issued = try await house.solo()
        #expect(try await house.verdict(issued, "a.example.com", in: node) == .valid)
        let later = try await house.licensing.issueLicense(
            NewLicense(customer: try await house.customer().id, product: house.product(), expiry: .never),
            dryRun: true, by: house.provenance())
        house.faults.failReads()
        await #expect(throws: DatabaseError.self) {
            try await house.validate(later.key, domain: "a.example.com", in: node)
        }
    }

    @Test("says nothing any more after a day")
    func tooOld() async throws {
        age.set(.seconds(24 * 3600 + 1))
        await #expect(throws: MemoryTooOld.self) { try await house.verdict(acme, "example.com", in: node) }
        await #expect(throws: MemoryTooOld.self) {
            try await house.deactivate(acme.key, domain: "example.com", token: nil, in: node)
        }
    }
}
