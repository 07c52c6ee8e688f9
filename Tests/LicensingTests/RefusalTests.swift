import Database
import Primitives
import TestSupport
import Testing

@testable import Licensing

@Suite("A ring")
struct RingTests {
    @Test("keeps the last few, oldest first")
    func order() {
        var ring = Ring<Int>(capacity: 3)
        #expect(ring.elements == [])
        for number in 1...3 { ring.append(number) }
        #expect(ring.elements == [1, 2, 3])
        for number in 4...8 {
            ring.append(number)
            #expect(ring.elements == [number - 2, number - 1, number])
        }
        #expect(ring.count == 3 && ring.isFull)
    }
}

@Suite("The log of refusals")
struct RefusalTests {
    private let house: TestHouse
    private static let unknownKey = "0000-0000-0000-0000"

    init() async throws {
        house = try await TestHouse(settings: .withoutGuessLimit)
    }

    private func revoke(_ license: IssuedLicense) async throws {
        try await house.execute(
            "UPDATE licenses SET state = 'revoked', version = version + 1 WHERE id = \(license.id.databaseValue)")
    }

    @Test("tells time, code, domain, address and peer, newest first")
    func members() async throws {
        let solo = try await house.solo()
        #expect(try await house.ask(solo.key.text, domain: "example.com") == .valid)
        house.clock.advance(by: .seconds(1))
        let refused = try await house.ask(
            solo.key.text, domain: "Late.Example.com", ip: "198.51.100.1", client: "192.0.2.7")
        #expect(refused == .activationLimit)
        house.clock.advance(by: .seconds(1))
        #expect(try await house.ask("nonsense", domain: "example.org", client: "192.0.2.8") == .keyMalformed)
        let records = try await house.refusals()
        #expect(records.map(\.code) == ["KEY_MALFORMED", "ACTIVATION_LIMIT"])
        #expect(records.map(\.license) == [nil, solo.id])
        #expect(records.map(\.at) == [house.clock.now(), house.clock.now() - .seconds(1)])
        let expected = RefusedInstallation(
            domain: "late.example.com", installationID: nil, address: "198.51.100.1", peer: "192.0.2.7")
        #expect(records[1].installation == expected)
        #expect(try await house.refusals(.license(solo.id)).map(\.code) == ["ACTIVATION_LIMIT"])
        #expect(try await house.refusals(.unknownKeys).map(\.code) == ["KEY_MALFORMED"])
    }

