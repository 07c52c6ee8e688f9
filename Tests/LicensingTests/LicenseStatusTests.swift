import Database
import Primitives
import TestSupport
import Testing

@testable import Licensing

/// One license for every state, beginning, end and grace that matter around one instant.
@Suite("The status of a license")
struct LicenseStatusTests {
    private static let now = ManualClock.start
    private static let instants: [Int64?] = [nil, -172_800, -86_400, -86_399, -1, 0, 1, 86_400]
    /// Days of the license's own grace and seconds from now to the end of billing's.
    private static let graces: [(days: Int64, payment: Int64?)] = [
        (0, nil), (1, nil), (2, nil), (0, -1), (0, 0), (1, 1),
    ]

    @Test("is the same for one license in memory and for all of them in a list")
    func memoryAndSQL() async throws {
        let house = try await TestHouse()
        let template = try await house.acme()
        var count: Int64 = 1
        for state in License.State.allCases {
            for start in Self.instants {
                for end in Self.instants {
                    for grace in Self.graces {
                        try await house.copy(template, number: count, state, start, end, grace: grace)
                        count += 1
                    }
                }
            }
        }
        #expect(count == 3 * 8 * 8 * 6 + 1)
        var listed: Int64 = 0
        for status in License.Status.allCases {
            let found = try await house.all(LicenseFilter(status: status))
            #expect(found.allSatisfy { $0.status(at: Self.now) == status }, "\(status)")
            #expect(found.isEmpty == false)
            listed += Int64(found.count)
        }
        #expect(listed == count, "each license has exactly one status")
    }

    @Test(
        "changes at the instant itself",
        arguments: [
            (-1, License.Status.active), (0, .grace), (1, .grace), (86_399_999, .grace), (86_400_000, .expired),
            (86_400_001, .expired),
        ] as [(Int64, License.Status)])
    func halfOpen(milliseconds: Int64, status: License.Status) async throws {
        let house = try await TestHouse()
        let license = try await house.acme()
        let end = Self.now.milliseconds
        try await house.execute("UPDATE licenses SET expires_at = \(end), grace_days = 1")
        let record = try #require(try await house.licensing.license(license.id))
        let instant = Timestamp(milliseconds: end + milliseconds)
        #expect(record.license.status(at: instant) == status)
        let listing = try await house.licensing.licenses(
            LicenseFilter(status: status), try #require(Page()), at: instant)
        #expect(listing.total == 1)
    }

    @Test("has the end of its grace only when it has one")
    func graceUntil() async throws {
        let house = try await TestHouse()
        func until(_ license: IssuedLicense) async throws -> Timestamp? {
            try #require(try await house.licensing.license(license.id)).license.graceUntil
        }
        let midnight = Self.now.date.start
        #expect(try await until(house.acme()) == nil)
        #expect(try await until(house.lapsed()) == nil)
        #expect(try await until(house.lapsed(graceDays: 7)) == midnight + .days(7))
    }
}

extension TestHouse {
    /// A copy of a license with another state and other instants, in seconds from the start of the tests.
    fileprivate func copy(
        _ template: IssuedLicense, number: Int64, _ state: License.State, _ start: Int64?, _ end: Int64?,
        grace: (days: Int64, payment: Int64?)
    ) async throws {
        let begin = start.map { ManualClock.start + .seconds($0) }
        let expiry = end.map { ManualClock.start + .seconds($0) }
        let payment = grace.payment.map { ManualClock.start + .seconds($0) }
        try await database.write { transaction in
            _ = try transaction.execute(
                """
                INSERT INTO licenses (id, customer_id, product_id, policy, state, not_before, expires_at, grace_days,
                    payment_grace_until, used, status_index, version, created_at)
                SELECT ?, customer_id, product_id, policy, ?, ?, ?, ?, ?, 0, ?, 1, created_at
                FROM licenses WHERE id = ?
                """,
                number, state.rawValue, begin, expiry, grace.days, payment, number, template.id)
        }
    }

    /// Every license that a filter lets through, over all pages.
    fileprivate func all(_ filter: LicenseFilter) async throws -> [License] {
        var found: [License] = []
        for number in 1... {
            let page = try #require(Page(number: number, perPage: Page.perPageMax))
            let listing = try await licensing.licenses(filter, page, at: clock.now())
            found += listing.items.map(\.license)
            if found.count >= Int(listing.total) { break }
        }
        return found
    }
}
