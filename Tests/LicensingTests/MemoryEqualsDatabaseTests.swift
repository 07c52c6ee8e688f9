import Customers
import Licensing
import Primitives
import TestSupport
import Testing

/// Random histories, played against the service and against a model of a few lines that follows DESIGN D7 alone.
@Suite("After any history")
struct MemoryEqualsDatabaseTests {
    private static let batches = 30
    private static let operationsPerBatch = 60

    @Test("verdicts are those of the model, and memory is what the database says", arguments: SeededGenerator.seeds)
    func history(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let house = try await TestHouse()
        var licenses: [Played] = []
        for batch in 0..<Self.batches {
            if licenses.count < 6 { licenses.append(try await Played(licenses.count, in: house, using: &random)) }
            for operation in 0..<Self.operationsPerBatch {
                // More than a minute, so that no remembered refusal outlives its reason, and no two seats are as old.
                house.clock.advance(by: .seconds(61))
                let chosen = random.number(0...licenses.count - 1)
                try await licenses[chosen].step(in: house, using: &random, "batch \(batch), step \(operation)")
            }
            if random.number(1...3) == 1 {
                // Of two seats of a domain that end in one millisecond neither is the last.
                house.clock.advance(by: .seconds(1))
                try await house.keepSeats()
                for number in licenses.indices { licenses[number].model.keep(house.clock.now()) }
            }
            for played in licenses {
                let stored = try #require(try await house.licensing.license(played.issued.id)).license
                #expect(stored.used == played.model.used, "batch \(batch)")
                #expect(stored.overLimitUntil == played.model.overLimitUntil, "batch \(batch)")
            }
            #expect(try await house.inconsistencies() == [], "batch \(batch)")
            try await licenses[random.number(0...licenses.count - 1)].compare(in: house, using: &random)
            house.clock.advance(by: .minutes(random.pick([5, 5, 60, 1200, 2880, 9000, 50_000])))
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
        let isStaging: Bool
        let firstSeen: Timestamp
        var carriedID: String?
        /// When each network was last seen.
        var places: [String: Timestamp]

        /// What was said last from each network: said again from there it is not noted anew.
        var said: [String: String] = [:]

        var lastSeen: Timestamp { places.values.max() ?? firstSeen }

        /// Forgets the networks that were last seen so long ago, and with them what was said there.
        mutating func drop(where isStale: (Timestamp) -> Bool) {
            places = places.filter { !isStale($0.value) }
            said = said.filter { places[$0.key] != nil }
        }

        var summary: String {
            let kind = isStaging ? "staging" : "production"
            return "\(domain) #\(ordinal) \(kind) \(places.keys.sorted().joined(separator: ","))"
        }
    }

    struct Call {
        let domain: String
        let network: String
        let id: String?
        let now: Timestamp
        let activates: Bool
        let isExplicit: Bool
    }

    enum Ending { case barring, onBudget, freeing }

    var seatsMax: Int
    let addressesPerSeat: Int
    let lease: Duration?
    let movesMax: Int
    let stagingMax: Int
    let needsActivation: Bool
    let expiresAt: Timestamp?
    let graceSeconds: Int64
    var seats: [Seat] = []
    var overLimitUntil: Timestamp?
    private var endings: [(domain: String, at: Timestamp, ending: Ending)] = []

    init(
        seatsMax: Int, addressesPerSeat: Int, lease: Duration?, movesMax: Int, stagingMax: Int, needsActivation: Bool,
        expiresAt: Timestamp?, graceSeconds: Int64
    ) {
        self.seatsMax = seatsMax
        self.addressesPerSeat = addressesPerSeat
        self.lease = lease
        self.movesMax = movesMax
        self.stagingMax = stagingMax
        self.needsActivation = needsActivation
        self.expiresAt = expiresAt
        self.graceSeconds = graceSeconds
    }

    var used: Int { seats.count { !$0.isStaging } }

    // MARK: Calls

    mutating func validate(_ call: Call) -> Verdict {
        let isExpired = expiresAt.map { call.now >= $0 } ?? false
        if let expiresAt, call.now >= expiresAt + .seconds(graceSeconds) { return .expired }
        let isIn: Verdict = isExpired ? .expiredGrace : .valid
        let own = seats.indices.filter { seats[$0].domain == call.domain }
            .sorted { seats[$0].ordinal < seats[$1].ordinal }
        if let seat = own.first(where: { seats[$0].places[call.network] != nil }) {
            let isLapsed = lapsed(seats[seat].places[call.network] ?? call.now, call.now)
            if isLapsed, !call.activates { return isExpired ? .expired : .notActivated }
            see(seat, call, isNoted: isLapsed)
            return isIn
        }
        if !call.activates { return isExpired ? .expired : .notActivated }
        if let seat = own.first(where: { live(seats[$0], call.now) < addressesPerSeat }) {
            if seats[seat].places.count >= addressesPerSeat {
                seats[seat].drop { call.now - $0 > .hours(48) }
            }
            see(seat, call, isNoted: true)
            return isIn
        }
        return admit(call, own.map { seats[$0].ordinal }, isExpired: isExpired)
    }

    private mutating func admit(_ call: Call, _ ordinals: [Int], isExpired: Bool) -> Verdict {
        if needsActivation, !call.isExplicit { return isExpired ? .expired : .notActivated }
        if !call.isExplicit, isBarred(call) { return isExpired ? .expired : .notActivated }
        let ordinal = (1...).first { !ordinals.contains($0) } ?? 1
        let isStaging = ["staging.", "dev."].contains { call.domain.hasPrefix($0) }
        if !isStaging, ordinals.isEmpty, let source = movable(call) {
            let from = seats.remove(at: source)
            endings.append((from.domain, call.now, .onBudget))
            seats.append(
                Seat(
                    domain: call.domain, ordinal: ordinal, isStaging: false, firstSeen: from.firstSeen,
                    carriedID: call.id, places: [call.network: call.now],
                    said: call.id.map { [call.network: $0] } ?? [:]))
            return isExpired ? .expiredGrace : .valid
        }
        if isExpired { return .expired }
        if isStaging, makeStagingRoom(call.now) {
            take(call, ordinal, isStaging: true)
            return .valid
        }
        guard makeRoom(call.now) else { return ordinals.isEmpty ? .activationLimit : .addressLimit }
        take(call, ordinal, isStaging: false)
        return .valid
    }

    private mutating func take(_ call: Call, _ ordinal: Int, isStaging: Bool) {
        seats.append(
            Seat(
                domain: call.domain, ordinal: ordinal, isStaging: isStaging, firstSeen: call.now, carriedID: call.id,
                places: [call.network: call.now], said: call.id.map { [call.network: $0] } ?? [:]))
    }

    /// `isNoted`: the writer notes what is said in any case.
    private mutating func see(_ seat: Int, _ call: Call, isNoted: Bool) {
        seats[seat].places[call.network] = call.now
        guard let id = call.id, isNoted || seats[seat].said[call.network] != id else { return }
        seats[seat].carriedID = id
        seats[seat].said[call.network] = id
    }

    private func isBarred(_ call: Call) -> Bool {
        let last = endings.last { $0.domain == call.domain && $0.at > call.now - .days(30) }
        return last.map { $0.ending != .freeing } ?? false
    }

    private func hasBudget(_ now: Timestamp) -> Bool {
        endings.count { $0.ending == .onBudget && $0.at > now - .days(30) } < movesMax
    }

    private func movable(_ call: Call) -> Int? {
        guard let id = call.id, hasBudget(call.now) else { return nil }
        return seats.indices.filter { !seats[$0].isStaging && seats[$0].carriedID == id }
            .max { seats[$0].lastSeen < seats[$1].lastSeen }
    }

    // MARK: Room

    private mutating func makeStagingRoom(_ now: Timestamp) -> Bool {
        if seats.count(where: \.isStaging) < stagingMax { return true }
        guard stagingMax > 0, let oldest = unseen(for: .days(60), staging: true, now).first else { return false }
        free([oldest], now)
        return true
    }

    private mutating func makeRoom(_ now: Timestamp) -> Bool {
        let needed = seatsMax == 0 ? 0 : max(0, used - seatsMax + 1)
        if needed == 0 { return true }
        if let lease {
            let lapsed = unseen(for: lease, staging: false, now)
            if lapsed.count >= needed {
                free(Array(lapsed.prefix(needed)), now)
                return true
            }
        }
        guard needed == 1, let oldest = unseen(for: .days(60), staging: false, now).first else { return false }
        free([oldest], now)
        return true
    }

    /// Seats, those unseen for longest first.
    private func unseen(for duration: Duration, staging: Bool, _ now: Timestamp) -> [Int] {
        seats.indices.filter { seats[$0].isStaging == staging && now - seats[$0].lastSeen > duration }
            .sorted { seats[$0].lastSeen < seats[$1].lastSeen }
    }

    private mutating func free(_ chosen: [Int], _ now: Timestamp, _ ending: Ending = .freeing) {
        for seat in chosen.sorted(by: >) { endings.append((seats.remove(at: seat).domain, now, ending)) }
        if !isOverLimit { overLimitUntil = nil }
    }

    private var isOverLimit: Bool { seatsMax > 0 && used > seatsMax }

    // MARK: Operators, the keeper, the installation itself

    /// How many seats a release frees.
    mutating func release(_ domain: String?, _ now: Timestamp) -> Int {
        let chosen = seats.indices.filter { domain == nil || seats[$0].domain == domain }
        free(chosen, now, .barring)
        return chosen.count
    }

    mutating func deactivate(_ domain: String, at network: String, _ now: Timestamp) -> Verdict {
        guard hasBudget(now) else { return .deactivationLimit }
        let seat = seats.indices.first { seats[$0].domain == domain && seats[$0].places[network] != nil }
        free(seat.map { [$0] } ?? [], now, .onBudget)
        return .notActivated
    }

    mutating func merge(_ from: String, into domain: String, _ now: Timestamp) -> Int {
        let sources = seats.filter { $0.domain == from }.sorted { $0.firstSeen < $1.firstSeen }
        guard let oldest = sources.first else { return 0 }
        let staging = ["staging.", "dev."].contains { domain.hasPrefix($0) }
        let told = overLimitUntil
        free(seats.indices.filter { seats[$0].domain == from }, now, .barring)
        overLimitUntil = told
        if !seats.contains(where: { $0.domain == domain }) {
            seats.append(
                Seat(
                    domain: domain, ordinal: 1, isStaging: staging && sources.allSatisfy(\.isStaging),
                    firstSeen: oldest.firstSeen, carriedID: sources.compactMap(\.carriedID).first, places: [:]))
        }
        var known = Set(seats.filter { $0.domain == domain }.flatMap(\.places.keys))
        let targets = seats.indices.filter { seats[$0].domain == domain }
            .sorted { seats[$0].firstSeen < seats[$1].firstSeen }
        for (network, seen) in sources.flatMap(\.places).sorted(by: { $0.value > $1.value }) {
            guard !known.contains(network),
                let room = targets.first(where: { seats[$0].places.count < addressesPerSeat })
            else { continue }
            seats[room].places[network] = seen
            known.insert(network)
        }
        limit(to: seatsMax, now)
        return sources.count
    }

    mutating func limit(to max: Int, _ now: Timestamp) {
        seatsMax = max
        if isOverLimit {
            overLimitUntil = overLimitUntil ?? Swift.max((now + .days(30)).wholeSeconds, expiresAt ?? .distantPast)
        } else {
            overLimitUntil = nil
        }
    }

    mutating func keep(_ now: Timestamp) {
        if let lease { free(seats.indices.filter { now - seats[$0].lastSeen > lease }, now) }
        guard let until = overLimitUntil, until <= now, isOverLimit else { return }
        let newest = seats.indices.filter { !seats[$0].isStaging }.sorted { seats[$0].firstSeen > seats[$1].firstSeen }
        free(Array(newest.prefix(used - seatsMax)), now)
    }

    private func lapsed(_ lastSeen: Timestamp, _ now: Timestamp) -> Bool { lease.map { now - lastSeen > $0 } ?? false }

    private func live(_ seat: Seat, _ now: Timestamp) -> Int {
        seat.places.values.count { now - $0 <= .hours(48) }
    }
}

/// A license and its model.
private struct Played {
    static let domains = (1...4).map { "d\($0).example.com" } + ["staging.d1.example.com", "dev.d2.example.com"]
    static let addresses = (1...4).map { "198.51.100.\($0)" } + ["2001:db8::1", "10.0.0.1"]
    private static let ids: [String?] = [nil, nil, "install-0001", "install-0002", "install-0003"]

