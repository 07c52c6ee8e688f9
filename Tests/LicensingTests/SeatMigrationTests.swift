import Database
import Licensing
import Primitives
import TestSupport
import Testing

@Suite("The migration of seats")
struct SeatMigrationTests {
    private static let before = TestHouse.migrations.filter { $0.version < 10 }

    /// 16 bytes, of which the last is `last`.
    private func blob(_ last: String) -> String {
        TestDatabase.blob(String(repeating: "00", count: 15) + last)
    }

    @Test("keeps every seat and address, and says of those released that an operator did it")
    func keeps() async throws {
        let database = try await TestDatabase.open()
        try await database.migrate(Self.before, at: ManualClock.start)
        let statements = [
            "INSERT INTO customers (id, state, version, created_at) VALUES (123, 'active', 1, 0)",
            "INSERT INTO products (id, code, name, max_activations, version, created_at) VALUES (1, 'p', 'P', 3, 1, 0)",
            """
            INSERT INTO licenses (id, customer_id, product_id, state, used, status_index, version, created_at)
            VALUES (7, 123, 1, 'active', 2, 0, 1, 0)
            """,
            """
            INSERT INTO activations (id, license_id, seat_key, domain, installation_id, ordinal, first_seen, last_seen,
                released_at, released_by)
            VALUES (1, 7, \(blob("01")), 'a.example.com', NULL, 1, 1000, 2000, NULL, NULL),
                (2, 7, \(blob("02")), NULL, 'install-0001', 1, 1000, 3000, NULL, NULL),
                (3, 7, \(blob("01")), 'a.example.com', NULL, 1, 500, 700, 900, 'uid:0')
            """,
            """
            INSERT INTO seat_addresses (place_key, activation_id, network, address, peer, first_seen, last_seen)
            VALUES (\(blob("0a")), 1, '203.0.113.7/32', '203.0.113.7', NULL, 1000, 2000),
                (\(blob("0b")), 2, '2001:db8::/64', '2001:db8::1', '192.0.2.1', 1000, 3000)
            """,
        ]
        try await database.write { transaction in for sql in statements { try transaction.execute(sql) } }
        #expect(try await database.migrate(TestHouse.migrations, at: ManualClock.start).contains(10))
        let seats = try await database.read { transaction in
            try transaction.all(
                """
                SELECT a.id || ' ' || coalesce(a.domain, a.installation_id) || ' ' || a.kind || ' ' || a.last_seen
                    || ' ' || coalesce(a.release_kind, '-') || ' ' || coalesce(s.address, '-')
                FROM activations a LEFT JOIN seat_addresses s ON s.activation_id = a.id ORDER BY a.id
                """
            ) { $0.text(0) }
        }
        #expect(
            seats == [
                "1 a.example.com production 2000 - 203.0.113.7", "2 install-0001 production 3000 - 2001:db8::1",
                "3 a.example.com production 700 operator -",
            ])
        #expect(try await database.damages(limit: 9) == [])
        await #expect(throws: DatabaseError.self, "the child still belongs to the parent") {
            try await database.write { _ = try $0.execute("UPDATE seat_addresses SET activation_id = 99") }
        }
    }
}

@Suite("The seat of a license file")
struct FileSeatTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    @Test("is taken until the file ends, whatever dormancy says, and then frees itself")
    func untilTheEnd() async throws {
        let solo = try await house.solo()
        #expect(try await house.hold("airgapped.example.com", of: solo, days: 90) != nil)
        #expect(try await house.used(solo) == 1)
        house.clock.advance(by: .days(89))
        #expect(try await house.keepSeats() == 0)
        #expect(try await house.verdict(solo, "a.example.com") == .activationLimit)
        #expect(try await house.hold("b.example.com", of: solo, days: 1) == nil)
        house.clock.advance(by: .days(1))
        #expect(try await house.keepSeats() == 1)
        #expect(try await house.verdict(solo, "a.example.com") == .valid)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("is free for a newcomer once the file has ended, before anybody kept house")
    func lazily() async throws {
        let solo = try await house.solo()
        #expect(try await house.hold("airgapped.example.com", of: solo, days: 5) != nil)
        house.clock.advance(by: .days(5))
        #expect(try await house.verdict(solo, "a.example.com") == .valid)
        #expect(try await house.texts("SELECT release_kind FROM activations WHERE kind = 'file'") == ["file_ended"])
    }

    @Test("is the one that the installation holds, if it holds one, and stays with it when it is in use")
    func own() async throws {
        let solo = try await house.solo()
        let answer = try await house.validate(solo.key, domain: "a.example.com")
        #expect(try await house.hold("a.example.com", of: solo, days: 5) == answer.seat?.place?.activation)
        #expect(try await house.used(solo) == 1)
        let other = try await house.solo()
        #expect(try await house.hold("b.example.com", of: other, days: 5) != nil)
        let called = try await house.validate(other.key, domain: "b.example.com")
        #expect(called.verdict == .valid && called.seat?.place?.kind == .file)
        house.clock.advance(by: .days(6))
        #expect(try await house.keepSeats() == 0)
        for (license, domain) in [(solo, "a.example.com"), (other, "b.example.com")] {
            let later = try await house.validate(license.key, domain: domain)
            #expect(later.verdict == .valid && later.seat?.place?.kind == .production)
        }
        #expect(try await house.inconsistencies() == [])
    }

    @Test("is held until the last of two files ends")
    func twoFiles() async throws {
        let solo = try await house.solo()
        let first = try await house.hold("a.example.com", of: solo, days: 10)
        #expect(try await house.hold("a.example.com", of: solo, days: 5) == first)
        house.clock.advance(by: .days(5))
        #expect(try await house.keepSeats() == 0)
        house.clock.advance(by: .days(5))
        #expect(try await house.keepSeats() == 1)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("starts the clock of a duration")
    func duration() async throws {
        var policy = PolicySettings()
        policy.durationDays = 30
        let trial = try await house.issue(seats: 1, choosing: policy)
        #expect(try await house.hold("a.example.com", of: trial, days: 5) != nil)
        let end = house.clock.now().date.adding(days: 30).end
        #expect(try await house.licensing.license(trial.id)?.license.expiresAt == end)
    }
}
