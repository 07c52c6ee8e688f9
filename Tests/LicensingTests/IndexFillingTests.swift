import Primitives
import TestSupport
import Testing

@testable import Licensing

@Suite("A start fills memory")
struct IndexFillingTests {
    @Test("with what memory held of every license, key and place")
    func same() async throws {
        let house = try await TestHouse()
        var own = PolicySettings()
        own.tokenDays = 3
        let day = house.clock.now().date.adding(days: 40)
        let licenses = [
            try await house.issue(seats: 3), try await house.issue(seats: 0, expires: .through(day), choosing: own),
            try await house.lapsed(graceDays: 3),
        ]
        // Three networks of one seat, and one of another.
        let calls = (1...3).map { ("example.com", "198.51.100.\($0)") } + [("example.org", "198.51.100.1")]
        var told: [ValidationAnswer] = []
        for (domain, address) in calls {
            house.clock.advance(by: .milliseconds(1500))
            told.append(try await house.validate(licenses[0].key, domain: domain, ip: address))
        }
        house.clock.advance(by: .minutes(1))
        for (domain, address) in calls { _ = try await house.validate(licenses[0].key, domain: domain, ip: address) }
        try await house.licensing.storeLastSeen()

        let again = try await house.secondService()
        #expect(again.index.sizes == LicenseIndex.Sizes(licenses: 3, keys: 3, places: 4, touched: 0))
        for license in licenses {
            let before = try #require(house.licensing.index.license(license.id))
            let after = try #require(again.index.license(license.id))
            #expect(after.state == before.state && after.productID == before.productID)
            #expect(after.expiresAt == before.expiresAt && after.notBefore == before.notBefore)
            #expect(after.used == before.used && after.version == before.version)
            #expect(after.statusIndex == before.statusIndex)
            #expect(again.index.policy(after.policy) == house.licensing.index.policy(before.policy))
        }
        for (number, (domain, address)) in calls.enumerated() {
            let answer = try await house.validate(licenses[0].key, domain: domain, ip: address, in: again)
            let (before, after) = (try #require(told[number].seat?.place), try #require(answer.seat?.place))
            #expect(after.activation == before.activation && after.kind == before.kind)
            #expect(after.firstSeen == before.firstSeen && after.lastSeen == house.clock.now())
            #expect(after.placesOfSeat == (domain == "example.com" ? 3 : 1))
        }
    }
}