    let issued: IssuedLicense
    /// A product of its own, which says how many seats it has.
    private let product: String
    var model: SeatModel

    init(_ number: Int, in house: TestHouse, using random: inout SeededGenerator) async throws {
        product = "p\(number)"
        var policy = PolicySettings()
        policy.maxActivations = random.number(0...4)
        policy.addressesPerSeat = random.number(1...3)
        policy.leaseMinutes = random.pick([0, 0, 600])
        policy.movesMax = random.pick([0, 3, 10])
        policy.stagingMax = random.number(0...2)
        policy.activation = random.pick([.automatic, .automatic, .explicit])
        policy.graceDays = random.pick([0, 3])
        let days = random.pick([nil, nil, Int64(random.number(0...60))])
        let expiry = days.map { Expiry.through(house.clock.now().date.adding(days: $0)) } ?? .never
        let made = try await house.product(product, choosing: policy)
        let new = try NewLicense(customer: try await house.customer().id, product: made, expiry: expiry)
        let fresh = try await house.licensing.issueLicense(new, dryRun: false, by: house.provenance())
        let (record, key) = (fresh.record, fresh.key)
        issued = IssuedLicense(id: record.license.id, key: key)
        model = SeatModel(
            seatsMax: made.policy.maxActivations, addressesPerSeat: made.policy.addressesPerSeat,
            lease: made.policy.lease, movesMax: made.policy.movesMax, stagingMax: made.policy.stagingMax,
            needsActivation: made.policy.activation == .explicit, expiresAt: expiry.instant,
            graceSeconds: made.policy.graceSeconds)
    }

