import Licensing
import Primitives
import TestSupport
import Testing

/// The last seat again, with everything that may free one at once.
@Suite("Many at once on seats that can be freed")
struct SeatRaceTests {
    private static let races = 100

    @Test("of which one is: exactly one of 50 newcomers gets it, a hundred times", arguments: SeededGenerator.seeds)
    func oneSeat(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let house = try await TestHouse()
        for race in 0..<Self.races {
            let way = random.pick(Way.allCases)
            let seats = random.number(1...4)
            let license = try await house.issue(seats: seats, choosing: way.policy)
            try await prepare(way, license, seats: seats, in: house)
            let domains = (0..<50).map { "s\($0).example.com" }.shuffled(using: &random)
            let verdicts = try await Crowd.run(50) { try await house.verdict(license, domains[$0]) }.map {
                try $0.get()
            }
            try #require(verdicts.count { $0 == .valid } == 1, "race \(race), \(way), \(seats) seats")
            try #require(verdicts.count { $0 == .activationLimit } == 49)
            try #require(try await house.used(license) == seats)
        }
        #expect(try await house.inconsistencies() == [])
    }

    /// How the one seat comes to be there.
    private enum Way: CaseIterable, Sendable {
        case free, lease, dormant, endedFile, deactivated

        var policy: PolicySettings {
            var policy = PolicySettings()
            if self == .lease { policy.leaseMinutes = 60 }
            return policy
        }
    }

    /// Takes all seats but one, which is or becomes free.
    private func prepare(_ way: Way, _ license: IssuedLicense, seats: Int, in house: TestHouse) async throws {
        if way == .endedFile {
            #expect(try await house.hold("file.example.com", of: license, days: 1) != nil)
            house.clock.advance(by: .days(2))
        } else if way != .free {
            let first = try await house.validate(license.key, domain: "gone.example.com")
            #expect(first.verdict == .valid)
            switch way {
            case .lease: house.clock.advance(by: .minutes(61))
            case .dormant: house.clock.advance(by: .days(61))
            case .deactivated:
                _ = try await house.deactivate(license.key, domain: "gone.example.com", token: first.token)
            case .free, .endedFile: break
            }
        }
        for number in 1..<max(seats, 1) where seats > 1 {
            #expect(try await house.verdict(license, "in\(number).example.com") == .valid)
        }
    }

    @Test("for staging: as many as may be get it, and none of them counts", arguments: SeededGenerator.seeds)
    func staging(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let house = try await TestHouse()
        for _ in 0..<10 {
            var policy = PolicySettings()
            policy.stagingMax = random.number(0...4)
            let license = try await house.issue(seats: 2, choosing: policy)
            let domains = (0..<30).map { "staging.s\($0).example.com" }.shuffled(using: &random)
            let answers = try await Crowd.run(30) { try await house.validate(license.key, domain: domains[$0]) }.map {
                try $0.get()
            }
            let kinds = answers.compactMap { $0.seat?.place?.kind }
            #expect(kinds.count { $0 == .staging } == policy.stagingMax)
            #expect(kinds.count { $0 == .production } == 2)
            #expect(try await house.used(license) == 2)
        }
        #expect(try await house.inconsistencies() == [])
    }

    @Test("of the same installation at many new domains move the seat once each, and no further than the budget")
    func moves() async throws {
        let house = try await TestHouse()
        var policy = PolicySettings()
        policy.movesMax = 5
        let license = try await house.issue(seats: 1, choosing: policy)
        #expect(try await house.verdict(license, domain: "old.example.com", id: "install-0001") == .valid)
        let verdicts = try await Crowd.run(30) { number in
            try await house.verdict(license, domain: "s\(number).example.com", id: "install-0001")
        }.map { try $0.get() }
        #expect(verdicts.count { $0 == .valid } == 5)
        #expect(try await house.used(license) == 1)
        #expect(try await house.count("SELECT count(*) FROM activations WHERE release_kind = 'moved'") == 5)
        #expect(try await house.inconsistencies() == [])
    }

    @Test(
        "with policies changed, seats given back and leases lapsing in between, never break a rule",
        arguments: SeededGenerator.seeds)
    func everything(seed: UInt64) async throws {
        let house = try await TestHouse()
        try await house.update {
            $0.maxActivations = 3
            $0.leaseMinutes = 30
        }
        var licenses: [IssuedLicense] = []
        for _ in 0..<4 { licenses.append(try await house.inheriting()) }
        let issued = licenses
        for round in 0..<4 {
            let results = await Crowd.run(120) { number in
                var random = SeededGenerator(seed: seed &+ UInt64(round * 1000 + number))
                let license = random.pick(issued)
                let (domain, id) = ("s\(random.number(1...6)).example.com", "install-000\(random.number(1...4))")
                switch random.number(1...24) {
                case 1: try await house.update { $0.maxActivations = random.number(1...5) }
                case 2: try await house.update(recounts: true) { $0.countedBy = random.pick(SeatCounting.allCases) }
                case 3: try await house.keepSeats()
                case 4: try await house.release(.domain(try CanonicalDomain(domain), nil), of: license)
                case 5...8:
                    let answer = try await house.validate(
                        license.key, domain: domain, installationID: id, explicitly: true)
                    if let token = answer.token {
                        _ = try await house.deactivate(
                            license.key, domain: domain, installationID: id, token: token)
                    }
                case 9:
                    _ = try await house.licensing.change(
                        .merge(CanonicalDomain(domain), into: CanonicalDomain("s1.example.com")), of: license.id,
                        dryRun: false, by: house.provenance())
                default:
                    _ = try await house.validate(
                        license.key, domain: domain, ip: "198.51.100.\(random.number(1...4))", installationID: id,
                        explicitly: random.number(1...2) == 1)
                }
            }
            for case .failure(let error) in results {
                #expect(
                    error is LicensingRefusal || error is Validator.NewcomersLimited || error is TokenRefused,
                    "\(error)")
            }
            #expect(try await house.inconsistencies() == [], "round \(round)")
            house.clock.advance(by: .minutes(20))
        }
        try await house.expectMemoryEqualsDatabase(issued, domains: (1...6).map { "s\($0).example.com" })
    }
}