    @Test("keeps the last 20 of each license, in memory and in the database")
    func perLicense() async throws {
        let (solo, other) = (try await house.solo(), try await house.solo())
        for license in [solo, other] { #expect(try await house.ask(license.key.text, domain: "example.com") == .valid) }
        #expect(try await house.ask(other.key.text, domain: "once.example.com") == .activationLimit)
        for round in 0..<3 {
            for number in 0..<15 {
                house.clock.advance(by: .seconds(2))
                _ = try await house.ask(solo.key.text, domain: "s\(round * 15 + number).example.com")
            }
            try await house.licensing.storeRefusals(at: house.clock.now())
        }
        let domains = try await house.refusals(.license(solo.id)).map { $0.installation?.domain }
        #expect(domains == (25...44).reversed().map { "s\($0).example.com" })
        #expect(try await house.count("SELECT count(*) FROM refusals") == 21)
        #expect(try await house.refusals(.license(other.id)).count == 1)
    }

    @Test("keeps the last 1,000 with keys that open nothing")
    func unknown() async throws {
        for number in 0..<1_100 { _ = try await house.ask(Self.unknownKey, domain: "s\(number).example.com") }
        try await house.licensing.storeRefusals(at: house.clock.now())
        for number in 1_100..<1_200 { _ = try await house.ask("nonsense", domain: "s\(number).example.com") }
        #expect(
            try await house.licensing.refusals(.unknownKeys, try #require(Page()), at: house.clock.now()).total == 1000)
        let newest = try await house.refusals(.unknownKeys).prefix(101)
        #expect(newest.map { $0.installation?.domain } == (1_099...1_199).reversed().map { "s\($0).example.com" })
        #expect(newest.map(\.code) == Array(repeating: "KEY_MALFORMED", count: 100) + ["NOT_FOUND"])
    }

    @Test("costs a valid answer nothing, and a refusal no statement until it is stored")
    func statements() async throws {
        let solo = try await house.solo()
        #expect(try await house.ask(solo.key.text, domain: "example.com") == .valid)
        #expect(try await house.ask(solo.key.text, domain: "late.example.com") == .activationLimit)
        try await house.licensing.storeRefusals(at: house.clock.now())
        _ = house.statements.take()
        for _ in 0..<100 {
            #expect(try await house.ask(solo.key.text, domain: "example.com") == .valid)
            #expect(try await house.ask(solo.key.text, domain: "late.example.com") == .activationLimit)
            #expect(try await house.ask(Self.unknownKey, domain: "example.com") == .notFound)
        }
        #expect(house.statements.takeWhereAlone() == [])
        _ = house.statements.takeCommits()
        try await house.licensing.storeRefusals(at: house.clock.now())
        #expect(house.statements.takeCommits() == 1)
    }

    @Test("stores nothing when nothing was refused")
    func idle() async throws {
        _ = house.statements.take()
        try await house.licensing.storeRefusals(at: house.clock.now())
        #expect(house.statements.take() == [])
    }

    @Test("is bounded in what a flood makes one flush cost, and in its transactions")
    func flood() async throws {
        let log = RefusalLog()
        let refusal = Refusal(
            verdict: .suspended, installation: nil, client: CanonicalAddress(ipv4: 1), at: house.clock.now(),
            unknownKeys: [])
        for license in 0..<3000 { log.append(refusal, of: LicenseID(rawValue: UInt64(license))) }
        #expect(log.dropped.value == 3000 - RefusalLog.pendingMax)
        for _ in 0..<100 { log.append(refusal, of: LicenseID(rawValue: 7)) }
        #expect(log.dropped.value == 3000 - RefusalLog.pendingMax + 100, "its own ring is not full yet")
        for _ in 0..<5000 { log.append(refusal, of: nil) }
        let taken = log.take()
        #expect(taken.reduce(0) { $0 + $1.refusals.count } == RefusalLog.pendingMax + RefusalLog.unknownMax)
        #expect(log.take().isEmpty)

        for number in 0..<1000 { _ = try await house.ask("nonsense", domain: "s\(number).example.com") }
        _ = house.statements.takeCommits()
        try await house.licensing.storeRefusals(at: house.clock.now())
        #expect(house.statements.takeCommits() == 4, "256 at most in one transaction")
    }

    @Test("is kept when the database cannot store it now")
    func notNow() async throws {
        _ = try await house.ask("nonsense", domain: "first.example.com")
        house.faults.fail(at: .commit)
        await #expect(throws: DatabaseError.self) {
            try await house.licensing.storeRefusals(at: house.clock.now())
        }
        _ = try await house.ask("nonsense", domain: "second.example.com")
        house.faults.mend()
        let domains = try await house.refusals().map { $0.installation?.domain }
        #expect(domains == ["second.example.com", "first.example.com"])
    }

    @Test("lasts 90 days at most")
    func age() async throws {
        _ = try await house.ask("nonsense", domain: "old.example.com")
        try await house.licensing.storeRefusals(at: house.clock.now())
        house.clock.advance(by: .days(91))
        _ = try await house.ask("nonsense", domain: "new.example.com")
        #expect(try await house.refusals().map { $0.installation?.domain } == ["new.example.com"])
    }

    @Test("forgets who was refused when the customer is erased, and keeps what and when")
    func erasure() async throws {
        let solo = try await house.solo()
        #expect(try await house.ask(solo.key.text, domain: "example.com") == .valid)
        #expect(try await house.ask(solo.key.text, domain: "late.example.com") == .activationLimit)
        #expect(try await house.refusals().first?.installation?.domain == "late.example.com")
        try await house.execute("DELETE FROM customer_keys")
        house.clock.advance(by: .minutes(2))
        #expect(try await house.ask(solo.key.text, domain: "other.example.com", activates: false) == .notActivated)
        let records = try await house.refusals()
        #expect(records.map(\.code) == ["NOT_ACTIVATED", "ACTIVATION_LIMIT"])
        #expect(records.map(\.installation) == [nil, nil])
    }

    @Test("holds no domain and no address in the open")
    func sealed() async throws {
        let solo = try await house.solo()
        _ = try await house.ask(solo.key.text, domain: "open.example.com", activates: false)
        _ = try await house.ask("nonsense", domain: "open.example.com")
        try await house.licensing.storeRefusals(at: house.clock.now())
        let found = try await house.count(
            "SELECT count(*) FROM refusals WHERE instr(sealed, CAST('example.com' AS BLOB)) > 0 OR sealed IS NULL")
        #expect(found == 0)
        #expect(try await house.count("SELECT count(*) FROM refusals") == 2)
    }

    @Test("is there after a restart")
    func restart() async throws {
        _ = try await house.ask("nonsense", domain: "example.com")
        try await house.licensing.storeRefusals(at: house.clock.now())
        #expect(try await house.refusals(in: house.secondService()).count == 1)
    }
}