    mutating func step(in house: TestHouse, using random: inout SeededGenerator, _ name: String) async throws {
        let (domain, address) = (random.pick(Self.domains), random.pick(Self.addresses))
        switch random.number(1...24) {
        case 1: try await release(domain, in: house, name)
        case 2 where random.number(1...4) == 1: try await release(nil, in: house, name)
        case 3: try await house.licensing.storeLastSeen()
        case 4:
            let seats = random.number(0...4)
            try await house.update(product) { $0.maxActivations = seats }
            model.limit(to: seats, house.clock.now())
        case 5: try await merge(domain, into: random.pick(Self.domains), in: house, name)
        case 6, 7: try await leave(domain, at: address, in: house, name)
        default:
            let call = SeatModel.Call(
                domain: domain, network: address, id: random.pick(Self.ids), now: house.clock.now(),
                activates: random.number(1...6) > 1, isExplicit: random.number(1...3) == 1)
            try await ask(call, in: house, name)
        }
        try #require(try await storedSeats(in: house) == model.seats.map(\.summary).sorted(), "\(name)")
    }

    /// The seats of the license as `SeatModel.Seat.summary` gives them.
    private func storedSeats(in house: TestHouse) async throws -> [String] {
        try await house.texts(
            """
            SELECT a.domain || ' #' || a.ordinal || ' ' || a.kind || ' ' || coalesce((SELECT group_concat(address)
                FROM (SELECT s.address FROM seat_addresses s WHERE s.activation_id = a.id ORDER BY s.address) AS o), '')
            FROM activations a WHERE a.license_id = \(Int64(bitPattern: issued.id.rawValue)) AND a.released_at IS NULL
            """
        ).sorted()
    }

