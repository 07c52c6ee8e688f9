import Customers
import Primitives
import Secrets
import TestSupport
import Testing

@testable import Licensing

@Suite("The index in memory")
struct LicenseIndexTests {
    private let index = LicenseIndex()
    private let start = ManualClock.start
    private let id = LicenseID(rawValue: 7)
    private let key = KeyedHash(high: 1, low: 1)
    private let place = KeyedHash(high: 2, low: 2)

    private func license(version: Int64, used: Int = 0) throws -> License {
        try .sample(id: id, used: used, version: version, createdAt: start)
    }

    private func facts(lastSeen: Timestamp, places: Int = 1) -> PlaceFacts {
        PlaceFacts(
            activation: ActivationID(rawValue: 9), firstSeen: start, lastSeen: lastSeen, placesOfSeat: places)
    }

    @Test("takes the higher version of a license, in whatever order they arrive, and as often as they do")
    func versions() throws {
        index.apply([.license(try license(version: 5, used: 2)), .key(key, id)])
        index.apply([.license(try license(version: 4, used: 1))])
        #expect(index.license(forKey: key)?.used == 2)
        index.apply([.license(try license(version: 5, used: 2)), .key(key, id)])
        #expect(index.license(id)?.version == 5)
        index.apply([.license(try license(version: 6, used: 3))])
        #expect(index.license(forKey: key)?.used == 3)
    }

    @Test("opens nothing for a key whose license is not there yet")
    func keyFirst() throws {
        index.apply([.key(key, id)])
        #expect(index.license(forKey: key) == nil)
        index.apply([.license(try license(version: 1))])
        #expect(index.license(forKey: key)?.id == id)
        #expect(index.license(forKey: KeyedHash(high: 1, low: 2)) == nil)
    }

    @Test("opens nothing for a key from the instant of its end; of two ends the earlier stays")
    func endingKey() throws {
        index.apply([.license(try license(version: 1)), .key(key, id), .keyEnds(key, start + .hours(2))])
        #expect(index.license(forKey: key, at: start + .hours(1))?.keyEndsAt == start + .hours(2))
        index.apply([.keyEnds(key, start + .hours(1)), .keyEnds(key, start + .hours(3))])
        #expect(index.license(forKey: key, at: start)?.keyEndsAt == start + .hours(1))
        #expect(index.license(forKey: key, at: start + .hours(1)) == nil)
        #expect(index.license(forKey: KeyedHash(high: 1, low: 2), at: start) == nil)
        index.apply([.keyGone(key)])
        #expect(index.license(forKey: key, at: start) == nil)
        index.apply([.key(key, id)])
        #expect(index.license(forKey: key, at: start)?.keyEndsAt == nil)
    }

    @Test("keeps the later time of last use when a place is applied again")
    func lastUse() {
        index.apply([.place(place, facts(lastSeen: start))])
        #expect(index.confirm(place, addressesPerSeat: 3, at: start + .hours(1))?.lastSeen == start + .hours(1))
        index.apply([.place(place, facts(lastSeen: start, places: 2))])
        #expect(index.place(place)?.lastSeen == start + .hours(1))
        #expect(index.place(place)?.placesOfSeat == 2)
        #expect(index.takeTouchedPlaces().map(\.1.lastSeen) == [start + .hours(1)])
        #expect(index.takeTouchedPlaces().isEmpty)
    }

    @Test("confirms a place that is live, or whose seat has room for all of its places", arguments: [1, 3, 4])
    func confirms(places: Int) {
        index.apply([.place(place, facts(lastSeen: start, places: places))])
        let later = start + .hours(48) + .milliseconds(1)
        #expect((index.confirm(place, addressesPerSeat: 3, at: later) != nil) == (places <= 3))
        #expect(index.confirm(place, addressesPerSeat: 3, at: start + .hours(48)) != nil)
        index.apply([.placeGone(place), .placeGone(place)])
        #expect(index.confirm(place, addressesPerSeat: 3, at: start) == nil)
    }

    @Test("gives equal policies one place, and every license its own")
    func policies() throws {
        for number in 0..<1000 as Range<UInt64> {
            var overrides = PolicySettings()
            overrides.licenseType = Slug(number.isMultiple(of: 2) ? "a" : "b")
            var license = try License.sample(
                id: LicenseID(rawValue: number << 56 | number), overrides: overrides, createdAt: start)
            license.used = Int(number)
            index.apply([.license(license)])
        }
        var seen = Set<PolicyID>()
        for number in 0..<1000 as Range<UInt64> {
            let facts = try #require(index.license(LicenseID(rawValue: number << 56 | number)))
            #expect(facts.used == UInt32(number))
            #expect(index.policy(facts.policy).licenseType.text == (number.isMultiple(of: 2) ? "a" : "b"))
            seen.insert(facts.policy)
        }
        #expect(seen.count == 2)
    }
}

@Suite("The cache of tokens")
struct TokenCacheTests {
    private let cache = TokenCache()
    private let stamp = TokenCache.Stamp(licenseVersion: 1, productVersion: 1, keyID: "k", bucket: 5)

    private func token(_ bytes: Int) -> TokenMint.Minted {
        TokenMint.Minted(
            token: Array(repeating: 0x41, count: bytes), nextCheckAt: ManualClock.start, at: ManualClock.start)
    }

    @Test("gives a token for its place and for everything it depends on, and for nothing else")
    func stamps() {
        let place = KeyedHash(high: 1, low: 1)
        cache.keep(token(3), for: place, stamp)
        #expect(cache.token(for: place, stamp)?.token.count == 3)
        #expect(cache.token(for: KeyedHash(high: 1, low: 2), stamp) == nil)
        for other in [
            TokenCache.Stamp(licenseVersion: 2, productVersion: 1, keyID: "k", bucket: 5),
            TokenCache.Stamp(licenseVersion: 1, productVersion: 2, keyID: "k", bucket: 5),
            TokenCache.Stamp(licenseVersion: 1, productVersion: 1, keyID: "l", bucket: 5),
            TokenCache.Stamp(licenseVersion: 1, productVersion: 1, keyID: "k", bucket: 6),
        ] {
            #expect(cache.token(for: place, other) == nil)
        }
    }

    @Test("is bounded in bytes, and a token replaced counts once")
    func bounded() {
        let half = TokenCache.bytesMax / 64 / 2
        let places = (1...3).map { KeyedHash(high: 1, low: $0) }
        for _ in 0..<10 { cache.keep(token(half), for: places[0], stamp) }
        cache.keep(token(half), for: places[1], stamp)
        #expect(cache.token(for: places[0], stamp) != nil && cache.token(for: places[1], stamp) != nil)
        cache.keep(token(half), for: places[2], stamp)
        #expect(places.map { cache.token(for: $0, stamp) != nil } == [false, false, true])
    }
}
