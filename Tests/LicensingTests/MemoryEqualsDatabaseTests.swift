import Licensing
import Primitives
import TestSupport
import Testing

/// Random histories, played against the service and against a model of a few lines that follows DESIGN D7 alone.
@Suite("After any history")
struct MemoryEqualsDatabaseTests {
    private static let batches = 40
    private static let operationsPerBatch = 60

    @Test("verdicts are those of the model, and memory is what the database says", arguments: SeededGenerator.seeds)
    func history(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let house = try await TestHouse()
        var licenses: [Played] = []
        for batch in 0..<Self.batches {
            if licenses.count < 6 { licenses.append(try await Played(in: house, using: &random)) }
            for operation in 0..<Self.operationsPerBatch {
                let chosen = random.number(0...licenses.count - 1)
                try await licenses[chosen].step(in: house, using: &random, "batch \(batch), step \(operation)")
            }
            for played in licenses {
                #expect(try await house.used(played.issued) == played.model.seats.count, "batch \(batch)")
            }
            #expect(try await house.inconsistencies() == [], "batch \(batch)")
            try await licenses[random.number(0...licenses.count - 1)].compare(in: house, using: &random)
            // At least a minute, so that no remembered refusal outlives its reason, and buckets of newcomers fill.
            house.clock.advance(by: .minutes(random.pick([5, 5, 60, 1200, 2880, 2881, 9000])))
        }
        try await house.expectMemoryEqualsDatabase(
            licenses.map(\.issued), domains: Played.domains, addresses: Played.addresses)
    }
}

/// What a license's seats must be after what has happened to it.
private struct SeatModel {
    struct Seat {
        let domain: String
        let ordinal: Int
        /// When each network was last seen.
        var places: [String: Timestamp]
    }

    let seatsMax: Int
    let addressesPerSeat: Int
    let expiresAt: Timestamp?
    let graceSeconds: Int64
    var seats: [Seat] = []

    mutating func validate(_ domain: String, at network: String, _ now: Timestamp, activates: Bool) -> Verdict {
        let isExpired = expiresAt.map { now >= $0 } ?? false
        if let expiresAt, now >= expiresAt + .seconds(graceSeconds) { return .expired }
        let own = seats.indices.filter { seats[$0].domain == domain }.sorted { seats[$0].ordinal < seats[$1].ordinal }
        if let seat = own.first(where: { seats[$0].places[network] != nil }) {
            seats[seat].places[network] = now
            return isExpired ? .expiredGrace : .valid
        }
        if !activates { return isExpired ? .expired : .notActivated }
        if let seat = own.first(where: { live(seats[$0], now) < addressesPerSeat }) {
            if seats[seat].places.count >= addressesPerSeat {
                seats[seat].places = seats[seat].places.filter { now - $0.value <= .hours(48) }
            }
            seats[seat].places[network] = now
            return isExpired ? .expiredGrace : .valid
        }
        if isExpired { return .expired }
        guard seatsMax == 0 || seats.count < seatsMax else { return own.isEmpty ? .activationLimit : .addressLimit }
        let taken = own.map { seats[$0].ordinal }
        let ordinal = (1...).first { !taken.contains($0) } ?? 1
        seats.append(Seat(domain: domain, ordinal: ordinal, places: [network: now]))
        return .valid
    }

    /// How many seats a release frees.
    mutating func release(_ domain: String?) -> Int {
        let before = seats.count
        seats.removeAll { domain == nil || $0.domain == domain }
        return before - seats.count
    }

    private func live(_ seat: Seat, _ now: Timestamp) -> Int {
        seat.places.values.count { now - $0 <= .hours(48) }
    }
}

/// A license and its model.
private struct Played {
    static let domains = (1...5).map { "d\($0).example.com" }
    static let addresses = (1...4).map { "198.51.100.\($0)" } + ["2001:db8::1", "10.0.0.1"]

    let issued: IssuedLicense
    var model: SeatModel

    init(in house: TestHouse, using random: inout SeededGenerator) async throws {
        let (seats, addresses) = (random.number(0...4), random.number(1...3))
        let graceDays = random.pick([0, 3])
        let days = random.pick([nil, nil, Int64(random.number(0...40))])
        let expiry = days.map { Expiry.through(house.clock.now().date.adding(days: $0)) } ?? .never
        issued = try await house.issue(
            seats: seats, expires: expiry, graceDays: graceDays, addressesPerSeat: addresses)
        model = SeatModel(
            seatsMax: seats, addressesPerSeat: addresses, expiresAt: expiry.instant,
            graceSeconds: Int64(graceDays) * 86_400)
    }

    mutating func step(in house: TestHouse, using random: inout SeededGenerator, _ name: String) async throws {
        let domain = random.pick(Self.domains)
        switch random.number(1...20) {
        case 1: try await release(domain, in: house, name)
        case 2 where random.number(1...4) == 1: try await release(nil, in: house, name)
        case 3: try await house.licensing.storeLastSeen()
        default:
            let (address, activates) = (random.pick(Self.addresses), random.number(1...5) > 1)
            let told = try await house.verdict(issued, domain, ip: address, activates: activates)
            let expected = model.validate(domain, at: address, house.clock.now(), activates: activates)
            try #require(told == expected, "\(name): \(domain) at \(address)")
        }
    }

    /// Holds memory and database against each other for some installations. The questions are calls too: who is in was
    /// seen, which the model must know.
    mutating func compare(in house: TestHouse, using random: inout SeededGenerator) async throws {
        let (domains, address) = ([random.pick(Self.domains), random.pick(Self.domains)], random.pick(Self.addresses))
        for domain in domains { _ = model.validate(domain, at: address, house.clock.now(), activates: false) }
        try await house.expectMemoryEqualsDatabase([issued], domains: domains, addresses: [address])
    }

    private mutating func release(_ domain: String?, in house: TestHouse, _ name: String) async throws {
        let selection = try domain.map { SeatSelection.domain(try CanonicalDomain($0), nil) } ?? .all
        let expected = model.release(domain)
        do {
            let released = try await house.licensing.release(
                selection, of: issued.id, dryRun: false, by: house.provenance()
            ).released.count
            try #require(released == expected && released > 0, "\(name)")
        } catch LicensingRefusal.installationUnknown {
            try #require(expected == 0, "\(name)")
        }
    }
}
