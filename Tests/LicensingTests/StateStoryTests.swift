import Customers
import Database
import LicenseToken
import Primitives
import TestSupport
import Testing

@testable import Licensing

/// What installations and the journal see of changes of state.
@Suite("A license whose state changes")
struct StateStoryTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    @Test("stays suspended by an operator whatever is paid, and comes back when the operator says so")
    func operatorHold() async throws {
        let license = try await house.issue(expires: .through(house.clock.now().date.adding(days: 5)))
        let seat = try await house.validate(license.key, domain: "example.com").seat?.place?.activation
        try await house.change(license, .suspend, reason: "abuse")
        try await house.change(license, .suspend, by: .billing, reason: "invoice 12345 is overdue")
        house.clock.advance(by: .days(3))
        let paid = try await house.change(license, .reinstate(liftingBilling: true), by: .billing)
        #expect(paid.isChanged && paid.after.holds.map(\.holder) == [.operator])
        try await house.change(license, .renew(.days(365, from: .expiry)), by: .billing)
        #expect(try await house.verdict(license, "example.com") == .suspended)
        let reinstated = try await house.change(license, .reinstate(liftingBilling: false))
        #expect(reinstated.after.holds == [])
        let answer = try await house.validate(license.key, domain: "example.com", activates: false)
        #expect(answer.verdict == .valid && answer.seat?.place?.activation == seat)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("stays suspended by billing when an operator lifts the own hold, unless he says billing's too")
    func billingHold() async throws {
        let license = try await house.acme()
        #expect(try await house.verdict(license, "example.com") == .valid)
        try await house.change(license, .suspend, by: .billing, reason: "invoice 12345 is overdue")
        try await house.change(license, .suspend, reason: "abuse")
        let half = try await house.change(license, .reinstate(liftingBilling: false))
        #expect(half.isChanged)
        #expect(half.after.holds.map(\.reason) == ["invoice 12345 is overdue"])
        let again = try await house.change(license, .reinstate(liftingBilling: false))
        #expect(!again.isChanged && again.after.holds == half.after.holds, "the answer names the hold that remains")
        #expect(try await house.verdict(license, "example.com") == .suspended)
        try await house.change(license, .reinstate(liftingBilling: true))
        #expect(try await house.verdict(license, "example.com", activates: false) == .valid)
    }

    @Test("says SUSPENDED before EXPIRED and before every question of scope, and is valid again without activation")
    func suspendedFirst() async throws {
        let license = try await house.issue(expires: .through(house.clock.now().date))
        #expect(try await house.verdict(license, "example.com") == .valid)
        try await house.change(license, .suspend)
        house.clock.advance(by: .days(2))
        #expect(try await house.verdict(license, "example.com") == .suspended)
        #expect(try await house.verdict(license, "new.example.com") == .suspended)
        try await house.change(license, .renew(.days(30, from: .now)))
        try await house.change(license, .reinstate(liftingBilling: false))
        #expect(try await house.verdict(license, "example.com", activates: false) == .valid)
        #expect(try await house.used(license) == 1)
    }

    @Test("is EXPIRED beyond its grace and VALID at once when renewed, with the activations it had")
    func renewed() async throws {
        let license = try await house.issue(
            seats: 1, expires: .through(house.clock.now().date.adding(days: 1)), graceDays: 3)
        let seat = try await house.validate(license.key, domain: "example.com").seat?.place?.activation
        house.clock.advance(by: .days(2))
        #expect(try await house.verdict(license, "example.com") == .expiredGrace)
        house.clock.advance(by: .days(3))
        #expect(try await house.verdict(license, "example.com") == .expired)
        try await house.change(license, .renew(.days(30, from: .expiry)))
        let answer = try await house.validate(license.key, domain: "example.com", activates: false)
        #expect(answer.verdict == .valid && answer.seat?.place?.activation == seat)
        let claims = try house.verify(answer.token, domain: "example.com", address: TestHouse.address)
        #expect(claims.expiresAt <= (house.clock.now() + .days(30)).seconds)
    }

    @Test("gets no token that was kept from before the suspension, and its suspension is no unexplained refusal")
    func tokens() async throws {
        let license = try await house.acme()
        #expect(try await house.ask(license.key.text, domain: "example.com") == .valid)
        try await house.change(license, .suspend)
        let refused = try await house.validate(license.key, domain: "example.com")
        #expect(refused.verdict == .suspended && refused.token == nil)
        #expect(try await house.ask(license.key.text, domain: "example.com") == .suspended)
        try await house.change(license, .reinstate(liftingBilling: false))
        #expect(try await house.ask(license.key.text, domain: "example.com") == .valid)
        try await house.change(license, .revoke)
        #expect(try await house.ask(license.key.text, domain: "example.com") == .revoked)
        #expect(house.licensing.statistics.unexplainedInvalid == 0)
    }

    @Test("is in the next list of revoked licenses once revoked, and says REVOKED at the next contact")
    func revoked() async throws {
        let (license, other) = (try await house.acme(), try await house.solo())
        let token = try await house.validate(license.key, domain: "example.com").token
        let before = house.licensing.revocations.sequence
        try await house.change(license, .revoke, reason: "charged back")
        try await house.licensing.revocations.publish(by: house.provenance())
        let list = try RevocationList(
            received: String(decoding: house.licensing.revocations.edition.text, as: UTF8.self),
            keys: LicenseKeySet(jwks: house.licensing.keys.document(at: house.clock.now()).json), issuer: "signet",
            at: house.clock.now().seconds)
        #expect(list.sequence == before + 1)
        #expect(list.revokes(statusIndex: try await house.record(license).license.statusIndex))
        #expect(list.revokes(statusIndex: try await house.record(other).license.statusIndex) == false)
        #expect(try await house.verdict(license, "example.com") == .revoked)
        // A client that stays offline goes on until its token ends, and not a second longer.
        let held = try house.verify(token, domain: "example.com", address: TestHouse.address)
        #expect(throws: LicenseTokenError.self) {
            try house.verify(
                token, domain: "example.com", address: TestHouse.address, at: Timestamp(seconds: held.expiresAt))
        }
    }

    @Test("has one event for each change and none for a repetition; another reason is a change")
    func repetitions() async throws {
        let license = try await house.acme()
        let asked: [(LicenseTransition, String?)] = [
            (.suspend, "abuse"), (.suspend, "abuse"), (.suspend, nil), (.suspend, "fraud"),
            (.reinstate(liftingBilling: false), nil), (.reinstate(liftingBilling: false), "again"),
            (.renew(.until(.never)), nil), (.revoke, nil), (.revoke, nil), (.revoke, "charged back"), (.revoke, nil),
        ]
        var changed: [Bool] = []
        for (transition, reason) in asked {
            house.clock.advance(by: .hours(1))
            changed.append(try await house.change(license, transition, reason: reason).isChanged)
        }
        #expect(changed == [true, false, false, true, true, false, false, true, false, true, false])
        #expect(
            try await house.events(of: license) == [
                "license.created", "license.suspended", "license.suspended", "license.reinstated", "license.revoked",
                "license.revoked",
            ])
        let versions = try await house.texts(
            "SELECT CAST(subject_version AS TEXT) FROM journal WHERE subject = '\(license.id)' ORDER BY sequence")
        #expect(versions == ["1", "2", "3", "4", "5", "6"])
        let revocation = try #require(try await house.record(license).revocation)
        #expect(revocation.reason == "charged back")
        #expect(
            revocation.at == (ManualClock.start + .hours(8)).wholeSeconds, "since when it is, not when it was said why")
    }

    @Test("is held since the hold was set, also when the reason changes, by who gave the reason")
    func holdRecord() async throws {
        let license = try await house.acme()
        try await house.change(license, .suspend, reason: "abuse")
        house.clock.advance(by: .days(1))
        let provenance = house.provenance(actor: "token:support", reason: "spam")
        _ = try await house.licensing.change(.suspend, of: license.id, dryRun: false, by: provenance)
        let hold = try #require(try await house.record(license).holds.first)
        #expect(
            hold == LicenseHold(holder: .operator, reason: "spam", actor: "token:support", since: ManualClock.start))
    }

    @Test("has why it changed sealed under its customer's key, and nowhere else in the journal")
    func reasons() async throws {
        let license = try await house.acme()
        try await house.change(license, .suspend, reason: "Jane Doe charged back")
        try await house.change(license, .reinstate(liftingBilling: false), reason: "Jane Doe paid")
        try await house.change(
            license, .renew(.until(.through(CivilDate(daysSinceEpoch: 21_000)))), reason: "for Jane Doe")
        try await house.change(license, .revoke, reason: "Jane Doe again")
        let open = try await house.texts("SELECT data FROM journal")
        #expect(open.allSatisfy { !$0.contains("Jane") })
        #expect(try await house.sealed("license.suspended") == [#"{"reason":"Jane Doe charged back"}"#])
        #expect(try await house.sealed("license.revoked") == [#"{"reason":"Jane Doe again"}"#])
        try await house.execute("DELETE FROM customer_keys WHERE customer_id = 123")
        #expect(try await house.sealed("license.suspended") == [nil])
    }
}
