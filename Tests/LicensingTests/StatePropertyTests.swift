import Customers
import Journal
import Primitives
import TestSupport
import Testing

@testable import Licensing

/// Any sequence of changes by operators and billing, against a model that knows only who holds, whether it is revoked,
/// when it ends and whose it is.
@Suite("After any sequence of changes of state")
struct StatePropertyTests {
    private struct Model {
        var holders: Set<LicenseHold.Holder> = []
        var isRevoked = false
        var end: Timestamp
        var customer: CustomerID

        /// What an installation is told that holds a seat or may take one.
        func verdict(at now: Timestamp) -> Verdict {
            if isRevoked { return .revoked }
            if !holders.isEmpty { return .suspended }
            return now < end ? .valid : .expired
        }

        /// Makes the change; false when nothing was left to do, nil when it is refused.
        mutating func apply(_ transition: LicenseTransition, by holder: LicenseHold.Holder, at now: Timestamp) -> Bool?
        {
            switch transition {
            case .revoke:
                let isNew = !isRevoked
                (isRevoked, holders) = (true, [])
                return isNew
            case .transfer(let other):
                defer { customer = other }
                return other != customer
            case _ where isRevoked: return nil
            case .suspend: return holders.insert(holder).inserted
            case .reinstate(let liftingBilling):
                let before = holders
                holders.remove(holder)
                if holder == .operator, liftingBilling { holders = [] }
                return holders != before
            case .renew(.days(let days, _)):
                let later = end + .days(Int(days))
                guard later > now else { return nil }
                end = later
                return true
            case .renew(.until), .merge: return nil
            }
        }
    }

    @Test("database, memory, journal and the answers to installations agree", arguments: SeededGenerator.seeds)
    func agree(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let house = try await TestHouse()
        let customers = [try await house.customer().id, try await house.customer(456).id]
        let today = house.clock.now().date
        var licenses: [(issued: IssuedLicense, model: Model)] = []
        for number in 1...3 {
            let last = today.adding(days: Int64(number))
            licenses.append(
                (try await house.issue(seats: 2, expires: .through(last)), Model(end: last.end, customer: customers[0]))
            )
        }
        var counts = (made: 0, needless: 0, refused: 0)
        for step in 1...150 {
            house.clock.advance(by: .hours(random.number(0...20)))
            let chosen = random.number(0...2)
            let (issued, holder) = (licenses[chosen].issued, random.pick(LicenseHold.Holder.allCases))
            let transition = pick(using: &random, customers)
            let expected = licenses[chosen].model.apply(transition, by: holder, at: house.clock.now())
            let before = try await house.record(issued).license.version
            do {
                let changed = try await house.change(issued, transition, by: holder)
                try #require(changed.isChanged == expected, "step \(step): \(transition) by \(holder)")
            } catch is TransitionRefusal {
                try #require(expected == nil, "step \(step): \(transition) by \(holder)")
            }
            let after = try await house.record(issued)
            let model = licenses[chosen].model
            try #require(Set(after.holds.map(\.holder)) == model.holders && after.holds.count == model.holders.count)
            try #require(after.license.expiresAt == model.end && after.license.customerID == model.customer)
            try #require((after.license.version > before) == (expected == true))
            for (issued, model) in licenses {
                let told = try await house.ask(issued.key.text, domain: "example.com")
                try #require(told == model.verdict(at: house.clock.now()), "step \(step)")
            }
            counts.made += expected == true ? 1 : 0
            counts.needless += expected == false ? 1 : 0
            counts.refused += expected == nil ? 1 : 0
        }
        // A fresh seed may revoke all three at once, which is final.
        if seed == 1 { #expect(counts.made > 20 && counts.needless > 5 && counts.refused > 5, "\(counts)") }
        #expect(house.licensing.statistics.unexplainedInvalid == 0)
        #expect(try await house.inconsistencies() == [])
        try await house.expectMemoryEqualsDatabase(
            licenses.map(\.issued), domains: ["example.com"], addresses: [TestHouse.address])
    }

    private func pick(using random: inout SeededGenerator, _ customers: [CustomerID]) -> LicenseTransition {
        switch random.number(1...60) {
        case 1: .revoke
        case 2...6: .transfer(to: random.pick(customers))
        case 7...20: .renew(.days(Int64(random.number(1...4)), from: .expiry))
        case 21...40: .suspend
        default: .reinstate(liftingBilling: random.pick([true, false]))
        }
    }
}
