import Licensing
import Primitives
import TestSupport
import Testing

@Suite("Many at once")
struct RaceTests {
    private static let seeds = (1...20).map { UInt64($0) }

    @Test("on the last seat: exactly one gets it, and those who were in stay in", arguments: seeds)
    func lastSeat(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let house = try await TestHouse()
        let seats = random.number(1...5)
        let license = try await house.issue(seats: seats)
        let holders = (1..<seats).map { "in\($0).example.com" }
        for domain in holders { #expect(try await house.verdict(license, domain) == .valid) }
        let domains = (0..<50).map { "s\($0).example.com" }.shuffled(using: &random)

        let verdicts = try await Crowd.run(50) { try await house.verdict(license, domains[$0]) }.map { try $0.get() }
        #expect(verdicts.count { $0 == .valid } == 1)
        #expect(verdicts.count { $0 == .activationLimit } == 49)
        #expect(try await house.used(license) == seats)
        for domain in holders { #expect(try await house.verdict(license, domain) == .valid) }
        let winner = try #require(verdicts.firstIndex(of: .valid))
        #expect(try await house.verdict(license, domains[winner], activates: false) == .valid)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("from one place are one activation", arguments: seeds.prefix(5))
    func samePlace(seed: UInt64) async throws {
        let house = try await TestHouse()
        let solo = try await house.solo()
        let answers = try await Crowd.run(50) { _ in
            try await house.validate(solo.key, domain: "example.com")
        }.map { try $0.get() }
        #expect(answers.allSatisfy { $0.verdict == .valid })
        #expect(Set(answers.map { $0.seat?.place?.activation }).count == 1)
        #expect(try await house.used(solo) == 1)
        #expect(try await house.count("SELECT count(*) FROM activations") == 1)
        #expect(try await house.count("SELECT count(*) FROM journal WHERE type LIKE 'activation.%'") == 1)
    }

    @Test("of one domain at many addresses fill its seats one after another", arguments: seeds.prefix(5))
    func manyAddresses(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let house = try await TestHouse()
        let license = try await house.issue(seats: 2)
        let addresses = (1...20).map { "198.51.100.\($0)" }.shuffled(using: &random)
        let verdicts = try await Crowd.run(20) {
            try await house.verdict(license, "example.com", ip: addresses[$0])
        }.map { try $0.get() }
        #expect(verdicts.count { $0 == .valid } == 6, "two seats of three")
        #expect(verdicts.count { $0 == .addressLimit } == 14)
        #expect(try await house.used(license) == 2)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("of many licenses, with releases in between, never break a rule", arguments: SeededGenerator.seeds)
    func mixed(seed: UInt64) async throws {
        let house = try await TestHouse()
        var licenses: [IssuedLicense] = []
        for seats in [1, 2, 3, 0] { licenses.append(try await house.issue(seats: seats)) }
        let issued = licenses
        let results = await Crowd.run(200) { number in
            var random = SeededGenerator(seed: seed &+ UInt64(number))
            let license = random.pick(issued)
            let domain = "s\(random.number(1...6)).example.com"
            if random.number(1...4) == 1 {
                let selection = SeatSelection.domain(try CanonicalDomain(domain), nil)
                _ = try await house.licensing.release(selection, of: license.id, dryRun: false, by: house.provenance())
                return Verdict?.none
            }
            return try await house.verdict(license, domain, ip: "198.51.100.\(random.number(1...5))")
        }
        for case .failure(let error) in results { #expect(error is LicensingRefusal, "\(error)") }
        #expect(results.contains { if case .success(.valid?) = $0 { true } else { false } })
        #expect(try await house.inconsistencies() == [])
        try await house.expectMemoryEqualsDatabase(issued, domains: (1...6).map { "s\($0).example.com" })
    }
}

extension TestHouse {
    /// Asks this house's service and a second one, which knows only what is stored, the same questions.
    func expectMemoryEqualsDatabase(
        _ licenses: [IssuedLicense], domains: [String], addresses: [String] = (1...5).map { "198.51.100.\($0)" },
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await licensing.storeLastSeen()
        let second = try await secondService()
        for license in licenses {
            for domain in domains {
                for address in addresses {
                    let told = try await validate(license.key, domain: domain, ip: address, activates: false)
                    let stored = try await validate(
                        license.key, domain: domain, ip: address, activates: false, in: second)
                    #expect(
                        told.verdict == stored.verdict && told.license?.facts.used == stored.license?.facts.used
                            && told.license?.facts.version == stored.license?.facts.version
                            && told.seat?.place?.activation == stored.seat?.place?.activation
                            && told.seat?.place?.firstSeen == stored.seat?.place?.firstSeen,
                        "\(domain) at \(address)", sourceLocation: sourceLocation)
                }
            }
        }
    }
}
