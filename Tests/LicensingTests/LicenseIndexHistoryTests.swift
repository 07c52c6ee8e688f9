import Primitives
import Secrets
import TestSupport
import Testing

@testable import Licensing

/// The index beside dictionaries that do what it promises, in as few lines as possible.
@Suite("The index in memory, after any history")
struct LicenseIndexHistoryTests {
    private static let steps = 4000

    @Test("holds what a dictionary would", arguments: SeededGenerator.seeds)
    func history(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let index = LicenseIndex()
        var model = IndexModel()
        var now = ManualClock.start
        for step in 1...Self.steps {
            now = now + .milliseconds(Int64(random.number(1...10_000_000)))
            let place = IndexModel.place(random.number(0...150))
            switch random.number(1...20) {
            case 1...4: try model.change(license: random.number(0...60), of: index, using: &random)
            case 5...8: model.put(place, IndexModel.facts(at: now, using: &random), into: index)
            case 9:
                model.places[place] = nil
                index.apply([.placeGone(place)])
            case 10: model.store(from: index, succeeds: random.number(1...3) > 1)
            default: model.confirm(place, in: index, at: now, using: &random)
            }
            if step.isMultiple(of: 200) { model.compare(with: index) }
        }
    }
}

private struct IndexModel {
    var licenses: [LicenseID: LicenseFacts] = [:]
    var keys: [KeyedHash: LicenseID] = [:]
    var places: [KeyedHash: PlaceFacts] = [:]

    /// 150 places in two stripes, the first with a hash of zeros.
    static func place(_ number: Int) -> KeyedHash {
        KeyedHash(high: number.isMultiple(of: 2) ? 0 : .max, low: UInt64(number) / 2)
    }

    static func facts(at now: Timestamp, using random: inout SeededGenerator) -> PlaceFacts {
        let seen = now - .minutes(random.number(0...4000))
        return PlaceFacts(
            activation: ActivationID(rawValue: random.next()), firstSeen: seen, lastSeen: seen,
            placesOfSeat: random.number(1...4), kind: random.pick(SeatKind.allCases),
            sketch: 1 << UInt64(random.number(0...63)), carried: random.pick([0, 0, 7]))
    }

    mutating func change(
        license number: Int, of index: LicenseIndex, using random: inout SeededGenerator
    ) throws {
        // The first has the identifier 0, and every third seats above its limit, which its record has no room for.
        let id = LicenseID(rawValue: UInt64(number) << 58 | UInt64(number))
        var license = try License.sample(
            id: id, state: random.pick(License.State.allCases),
            expiresAt: random.pick([nil, ManualClock.start + .days(random.number(1...36_000))]),
            used: random.number(0...9), version: Int64(random.number(1...9)), createdAt: ManualClock.start)
        if random.number(1...3) == 1 { license.overLimitUntil = ManualClock.start + .days(30) }
        let key = KeyedHash(high: id.rawValue, low: UInt64(random.number(0...1)))
        index.apply([.license(license), .key(key, id)])
        keys[key] = id
        guard license.version >= licenses[id]?.version ?? 0 else { return }
        licenses[id] = LicenseFacts(license, policy: index.policyID(of: license.productID, choosing: license.overrides))
    }

    mutating func put(_ place: KeyedHash, _ facts: PlaceFacts, into index: LicenseIndex) {
        index.apply([.place(place, facts)])
        var facts = facts
        if let known = places[place] {
            if known.lastSeen.date >= facts.lastSeen.date { facts.sketch |= known.sketch }
            if facts.carried == 0 { facts.carried = known.carried }
            facts.lastSeen = max(facts.lastSeen, known.lastSeen)
            facts.isTouched = known.isTouched
        }
        places[place] = facts
    }

    mutating func confirm(
        _ place: KeyedHash, in index: LicenseIndex, at now: Timestamp, using random: inout SeededGenerator
    ) {
        let network = SpreadSketch(bits: 1 << UInt64(random.number(0...63)))
        let sighting = Sighting(network: network, carried: Sighting.plain.carried)
        let lease = random.pick([nil, Duration.hours(30)])
        let told = index.confirm(place, addressesPerSeat: 2, lease: lease, at: now, sighting)
        guard var facts = places[place], facts.counts(addressesPerSeat: 2, lease: lease, at: now) else {
            #expect(told == nil)
            return
        }
        let before = facts
        facts.see(network, at: now)
        if facts != before { facts.isTouched = true }
        places[place] = facts
        #expect(told == facts)
    }

    /// Takes what waits for the database, which may refuse it.
    mutating func store(from index: LicenseIndex, succeeds: Bool) {
        let taken = index.takeTouchedPlaces()
        // Also those that were gone and came back meanwhile, which does no harm.
        #expect(Set(taken.map(\.0)).isSuperset(of: places.filter(\.value.isTouched).keys))
        for (hash, facts) in taken {
            var stored = facts
            stored.isTouched = false
            places[hash]?.isTouched = false
            #expect(stored == places[hash])
        }
        guard !succeeds else { return }
        index.returnTouchedPlaces(taken)
        for (hash, _) in taken { places[hash]?.isTouched = true }
    }

    func compare(with index: LicenseIndex) {
        let sizes = index.sizes
        #expect([sizes.licenses, sizes.keys, sizes.places] == [licenses.count, keys.count, places.count])
        for (id, facts) in licenses { #expect(index.license(id) == facts) }
        for (key, id) in keys { #expect(index.license(forKey: key) == licenses[id]) }
        for number in 0...150 { #expect(index.place(Self.place(number)) == places[Self.place(number)]) }
        #expect(index.license(LicenseID(rawValue: 61)) == nil && index.license(forKey: Self.place(3)) == nil)
    }
}
