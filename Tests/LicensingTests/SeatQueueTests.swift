import Database
import Licensing
import Primitives
import TestSupport
import Testing

@Suite("The queue of newcomers", .enabled(if: !TestDatabase.isShared, "Elsewhere each claim is a transaction."))
struct SeatQueueTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    @Test("puts many activations into one transaction")
    func oneTransaction() async throws {
        var licenses: [IssuedLicense] = []
        for _ in 0..<4 { licenses.append(try await house.issue(seats: 0)) }
        let issued = licenses
        let gate = await HeldTransaction(in: house.database)
        _ = house.statements.takeCommits()
        let verdicts = try await Crowd.run(200, opening: gate) { number in
            try await house.verdict(issued[number % 4], "s\(number).example.com")
        }.map { try $0.get() }
        #expect(verdicts.allSatisfy { $0 == .valid })
        let commits = house.statements.takeCommits()
        // The gate's own, that of the first claim, which did not wait for others, and that of all the rest. Two more
        // are allowed for calls that were on their way when the gate opened.
        #expect((2...5).contains(commits), "\(commits) transactions for 200 activations")
        #expect(try await house.count("SELECT count(*) FROM activations") == 200)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("that is full refuses at once, and forgets nobody who is in it")
    func full() async throws {
        let settings = LicensingService.Settings(
            issuer: "signet", defaultProduct: nil, writeQueueMax: 3, writeWaitMax: TestHouse.patience)
        let house = try await TestHouse(settings: settings)
        let license = try await house.issue(seats: 0)
        let gate = await HeldTransaction(in: house.database)
        let results = await Crowd.run(20, opening: gate) { number in
            try await house.verdict(license, "s\(number).example.com")
        }
        let valid = results.count { if case .success(.valid) = $0 { true } else { false } }
        for case .failure(let error) in results {
            #expect((error as? SeatQueue.Overloaded)?.retryAfterSeconds == 1, "\(error)")
        }
        // Three waiting, and the one to three that were taken out before; more only for calls that came late.
        #expect((3...8).contains(valid), "\(valid) of 20")
        #expect(try await house.used(license) == valid)
        for (number, result) in results.enumerated() {
            let holds = try await house.verdict(license, "s\(number).example.com", activates: false) == .valid
            if case .success = result { #expect(holds) } else { #expect(!holds) }
        }
        #expect(try await house.verdict(license, "later.example.com") == .valid, "and it works again")
    }

    @Test("that is too slow refuses instead of deciding for clients that have given up")
    func late() async throws {
        let settings = LicensingService.Settings(
            issuer: "signet", defaultProduct: nil, writeQueueMax: 100, writeWaitMax: .zero)
        let house = try await TestHouse(settings: settings)
        let acme = try await house.acme()
        let refusal = await #expect(throws: SeatQueue.Overloaded.self) { try await house.verdict(acme, "example.com") }
        #expect(refusal?.retryAfterSeconds == 1)
        #expect(try await house.count("SELECT count(*) FROM activations") == 0)
        #expect(try await house.verdict(acme, "example.com", activates: false) == .notActivated)
    }

    @Test("fails a claim that the database refuses, and none of its neighbors")
    func poisoned() async throws {
        let (good, bad) = (try await house.issue(seats: 0), try await house.issue(seats: 0))
        let isBad = "(SELECT license_id FROM activations WHERE id = new.activation_id) = \(bad.id.databaseValue)"
        let trigger = TestDatabase.trigger("poison", "AFTER INSERT ON seat_addresses", when: isBad, says: "poisoned")
        for sql in trigger { try await house.execute(sql) }
        let gate = await HeldTransaction(in: house.database)
        _ = house.statements.takeCommits()
        let results = await Crowd.run(60, opening: gate) { number in
            try await house.verdict(number % 3 == 0 ? bad : good, "s\(number).example.com")
        }
        #expect((2...5).contains(house.statements.takeCommits()), "they shared transactions")
        for (number, result) in results.enumerated() {
            switch result {
            case .success(let verdict): #expect(verdict == .valid && number % 3 != 0)
            case .failure(DatabaseError.conflict(let detail)):
                #expect(number % 3 == 0 && detail.contains("poisoned"))
            case .failure(let error): Issue.record("\(number): \(error)")
            }
        }
        #expect(try await house.used(good) == 40)
        #expect(try await house.used(bad) == 0)
        #expect(try await house.count("SELECT count(*) FROM activations") == 40)
        #expect(try await house.inconsistencies() == [])
    }

    @Test(
        "fails all of a batch that cannot be stored, and nothing of it is in memory",
        arguments: [FaultyDriver.Point.statement(1), .statement(40), .commit])
    func failedBatch(point: FaultyDriver.Point) async throws {
        let license = try await house.issue(seats: 0)
        let gate = await HeldTransaction(in: house.database)
        house.faults.fail(at: point)
        let results = await Crowd.run(60, opening: gate) { number in
            try await house.verdict(license, "s\(number).example.com")
        }
        house.faults.mend()
        // A batch of one has fewer than 40 statements and is stored; every other has more.
        let failures = results.count { if case .failure(DatabaseError.unavailable) = $0 { true } else { false } }
        #expect(point == .statement(40) ? failures >= 50 : failures == 60)
        for (number, result) in results.enumerated() {
            let verdict = try await house.verdict(license, "s\(number).example.com", activates: false)
            if case .success = result { #expect(verdict == .valid) } else { #expect(verdict == .notActivated) }
        }
        #expect(try await house.used(license) == 60 - failures)
        #expect(try await house.inconsistencies() == [])
        house.clock.advance(by: .minutes(5))
        for number in 0..<60 { #expect(try await house.verdict(license, "s\(number).example.com") == .valid) }
    }
}

@Suite("The time of last use")
struct LastSeenTests {
    private let house: TestHouse
    private let acme: IssuedLicense

    init() async throws {
        house = try await TestHouse()
        acme = try await house.acme()
        #expect(try await house.verdict(acme, "a.example.com") == .valid)
        #expect(try await house.verdict(acme, "b.example.com") == .valid)
        try await house.licensing.storeLastSeen()
    }

    private func stored() async throws -> [String] {
        try await house.texts(
            """
            SELECT domain || ' ' || (s.last_seen - \(ManualClock.start.milliseconds)) || ' '
                || (a.last_seen - \(ManualClock.start.milliseconds))
            FROM activations a JOIN seat_addresses s ON s.activation_id = a.id ORDER BY domain
            """)
    }

    @Test("of many uses is stored once, for those places only that were used")
    func coalesced() async throws {
        for _ in 0..<100 {
            house.clock.advance(by: .milliseconds(10))
            #expect(try await house.verdict(acme, "a.example.com") == .valid)
        }
        _ = house.statements.take()
        try await house.licensing.storeLastSeen()
        let statements = house.statements.take()
        #expect(statements.count { $0.hasPrefix("UPDATE seat_addresses") } == 1)
        #expect(statements.count { $0.hasPrefix("UPDATE activations") } == 1)
        #expect(try await stored() == ["a.example.com 1000 1000", "b.example.com 0 0"])
        _ = house.statements.take()
        try await house.licensing.storeLastSeen()
        #expect(house.statements.take() == [], "nothing was used since")
    }

    @Test("survives that it could not be stored")
    func failure() async throws {
        house.clock.advance(by: .seconds(5))
        #expect(try await house.verdict(acme, "a.example.com") == .valid)
        let faults = try await house.failEverywhere {
            try await house.licensing.storeLastSeen()
        } afterwards: { () async throws in
            #expect(try await stored() == ["a.example.com 0 0", "b.example.com 0 0"])
        }
        // On a shared database the licenses of the seats are asked for first.
        #expect(faults == (TestDatabase.isShared ? 4 : 3), "two statements and the commit")
        #expect(try await stored() == ["a.example.com 5000 5000", "b.example.com 0 0"])
    }

    @Test("never goes back, whatever the clock does")
    func neverBack() async throws {
        house.clock.advance(by: .seconds(10))
        #expect(try await house.verdict(acme, "a.example.com") == .valid)
        house.clock.advance(by: .hours(-1))
        #expect(try await house.verdict(acme, "a.example.com") == .valid)
        #expect(try await house.verdict(acme, "b.example.com") == .valid)
        try await house.licensing.storeLastSeen()
        #expect(try await stored() == ["a.example.com 10000 10000", "b.example.com 0 0"])
        // Another writer, such as a second node, stored a later time.
        try await house.execute(
            """
            UPDATE seat_addresses SET last_seen = last_seen + 90000
            WHERE activation_id = (SELECT id FROM activations WHERE domain = 'a.example.com')
            """)
        house.clock.advance(by: .hours(1) + .seconds(10))
        #expect(try await house.verdict(acme, "a.example.com") == .valid)
        try await house.licensing.storeLastSeen()
        #expect(try await stored() == ["a.example.com 100000 20000", "b.example.com 0 0"])
    }

    @Test("of a place that was released meanwhile is not stored, nor of its successor too early")
    func released() async throws {
        house.clock.advance(by: .seconds(5))
        #expect(try await house.verdict(acme, "a.example.com") == .valid)
        _ = try await house.licensing.release(
            .domain(try CanonicalDomain("a.example.com"), nil), of: acme.id, dryRun: false, by: house.provenance())
        try await house.licensing.storeLastSeen()
        #expect(try await stored() == ["b.example.com 0 0"])
        house.clock.advance(by: .seconds(5))
        #expect(try await house.verdict(acme, "a.example.com", explicitly: true) == .valid)
        try await house.licensing.storeLastSeen()
        #expect(try await house.verdict(acme, "a.example.com") == .valid)
        #expect(try await stored().contains("a.example.com 10000 10000"))
    }
}
