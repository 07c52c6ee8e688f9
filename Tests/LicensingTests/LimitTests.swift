import Primitives
import Secrets
import TestSupport
import Testing

@testable import Licensing

@Suite("The limit on newcomers of a license")
struct NewcomerLimitTests {
    private let limit = NewcomerLimit()
    private let start = ManualClock.start
    private let acme = LicenseID(rawValue: 1)
    private let other = LicenseID(rawValue: 2)

    /// How many of 1,000 calls at one instant may go on.
    private func admitted(_ license: LicenseID, at now: Timestamp) -> Int {
        (0..<1000).count { _ in limit.delay(for: license, at: now) == nil }
    }

    @Test("lets 64 through at once, then 30 a minute")
    func rate() {
        #expect(admitted(acme, at: start) == 64)
        #expect(admitted(acme, at: start + .seconds(1)) == 0)
        #expect(admitted(acme, at: start + .seconds(2)) == 1)
        #expect(admitted(acme, at: start + .seconds(62)) == 30)
        #expect(admitted(acme, at: start + .hours(9)) == 64, "and no more than 64 after any pause")
    }

    @Test("says how long to wait, and that is enough")
    func delay() {
        #expect(admitted(acme, at: start) == 64)
        #expect(limit.delay(for: acme, at: start) == .seconds(2))
        #expect(limit.delay(for: acme, at: start + .milliseconds(1500)) == .milliseconds(500))
        #expect(limit.delay(for: acme, at: start + .seconds(2)) == nil)
    }

    @Test("is each license's own")
    func perLicense() {
        #expect(admitted(acme, at: start) == 64)
        #expect(admitted(other, at: start) == 64)
    }

    @Test("does not lock a license out when the clock is set back")
    func clockSetBack() {
        #expect(admitted(acme, at: start) == 64)
        #expect(admitted(acme, at: start - .hours(1)) > 0)
    }

    @Test("remembers a bounded number of licenses, and forgets those first that owe nothing")
    func bounded() {
        for number in 0..<UInt64(NewcomerLimit.licensesMax) {
            _ = limit.delay(for: LicenseID(rawValue: 1000 + number), at: start)
        }
        #expect(admitted(acme, at: start + .minutes(1)) == 64)
        #expect(admitted(acme, at: start + .minutes(1)) == 0)
        #expect(limit.count <= NewcomerLimit.licensesMax)
        for number in 0..<UInt64(NewcomerLimit.licensesMax) + 10 {
            _ = limit.delay(for: LicenseID(rawValue: 1_000_000 + number), at: start + .minutes(1))
        }
        #expect(limit.count <= NewcomerLimit.licensesMax)
    }

    @Test("answers with the seconds to wait, and lets those through who hold a seat")
    func inService() async throws {
        let house = try await TestHouse()
        let license = try await house.issue(seats: 0)
        for number in 0..<64 { #expect(try await house.verdict(license, "s\(number).example.com") == .valid) }
        let refusal = await #expect(throws: Validator.NewcomersLimited.self) {
            try await house.verdict(license, "s64.example.com")
        }
        let seconds = try #require(refusal?.retryAfterSeconds)
        #expect((2...3).contains(seconds))
        for number in 0..<64 { #expect(try await house.verdict(license, "s\(number).example.com") == .valid) }
        #expect(try await house.verdict(house.acme(), "s64.example.com") == .valid)
        house.clock.advance(by: .seconds(seconds))
        #expect(try await house.verdict(license, "s64.example.com") == .valid)
    }
}

@Suite("The memory of refusals")
struct RefusalMemoryTests {
    private let memory = RefusalMemory()
    private let start = ManualClock.start
    private let place = KeyedHash(high: 1, low: 1)

    @Test("holds for the license version at which the refusal was decided, and no other")
    func version() {
        memory.remember(.activationLimit, of: place, version: .at(7), at: start)
        #expect(memory.refusal(of: place, version: .at(7), at: start) == .activationLimit)
        #expect(memory.refusal(of: place, version: .at(8), at: start) == nil)
        #expect(memory.refusal(of: place, version: .at(6), at: start) == nil)
        #expect(memory.refusal(of: KeyedHash(high: 1, low: 2), version: .at(7), at: start) == nil)
    }

    @Test("holds for a minute")
    func minute() {
        memory.remember(.addressLimit, of: place, version: .at(7), at: start)
        #expect(memory.refusal(of: place, version: .at(7), at: start + .milliseconds(59_999)) == .addressLimit)
        #expect(memory.refusal(of: place, version: .at(7), at: start + .seconds(60)) == nil)
        #expect(memory.refusal(of: place, version: .at(7), at: start - .hours(1)) == nil, "a clock that was set back")
    }

    @Test("keeps the last refusal of a place")
    func last() {
        memory.remember(.addressLimit, of: place, version: .at(7), at: start)
        memory.remember(.activationLimit, of: place, version: .at(8), at: start)
        #expect(memory.refusal(of: place, version: .at(8), at: start) == .activationLimit)
        #expect(memory.refusal(of: place, version: .at(7), at: start) == nil)
    }

    @Test("is bounded, and forgets what has ended first")
    func bounded() {
        func fill(_ high: UInt64, _ now: Timestamp) {
            for low in 0..<UInt64(RefusalMemory.entriesMax) {
                memory.remember(.activationLimit, of: KeyedHash(high: high, low: low), version: .at(1), at: now)
            }
        }
        fill(1, start)
        #expect(memory.count == RefusalMemory.entriesMax)
        memory.remember(.activationLimit, of: place, version: .at(7), at: start + .minutes(2))
        #expect(memory.count == 1)
        #expect(memory.refusal(of: place, version: .at(7), at: start + .minutes(2)) == .activationLimit)
        fill(2, start + .minutes(2))
        #expect(memory.count <= RefusalMemory.entriesMax)
    }

    @Test("keeps one that asks again and again away from the writer, until a seat is free")
    func inService() async throws {
        let house = try await TestHouse()
        let solo = try await house.solo()
        #expect(try await house.verdict(solo, "example.com") == .valid)
        #expect(try await house.verdict(solo, "late.example.com") == .activationLimit)
        _ = house.statements.take()
        for _ in 0..<100 { #expect(try await house.verdict(solo, "late.example.com") == .activationLimit) }
        #expect(house.statements.take() == [])
        house.clock.advance(by: .seconds(60))
        #expect(try await house.verdict(solo, "late.example.com") == .activationLimit)
        #expect(house.statements.take().isEmpty == false, "a minute later it is looked at again")
        _ = try await house.licensing.release(.all, of: solo.id, dryRun: false, by: house.provenance())
        #expect(try await house.verdict(solo, "late.example.com") == .valid)
    }

    @Test("of an address ends when the seat changes: a released seat takes it")
    func addressLimit() async throws {
        let house = try await TestHouse()
        let license = try await house.issue(seats: 2)
        for last in 1...3 {
            #expect(try await house.verdict(license, "example.com", ip: "198.51.100.\(last)") == .valid)
        }
        #expect(try await house.verdict(license, "other.example.com") == .valid)
        #expect(try await house.verdict(license, "example.com", ip: "198.51.100.4") == .addressLimit)
        _ = try await house.licensing.release(
            .domain(try CanonicalDomain("other.example.com"), nil), of: license.id, dryRun: false,
            by: house.provenance())
        #expect(try await house.verdict(license, "example.com", ip: "198.51.100.4") == .valid)
    }
}

extension RefusalMemory.Version {
    fileprivate static func at(_ license: Int64) -> Self { Self(license: license, product: 1) }
}
