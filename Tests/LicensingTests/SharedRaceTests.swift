import Customers
import Database
import Licensing
import Primitives
import TestSupport
import Testing

/// The last seat, decided by one database for several nodes that know nothing of each other.
@Suite("Many at once on several nodes", .onSharedDatabase)
struct SharedRaceTests {
    private static let nodes = 3

    @Test(
        "on the last seats of a hot license: as many get one as there are", arguments: SeededGenerator.seeds.prefix(3))
    func lastSeats(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let houses = try await SharedHouses(Self.nodes)
        for race in 0..<6 {
            let seats = random.number(1...5)
            let hot = try await houses[0].issue(seats: seats)
            let other = try await houses[0].issue(seats: 0)
            let domains = (0..<64).map { "s\($0).example.com" }.shuffled(using: &random)
            let verdicts = try await Crowd.run(80) { number in
                number < 64
                    ? try await houses[number].verdict(hot, domains[number])
                    : try await houses[number].verdict(other, "o\(number).example.com")
            }.map { try $0.get() }
            try #require(verdicts[..<64].count { $0 == .valid } == seats, "race \(race), \(seats) seats")
            try #require(verdicts[..<64].count { $0 == .activationLimit } == 64 - seats)
            #expect(verdicts[64...].allSatisfy { $0 == .valid })
            #expect(try await houses[0].used(hot) == seats)
        }
        try await houses.expectSound()
    }

    @Test("of one installation on all nodes take one seat, and its further addresses as many as fit")
    func oneInstallation() async throws {
        let houses = try await SharedHouses(Self.nodes)
        let license = try await houses[0].issue(seats: 2)
        let same = try await Crowd.run(48) { try await houses[$0].verdict(license, "example.com") }.map { try $0.get() }
        #expect(same.allSatisfy { $0 == .valid })
        #expect(try await houses[0].used(license) == 1)
        let addresses = try await Crowd.run(30) {
            try await houses[$0].verdict(license, "example.com", ip: "198.51.100.\($0 + 1)")
        }.map { try $0.get() }
        #expect(addresses.count { $0 == .valid } == 5, "two seats of three addresses, one of them taken")
        #expect(addresses.count { $0 == .addressLimit } == 25)
        #expect(try await houses[0].count("SELECT count(*) FROM seat_addresses") == 6)
        try await houses.expectSound()
    }

    @Test("on a seat that can be freed: one gets it", arguments: SeededGenerator.seeds.prefix(3))
    func freed(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let houses = try await SharedHouses(Self.nodes)
        for _ in 0..<4 {
            var policy = PolicySettings()
            let isLeased = random.number(1...2) == 1
            if isLeased { policy.leaseMinutes = 60 }
            let license = try await houses[0].issue(seats: 1, choosing: policy)
            #expect(try await houses[0].verdict(license, "gone.example.com") == .valid)
            houses[0].clock.advance(by: isLeased ? .minutes(62) : .days(61))
            let verdicts = try await Crowd.run(48) { try await houses[$0].verdict(license, "s\($0).example.com") }.map {
                try $0.get()
            }
            #expect(verdicts.count { $0 == .valid } == 1)
            #expect(try await houses[0].used(license) == 1)
        }
        try await houses.expectSound()
    }

    @Test(
        "with deactivations, times of last use, operators' changes and those of the product in between, break no rule",
        arguments: SeededGenerator.seeds.prefix(4))
    func everything(seed: UInt64) async throws {
        let houses = try await SharedHouses(Self.nodes)
        try await houses[0].update { $0.maxActivations = 3 }
        try await houses[0].customer(124)
        let hot = try await houses[0].issue(seats: 3)
        var licenses = [hot, hot, hot]
        for _ in 0..<3 { licenses.append(try await houses[0].inheriting()) }
        let issued = licenses
        for round in 0..<3 {
            let results = await Crowd.run(96) { number in
                var random = SeededGenerator(seed: seed &+ UInt64(round * 1000 + number))
                try await Self.step(houses[number], random.pick(issued), using: &random)
            }
            for case .failure(let error) in results {
                #expect(
                    error is LicensingRefusal || error is Validator.NewcomersLimited || error is TokenRefused,
                    "\(error)")
            }
            try await houses.expectSound()
            houses[0].clock.advance(by: .minutes(20))
        }
    }

    private static func step(
        _ node: TestHouse, _ license: IssuedLicense, using random: inout SeededGenerator
    ) async throws {
        let (domain, id) = ("s\(random.number(1...6)).example.com", "install-000\(random.number(1...4))")
        switch random.number(1...24) {
        case 1:
            let limit = random.number(1...5)
            try await node.update { $0.maxActivations = limit }
        case 2: try await node.keepSeats()
        case 3: try await node.release(.domain(try CanonicalDomain(domain), nil), of: license)
        case 4:
            let by = node.provenance(reason: "race")
            _ = try await node.licensing.change(.suspend, of: license.id, dryRun: false, by: by)
            _ = try await node.licensing.change(
                .reinstate(liftingBilling: false), of: license.id, dryRun: false, by: by)
        case 5:
            guard let customer = ID<Customer>(random.pick([123, 124])) else { return }
            _ = try await node.licensing.change(
                .transfer(to: customer), of: license.id, dryRun: false, by: node.provenance())
        case 6:
            var settings = PolicySettings()
            settings.maxActivations = random.number(1...4)
            var change = LicenseChange()
            change.patch = PolicyPatch(settings)
            _ = try await node.licensing.updateLicense(
                license.id, change, dryRun: false, by: node.provenance())
        case 7, 8: try await node.licensing.storeLastSeen()
        case 9...13:
            let answer = try await node.validate(license.key, domain: domain, installationID: id, explicitly: true)
            if let token = answer.token {
                _ = try await node.deactivate(license.key, domain: domain, installationID: id, token: token)
            }
        default:
            _ = try await node.validate(
                license.key, domain: domain, ip: "198.51.100.\(random.number(1...4))", installationID: id,
                explicitly: random.number(1...2) == 1)
        }
    }
}
