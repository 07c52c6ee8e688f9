import Database
import Licensing
import Primitives
import TestSupport
import Testing

/// Claims of several nodes over one database, one thing at a time; the races are in `SharedRaceTests`.
@Suite("A claim on a database that other nodes write to", .onSharedDatabase)
struct SharedClaimTests {
    @Test(
        "whose commit nobody knows of is made again, and takes one seat",
        arguments: [FaultyDriver.Point.lostCommit, .lostAnswer], [1, 2])
    func unknownOutcome(point: FaultyDriver.Point, times: Int) async throws {
        let house = try await TestHouse()
        let acme = try await house.acme()
        house.faults.lose(point, times: times)
        let answer = try await house.validate(acme.key, domain: "example.com")
        #expect(answer.verdict == .valid)
        #expect(answer.token != nil)
        #expect(answer.license?.facts.used == 1, "memory learned what the first attempt did")
        #expect(try await house.used(acme) == 1)
        #expect(try await house.count("SELECT count(*) FROM activations") == 1)
        #expect(try await house.count("SELECT count(*) FROM journal WHERE type = 'activation.created'") == 1)
        try await house.expectMemoryEqualsDatabase([acme], domains: ["example.com"], addresses: [TestHouse.address])
        #expect(try await house.inconsistencies() == [])
    }

