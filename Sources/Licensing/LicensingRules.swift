package import Database
import Primitives

extension LicensingSchema {
    /// What holds between the rows of licensing at any time.
    package static let rules = ownRules + ImportSchema.rules

    private static let ownRules = [
        ConsistencyRule(
            "seats-are-counted", whenBroken: "used is not the number of unreleased seats",
            sql: """
                SELECT count(*) FROM licenses l WHERE used <> (SELECT count(*) FROM activations a
                WHERE a.license_id = l.id AND a.released_at IS NULL AND a.kind <> 'staging')
                """),
        ConsistencyRule(
            "over-limit-dates", whenBroken: "a date for seats above the limit where there are none",
            sql: """
                SELECT count(*) FROM licenses l JOIN products p ON p.id = l.product_id
                WHERE l.over_limit_until IS NOT NULL
                AND (coalesce(l.max_activations, p.max_activations) = 0
                    OR l.used <= coalesce(l.max_activations, p.max_activations))
                """),
        ConsistencyRule(
            "carried-identities", whenBroken: "a seat that carries what it belongs to",
            sql: """
                SELECT count(*) FROM activations WHERE domain IS NOT NULL AND carried_domain IS NOT NULL
                OR installation_id IS NOT NULL AND carried_installation_id IS NOT NULL
                """),
        ConsistencyRule(
            "file-seats-end", whenBroken: "the seat of a license file without its end",
            sql: "SELECT count(*) FROM activations WHERE kind = 'file' AND held_until IS NULL"),
        ConsistencyRule(
            "seats-within-limit", whenBroken: "more seats than the license has",
            sql: """
                SELECT count(*) FROM licenses l JOIN products p ON p.id = l.product_id
                WHERE coalesce(l.max_activations, p.max_activations) > 0
                AND l.used > coalesce(l.max_activations, p.max_activations) AND l.over_limit_until IS NULL
                """),
        ConsistencyRule(
            "seats-have-addresses", whenBroken: "a taken seat without an address",
            sql: """
                SELECT count(*) FROM activations a WHERE released_at IS NULL AND kind <> 'file'
                AND NOT EXISTS (SELECT 1 FROM seat_addresses s WHERE s.activation_id = a.id)
                """),
        ConsistencyRule(
            "addresses-of-taken-seats", whenBroken: "an address of a released seat",
            sql: """
                SELECT count(*) FROM seat_addresses s JOIN activations a ON a.id = s.activation_id
                WHERE a.released_at IS NOT NULL
                """),
        ConsistencyRule(
            "addresses-within-limit", whenBroken: "a seat with more addresses than it holds",
            sql: """
                SELECT count(*) FROM activations a
                WHERE (SELECT count(*) FROM seat_addresses s WHERE s.activation_id = a.id)
                    > \(Policy.addressesPerSeatMax)
                """),
        ConsistencyRule(
            "suspended-by-holds", whenBroken: "a license that is suspended without a hold, or not with one",
            sql: """
                SELECT count(*) FROM licenses l WHERE (l.state = 'suspended')
                    <> EXISTS (SELECT 1 FROM license_holds h WHERE h.license_id = l.id)
                """),
        ConsistencyRule(
            "revoked-with-revocation", whenBroken: "a license that is revoked without a record of it, or not with one",
            sql: """
                SELECT count(*) FROM licenses l WHERE (l.state = 'revoked')
                    <> EXISTS (SELECT 1 FROM license_revocations r WHERE r.license_id = l.id)
                """),
        ConsistencyRule(
            "product-versions-have-events", whenBroken: "a product's version is not that of its last event",
            sql: """
                SELECT count(*) FROM products p WHERE version <> coalesce((SELECT max(subject_version) FROM journal
                WHERE subject = 'product:' || p.code), 0)
                """),
        ConsistencyRule(
            "license-versions-have-events", whenBroken: "a license's version is not that of its last event",
            violations: countLicensesWithoutEvent),
    ]

    /// Licenses whose version is not that of their last event. Row by row, because only we can spell an identifier.
    private static func countLicensesWithoutEvent(_ transaction: ReadTransaction) throws -> Int64 {
        var count: Int64 = 0
        try transaction.forEach("SELECT id, version FROM licenses") { row in
            let id: LicenseID = row.randomID(0)
            let last = try transaction.first(
                "SELECT max(subject_version) FROM journal WHERE subject = ?", id.description
            ) { $0.optionalInteger(0) }
            if last != row.integer(1) { count += 1 }
        }
        return count
    }
}