    @discardableResult
    private mutating func ask(
        _ call: SeatModel.Call, in house: TestHouse, _ name: String
    ) async throws -> ValidationAnswer {
        // What was said besides counts once it is stored.
        if call.id != nil { try await house.licensing.storeLastSeen() }
        let told = try await house.validate(
            issued.key, domain: call.domain, ip: call.network, installationID: call.id, activates: call.activates,
            explicitly: call.isExplicit)
        let expected = model.validate(call)
        try #require(told.verdict == expected, "\(name): \(call)")
        return told
    }

    /// A call on purpose, and then the seat is given back.
    private mutating func leave(
        _ domain: String, at address: String, in house: TestHouse, _ name: String
    ) async throws {
        let call = SeatModel.Call(
            domain: domain, network: address, id: nil, now: house.clock.now(), activates: true, isExplicit: true)
        guard let token = try await ask(call, in: house, name).token else { return }
        let told = try await house.deactivate(issued.key, domain: domain, token: token).answer.verdict
        try #require(told == model.deactivate(domain, at: address, house.clock.now()), "\(name): leaving \(domain)")
    }

    /// Holds memory and database against each other for some installations. The questions are calls too: who is in was
    /// seen, which the model must know.
    mutating func compare(in house: TestHouse, using random: inout SeededGenerator) async throws {
        let (domains, address) = ([random.pick(Self.domains)], random.pick(Self.addresses))
        for domain in domains {
            _ = model.validate(
                .init(
                    domain: domain, network: address, id: nil, now: house.clock.now(), activates: false,
                    isExplicit: false))
        }
        try await house.expectMemoryEqualsDatabase([issued], domains: domains, addresses: [address])
    }

    private mutating func release(_ domain: String?, in house: TestHouse, _ name: String) async throws {
        let selection = try domain.map { SeatSelection.domain(try CanonicalDomain($0), nil) } ?? .all
        let expected = model.release(domain, house.clock.now())
        do {
            let released = try await house.release(selection, of: issued).count
            try #require(released == expected && released > 0, "\(name)")
        } catch LicensingRefusal.installationUnknown {
            try #require(expected == 0, "\(name)")
        }
    }

    private mutating func merge(
        _ from: String, into domain: String, in house: TestHouse, _ name: String
    ) async throws {
        let expected = from == domain ? 0 : model.merge(from, into: domain, house.clock.now())
        do {
            let released = try await house.licensing.change(
                .merge(CanonicalDomain(from), into: CanonicalDomain(domain)), of: issued.id, dryRun: false,
                by: house.provenance()
            ).released.count
            try #require(released == expected && released > 0, "\(name)")
        } catch LicensingRefusal.installationUnknown {
            try #require(expected == 0, "\(name)")
        }
    }
}
