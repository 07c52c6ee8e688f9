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
        License(
            id: id, customerID: try #require(ID(123)), productID: try #require(ID(1)),
            terms: try LicenseTerms(type: "professional", features: ["a"], maxActivations: 3, addressesPerSeat: 3),
            state: .active, notBefore: nil, expiresAt: nil, graceSeconds: 0, used: used, statusIndex: 0,
            version: version, createdAt: start)
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

    @Test("gives equal terms one place, and every license its own")
    func terms() throws {
        for number in 0..<1000 as Range<UInt64> {
            let terms = try LicenseTerms(
                type: number.isMultiple(of: 2) ? "a" : "b", features: [], maxActivations: 1, addressesPerSeat: 3)
            let license = License(
                id: LicenseID(rawValue: number << 56 | number), customerID: try #require(ID(1)),
                productID: try #require(ID(1)), terms: terms, state: .active, notBefore: nil, expiresAt: nil,
                graceSeconds: 0, used: Int(number), statusIndex: Int64(number), version: 1, createdAt: start)
            index.apply([.license(license)])
        }
        var termsSeen = Set<TermsID>()
        for number in 0..<1000 as Range<UInt64> {
            let facts = try #require(index.license(LicenseID(rawValue: number << 56 | number)))
            #expect(facts.used == UInt32(number))
            #expect(index.terms(facts.terms).type.text == (number.isMultiple(of: 2) ? "a" : "b"))
            termsSeen.insert(facts.terms)
        }
        #expect(termsSeen.count == 2)
    }
}

@Suite("The cache of tokens")
struct TokenCacheTests {
    private let cache = TokenCache()
    private let stamp = TokenCache.Stamp(licenseVersion: 1, productVersion: 1, keyID: "k", bucket: 5)

    private func token(_ bytes: Int) -> TokenMint.Minted {
        TokenMint.Minted(token: Array(repeating: 0x41, count: bytes), nextCheckAt: ManualClock.start)
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
