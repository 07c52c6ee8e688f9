import Customers
import Database
import Journal
import Primitives
import TestSupport
import Testing

@testable import Licensing

/// `Tables/transitions.txt`, held against the rules alone and against the service with its database.
@Suite("A change of state")
struct TransitionTests {
    private static let rows = TextTable("transitions.txt").rows
    private static let now = ManualClock.start

    @Test("has its outcome in the table, for every standing, every change and both who may ask")
    func complete() throws {
        let cases = Self.rows.map { [$0["standing"], $0["transition"]] }
        #expect(Set(cases).count == cases.count)
        #expect(cases.count == Set(cases.map { $0[0] }).count * Set(cases.map { $0[1] }).count)
        let kinds = try Set(cases.map { try transition($0[1]).kind })
        #expect(kinds == Set(LicenseTransition.Kind.allCases))
        let standings = try Set(cases.map { try standing($0[0]).name(at: Self.now) })
        #expect(standings == Set(cases.map { $0[0] }))
        for status in License.Status.allCases {
            #expect(standings.contains { $0.contains(status.rawValue) }, "\(status)")
        }
    }

    @Test("does what the table says", arguments: rows)
    func rules(row: TextTable.Row) throws {
        for holder in LicenseHold.Holder.allCases {
            let before = try standing(row["standing"])
            let transition = try transition(row["transition"])
            let told: String
            do throws(TransitionRefusal) {
                let after = try transition.outcome(
                    on: before, by: holder, Provenance(actor: "test", requestID: "r", at: Self.now))
                // What becomes of seats is not decided by the rules.
                told = (after == before && transition.kind != .merge ? "= " : "") + after.name(at: Self.now)
                #expect((after.license.state == .suspended) == !after.holds.isEmpty)
                #expect((after.license.state == .revoked) == (after.revocation != nil))
            } catch {
                told = "! \(error.name)"
            }
            #expect(told == row["by \(holder)"], "by \(holder)")
        }
    }

    @Test("does the same to the database, to memory and to the journal", arguments: LicenseHold.Holder.allCases)
    func service(holder: LicenseHold.Holder) async throws {
        let house = try await TestHouse()
        try await house.customer(456)
        for row in Self.rows {
            let license = try await stored(try standing(row["standing"]), in: house)
            let before = try await house.record(license)
            let events = try await house.events(of: license)
            let told: String
            do {
                let changed = try await house.change(license, transition(row["transition"]), by: holder)
                told = (changed.isChanged ? "" : "= ") + changed.after.standing.name(at: Self.now)
            } catch let refusal as TransitionRefusal {
                told = "! \(refusal.name)"
            }
            let after = try await house.record(license)
            let added = try await house.events(of: license).count - events.count
            #expect(told == row["by \(holder)"], "\(row)")
            #expect(after.license.version - before.license.version == Int64(added), "an event for each version")
            #expect((added > 0) == ("=!".allSatisfy { !told.hasPrefix(String($0)) }))
            let known = try #require(house.licensing.index.license(license.id))
            // A refused or needless change says nothing to memory, which this test's preparations went around.
            if added > 0 {
                #expect(known.version == after.license.version && known.state == after.license.state)
                #expect(known.expiresAt == after.license.expiresAt ?? .distantFuture)
            } else {
                #expect(after.standing == before.standing)
            }
        }
        #expect(try await house.inconsistencies() == [])
    }

    @Test("by an upgrade is none: it changes what a license allows, however that stands, but never a revoked one")
    func upgrade() async throws {
        let house = try await TestHouse()
        for name in Set(Self.rows.map { $0["standing"] }).sorted() {
            let license = try await stored(try standing(name), in: house)
            let before = try await house.record(license)
            do {
                try await house.change(license) {
                    $0.patch = try house.patch(#"{"license_type":"enterprise","features":["sso"],"max_activations":9}"#)
                }
                #expect(name != "revoked")
            } catch LicensingRefusal.licenseRevoked {
                #expect(name == "revoked")
            }
            let after = try await house.record(license)
            #expect(after.standing.name(at: Self.now) == before.standing.name(at: Self.now))
            #expect(after.license.version == before.license.version + (name == "revoked" ? 0 : 1))
            #expect(after.license.policy.maxActivations == (name == "revoked" ? 1 : 9), "\(name)")
        }
        #expect(try await house.inconsistencies() == [])
    }

    // MARK: - The table's words

    private func transition(_ name: String) throws -> LicenseTransition {
        switch name {
        case "suspend": return .suspend
        case "reinstate": return .reinstate(liftingBilling: false)
        case "reinstate all": return .reinstate(liftingBilling: true)
        case "revoke": return .revoke
        case "renew": return .renew(.days(30, from: .expiry))
        case "extend now": return .renew(.days(30, from: .nowIfExpired))
        case "shorten": return .renew(.until(.through(Self.now.date.adding(days: 1))))
        case "transfer": return .transfer(to: try #require(ID(456)))
        case "transfer to itself": return .transfer(to: try #require(ID(123)))
        case "merge": return .merge(try CanonicalDomain("old.example.com"), into: try CanonicalDomain("example.com"))
        default: throw InvalidInput("transition", name)
        }
    }

    /// A license of one seat that stands so.
    private func standing(_ name: String) throws -> LicenseStanding {
        let today = Self.now.date
        let parts = name.split(separator: ", ").map(String.init)
        var overrides = PolicySettings()
        let clock = parts.last ?? ""
        if clock == "grace" { overrides.graceDays = 5 }
        let ends =
            switch clock {
            case "grace": today.adding(days: -1)
            case "expired": today.adding(days: -40)
            default: today.adding(days: 10)
            }
        let license = try License.sample(
            overrides: overrides, notBefore: clock == "not_yet_valid" ? today.adding(days: 5).start : nil,
            expiresAt: ends.end, createdAt: Self.now)
        var standing = LicenseStanding(license)
        let provenance = Provenance(actor: "test", requestID: "r", at: Self.now)
        for holder in LicenseHold.Holder.allCases where parts[0].contains(holder.rawValue) {
            standing.hold(by: holder, provenance)
        }
        if name == "revoked" { standing.revoke(by: .operator, provenance) }
        return standing
    }

    /// A stored license that stands so, with a seat for a domain that may be merged.
    private func stored(_ standing: LicenseStanding, in house: TestHouse) async throws -> IssuedLicense {
        let license = try await house.issue(graceDays: standing.license.policy.graceSeconds > 0 ? 5 : 0)
        #expect(try await house.verdict(license, "old.example.com") == .valid)
        let (id, starts, ends) = (license.id, standing.license.notBefore, standing.license.expiresAt)
        try await house.database.write { transaction in
            _ = try transaction.execute(
                "UPDATE licenses SET not_before = ?, expires_at = ? WHERE id = ?", starts, ends, id)
        }
        for hold in standing.holds { try await house.change(license, .suspend, by: hold.holder) }
        if standing.revocation != nil { try await house.change(license, .revoke) }
        return license
    }
}

extension TransitionRefusal {
    /// The name of its case.
    var name: String { String("\(self)".prefix { $0 != "(" }) }
}
