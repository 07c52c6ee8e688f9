import Customers
import Database
import Journal
import Primitives
import TestSupport
import Testing

@testable import Licensing

/// A change of state is there with its event, or not at all, and memory never runs ahead.
@Suite("A change of state that fails or meets another")
struct StateFaultTests {
    private let house: TestHouse

    init() async throws {
        house = try await TestHouse()
        try await house.customer(456)
    }

    private func state() async throws -> [String] {
        try await house.texts(
            """
            SELECT 'license ' || id || ' ' || state || ' ' || customer_id || ' ' || version || ' '
                || coalesce(expires_at, 0) || ' ' || used FROM licenses
            UNION ALL SELECT 'hold ' || license_id || ' ' || holder || ' ' || coalesce(reason, '') FROM license_holds
            UNION ALL SELECT 'revocation ' || license_id || ' ' || coalesce(reason, '') FROM license_revocations
            UNION ALL SELECT 'key ' || hex(key_hash) FROM license_keys
            UNION ALL SELECT 'event ' || sequence || ' ' || type FROM journal ORDER BY 1
            """)
    }

    @Test("at any statement leaves nothing behind, in the database or in memory", arguments: 0..<5)
    func faults(number: Int) async throws {
        let license = try await house.issue(expires: .through(house.clock.now().date.adding(days: 5)))
        #expect(try await house.verdict(license, "example.com") == .valid)
        try await house.change(license, .suspend, by: .billing, reason: "invoice 1")
        let transitions: [LicenseTransition] = [
            .suspend, .reinstate(liftingBilling: true), .revoke, .renew(.days(30, from: .expiry)),
            .transfer(to: try #require(ID(456))),
        ]
        let before = try await state()
        let known = house.licensing.index.license(license.id)
        let faults = try await house.failEverywhere {
            _ = try await house.licensing.change(
                transitions[number], of: license.id, dryRun: false, by: house.provenance(reason: "why"))
        } afterwards: { () async throws in
            #expect(try await state() == before)
            #expect(house.licensing.index.license(license.id) == known)
        }
        #expect(faults >= 6, "\(faults): license, holds, license again, key of the customer, event and the commit")
        #expect(try await state() != before)
        #expect(house.licensing.index.license(license.id)?.version ?? 0 > known?.version ?? 0)
        #expect(try await house.inconsistencies() == [])
        try await house.expectMemoryEqualsDatabase([license], domains: ["example.com"], addresses: [TestHouse.address])
    }

    @Test("as a dry run shows what would be, and changes nothing")
    func dryRun() async throws {
        let license = try await house.acme()
        let before = try await state()
        let changed = try await house.licensing.change(.revoke, of: license.id, dryRun: true, by: house.provenance())
        #expect(changed.isChanged && changed.after.license.state == .revoked)
        #expect(try await state() == before)
        #expect(try await house.verdict(license, "example.com") == .valid)
    }

    @Test("goes with the transaction of a caller: a license, its suspension and what they follow from, or none of it")
    func callersTransaction() async throws {
        let new = try NewLicense(
            customer: try await house.customer().id, product: try await house.product(), expiry: .never)
        let before = try await state()
        let (registrar, provenance) = (house.licensing.registrar, house.provenance())
        @Sendable func work(_ transaction: WriteTransaction, fails: Bool) throws -> LicenseIssued {
            let issued = try registrar.issue(new, by: provenance, in: transaction)
            let suspended = try registrar.transition(
                .suspend, of: issued.record.license.id, by: .billing, provenance, in: transaction)
            // A refusal leaves the transaction as it was.
            #expect(throws: TransitionRefusal.neverExpires) {
                try registrar.transition(
                    .renew(.days(1, from: .now)), of: issued.record.license.id, by: .billing, provenance,
                    in: transaction)
            }
            if fails { throw DatabaseError.unavailable(detail: "planned by a test") }
            return LicenseIssued(
                record: suspended.after, key: issued.key, changes: issued.changes + suspended.changes)
        }
        await #expect(throws: DatabaseError.self) {
            try await house.database.write {
                try work($0, fails: true)
            } committed: { [house] in
                house.licensing.apply($0.changes)
            }
        }
        #expect(try await state() == before)
        let issued = try await house.database.write {
            try work($0, fails: false)
        } committed: { [house] in
            house.licensing.apply($0.changes)
        }
        let license = IssuedLicense(id: issued.record.license.id, key: issued.key)
        #expect(try await house.verdict(license, "example.com") == .suspended)
        try await house.change(license, .reinstate(liftingBilling: false), by: .billing)
        #expect(try await house.verdict(license, "example.com") == .valid)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("races with newcomers for the last seats: whoever comes after the suspension gets none", arguments: 1...20)
    func race(round: Int) async throws {
        let license = try await house.issue(seats: 3)
        let results = await Crowd.run(40) { number -> Verdict? in
            if number == round {
                try await house.change(license, .suspend)
                return nil
            }
            return try await house.verdict(license, "s\(number).example.com")
        }
        let verdicts = try results.map { try $0.get() }
        let suspended = try #require(
            try await house.events(of: license).firstIndex(of: "license.suspended"))
        #expect(try await house.events(of: license).dropFirst(suspended + 1).isEmpty, "nobody got in afterwards")
        #expect(verdicts.allSatisfy { [nil, .valid, .suspended, .activationLimit].contains($0) })
        #expect(verdicts.count { $0 == .valid } == (try await house.used(license)))
        #expect(try await house.verdict(license, "late.example.com") == .suspended)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("is not undone by a date for seats above the limit, which stays as it was told")
    func overLimit() async throws {
        let license = try await house.issue(seats: 2, expires: .through(house.clock.now().date.adding(days: 60)))
        for domain in ["a.example.com", "b.example.com"] { #expect(try await house.verdict(license, domain) == .valid) }
        let told = (house.clock.now() + .days(61)).date.start
        try await house.execute(
            """
            UPDATE licenses SET max_activations = 1, over_limit_until = \(told.milliseconds)
            WHERE id = \(license.id.databaseValue)
            """)
        for transition: LicenseTransition in [
            .renew(.days(365, from: .expiry)), .suspend, .reinstate(liftingBilling: false),
            .renew(.until(.through(house.clock.now().date.adding(days: 3)))), .transfer(to: try #require(ID(456))),
        ] {
            let changed = try await house.change(license, transition)
            #expect(changed.isChanged && changed.after.license.overLimitUntil == told)
        }
        #expect(try await house.inconsistencies() == [])
    }
}

@Suite("The migration of states")
struct StateMigrationTests {
    @Test("makes holds of operators and revocations of what was suspended and revoked")
    func migrates() async throws {
        let database = try await TestDatabase.open()
        try await database.migrate(TestHouse.migrations.filter { $0.version < 15 }, at: ManualClock.start)
        let statements = [
            "INSERT INTO customers (id, state, version, created_at) VALUES (123, 'active', 1, 0)",
            "INSERT INTO products (id, code, name, max_activations, version, created_at) VALUES (1, 'p', 'P', 3, 1, 0)",
            """
            INSERT INTO licenses (id, customer_id, product_id, state, used, status_index, version, created_at)
            VALUES (1, 123, 1, 'active', 0, 0, 1, 1500), (2, 123, 1, 'suspended', 0, 1, 1, 2500),
                (3, 123, 1, 'revoked', 0, 2, 1, 3500)
            """,
        ]
        try await database.write { transaction in for sql in statements { try transaction.execute(sql) } }
        #expect(try await database.migrate(TestHouse.migrations, at: ManualClock.start).contains(15))
        let rows = try await database.read { transaction in
            try transaction.all(
                """
                SELECT 'hold ' || license_id || ' ' || holder || ' ' || actor || ' ' || since FROM license_holds
                UNION ALL SELECT 'revocation ' || license_id || ' ' || holder || ' ' || actor || ' ' || revoked_at
                FROM license_revocations
                """
            ) { $0.text(0) }
        }
        #expect(rows == ["hold 2 operator signet 2000", "revocation 3 operator signet 3000"])
    }
}