    @Test(
        "that finds its seat writes to its license all the same: its COMMIT waits for a standby, after all it found",
        arguments: [true, false])
    func foundIsWritten(isLost: Bool) async throws {
        let houses = try await SharedHouses(2)
        let acme = try await houses[0].acme()
        if isLost { houses[0].faults.lose(.lostAnswer) }
        #expect(try await houses[0].verdict(acme, "example.com") == .valid)
        // The other node does not know of the seat yet.
        if !isLost { #expect(try await houses[1].verdict(acme, "example.com") == .valid) }
        let later = try await houses[0].count(
            """
            SELECT count(*) FROM licenses l JOIN journal j ON j.type = 'activation.created'
            WHERE l.xmin::text::bigint > j.xid
            """)
        #expect(later == 1, "the row is of a later transaction than the one that took the seat")
    }

    @Test("whose outcome stays unknown is refused in time, and found done or not when it is repeated")
    func neverKnown() async throws {
        let settings = LicensingService.Settings(
            issuer: "signet", defaultProduct: nil, writeQueueMax: 100, writeWaitMax: .milliseconds(100))
        let house = try await TestHouse(settings: settings)
        let acme = try await house.acme()
        house.faults.lose(.lostAnswer, times: .max)
        await #expect(throws: SeatQueue.Overloaded.self) { try await house.verdict(acme, "example.com") }
        house.faults.mend()
        #expect(try await house.count("SELECT count(*) FROM activations") == 1, "every attempt found the first")
        #expect(try await house.validate(acme.key, domain: "example.com").license?.facts.used == 1)
        #expect(try await house.used(acme) == 1)
    }

    @Test(
        "that gives a seat back is safe to repeat after an unknown outcome", arguments: [FaultyDriver.Point.lostAnswer])
    func deactivation(point: FaultyDriver.Point) async throws {
        let house = try await TestHouse()
        let acme = try await house.acme()
        let token = try await house.validate(acme.key, domain: "example.com").token
        house.faults.lose(point)
        let answer = try await house.deactivate(acme.key, domain: "example.com", token: token)
        #expect(answer.released.count == 1)
        #expect(try await house.used(acme) == 0)
        #expect(try await house.verdict(acme, "example.com", activates: false) == .notActivated, "also for memory")
        #expect(try await house.count("SELECT count(*) FROM journal WHERE type = 'activation.released'") == 1)
    }

    @Test("finds that its license was suspended elsewhere, and says so")
    func suspendedElsewhere() async throws {
        let houses = try await SharedHouses(2)
        let acme = try await houses[0].acme()
        #expect(try await houses[1].verdict(acme, "a.example.com") == .valid)
        _ = try await houses[0].licensing.change(
            .suspend, of: acme.id, dryRun: false, by: houses[0].provenance(reason: "test"))
        #expect(try await houses[1].verdict(acme, "b.example.com") == .suspended)
        #expect(try await houses[1].verdict(acme, "a.example.com") == .suspended, "memory has learned it")
    }

    @Test("finds that seats are counted in another way now, and is made as they are")
    func recountedElsewhere() async throws {
        let houses = try await SharedHouses(2)
        let license = try await houses[0].issue(seats: 2)
        #expect(try await houses[1].verdict(license, "a.example.com") == .valid)
        var settings = PolicySettings()
        settings.countedBy = .ip
        var change = LicenseChange()
        change.patch = PolicyPatch(settings)
        change.recounts = true
        _ = try await houses[0].licensing.updateLicense(
            license.id, change, dryRun: false, by: houses[0].provenance())
        let answer = try await houses[1].validate(license.key, domain: "b.example.com", ip: "198.51.100.9")
        #expect(answer.verdict == .valid)
        #expect(answer.license?.policy.countedBy == .ip)
        try await houses.expectSound()
    }

    @Test("does not wait for a license that another one is locked for, and neither do others in the line")
    func separate() async throws {
        let houses = try await SharedHouses(2)
        let held = try await houses[0].issue(seats: 0)
        let free = try await houses[0].issue(seats: 0)
        let gate = await HeldTransaction(in: houses[1].database, gate: .shared) { transaction in
            try transaction.lock("licenses", "id", held.id)
        }
        async let waiting = Crowd.run(20) { try await houses[0].verdict(held, "w\($0).example.com") }
        let passing = try await Crowd.run(20) { try await houses[0].verdict(free, "p\($0).example.com") }.map {
            try $0.get()
        }
        #expect(passing.allSatisfy { $0 == .valid }, "20 claims wait for one row, and hold one connection")
        #expect(try await houses[0].used(held) == 0)
        gate.open()
        #expect(try await waiting.map { try $0.get() }.allSatisfy { $0 == .valid })
        try await houses.expectSound()
    }

    @Test("explained on one node is undone, also beside a claim of another")
    func explained() async throws {
        let houses = try await SharedHouses(2)
        let solo = try await houses[0].solo()
        let request = ValidationRequest(
            licenseKey: solo.key.text, installation: try houses[0].installation(domain: "a.example.com"), product: nil,
            nonce: nil, activates: false)
        let before = try await houses[1].licensing.validator.explain(request, by: houses[1].provenance())
        #expect(before.verdict == .valid)
        #expect(try await houses[0].used(solo) == 0)
        #expect(try await houses[0].verdict(solo, "b.example.com") == .valid)
        let after = try await houses[1].licensing.validator.explain(request, by: houses[1].provenance())
        #expect(after.verdict == .activationLimit)
        #expect(try await houses[0].used(solo) == 1)
    }

    @Test("of the time of last use coalesces with that of other nodes, and only goes forward")
    func lastUse() async throws {
        let houses = try await SharedHouses(2)
        let acme = try await houses[0].acme()
        #expect(try await houses[0].verdict(acme, "a.example.com") == .valid)
        #expect(try await houses[1].verdict(acme, "a.example.com") == .valid)
        try await houses[0].licensing.storeLastSeen()
        try await houses[1].licensing.storeLastSeen()
        houses[0].clock.advance(by: .seconds(10))
        #expect(try await houses[0].verdict(acme, "a.example.com") == .valid)
        houses[0].clock.advance(by: .seconds(10))
        #expect(try await houses[1].verdict(acme, "a.example.com") == .valid)
        // The later one is stored first.
        try await houses[1].licensing.storeLastSeen()
        try await houses[0].licensing.storeLastSeen()
        let stored = try await houses[0].texts(
            "SELECT (last_seen - \(ManualClock.start.milliseconds)) || '' FROM seat_addresses")
        #expect(stored == ["20000"])
    }

    @Test("sees networks of all nodes in the spread of a seat")
    func spread() async throws {
        let houses = try await SharedHouses(2)
        let acme = try await houses[0].acme()
        #expect(try await houses[0].verdict(acme, "a.example.com") == .valid)
        for (number, peer) in ["192.0.2.1", "198.51.100.77", "203.0.113.200", "8.8.8.8"].enumerated() {
            houses[0].clock.advance(by: .seconds(1))
            _ = try await houses[number].validate(acme.key, domain: "a.example.com", peer: peer)
        }
        for node in houses.nodes { try await node.licensing.storeLastSeen() }
        let bits = try await houses[0].texts("SELECT sketch || '' FROM seat_spread").compactMap { Int64($0) }
        let expected = ["192.0.2.1", "198.51.100.77", "203.0.113.200", "8.8.8.8"].map {
            SpreadSketch(of: CanonicalAddress($0))
        }.reduce(SpreadSketch.empty) { $0.union($1) }
        #expect(bits.count == 1)
        #expect(bits.first.map { UInt64(bitPattern: $0) & expected.bits } == expected.bits)
    }
}
