import Database
import Primitives
import Secrets

// MARK: - What validation asks

extension LicenseStore {
    /// The policy that a license has, and so have all of its product that choose the same.
    private struct Choice: Hashable {
        let product: ProductID
        let overrides: StoredSettings
    }

    /// How many licenses there are, and live keys.
    func counts(in transaction: ReadTransaction) throws -> (licenses: Int, keys: Int) {
        (
            Int(try transaction.count("SELECT count(*) FROM licenses")),
            Int(try transaction.count("SELECT count(*) FROM license_keys"))
        )
    }

    /// Hands what validation asks of every license, or of those with `ids`, to `body`: the index fills itself from
    /// here. `policy` says where the policy of the licenses of a product is that choose something; it is asked once for
    /// all that choose the same.
    func forEachFacts(
        of ids: [SQLValue]? = nil, in transaction: ReadTransaction, policy: (ProductID, PolicySettings) -> PolicyID,
        do body: (LicenseFacts) -> Void
    ) throws {
        var policies: [Choice: PolicyID] = [:]
        func take(_ row: any SQLRow) throws {
            let choice = Choice(product: row.id(1), overrides: Self.settings(row, from: 2))
            let position = try policies[choice] ?? policy(choice.product, choice.overrides.settings())
            policies[choice] = position
            body(try Self.facts(row, policy: position))
        }
        guard let ids else { return try transaction.forEach(Self.selectFacts, do: take) }
        try transaction.each("\(Self.selectFacts) WHERE id IN (\(ids.placeholders))", arguments: ids, do: take)
    }

    private static let selectFacts = """
        SELECT id, product_id, policy, max_activations, grace_days, state, not_before, expires_at,
            payment_grace_until, over_limit_until, used, status_index, version
        FROM licenses
        """

    private static func facts(_ row: any SQLRow, policy: PolicyID) throws -> LicenseFacts {
        LicenseFacts(
            id: row.randomID(0), productID: row.id(1), policy: policy, state: try state(row.text(5)),
            notBefore: row.optionalTimestamp(6), expiresAt: row.optionalTimestamp(7),
            paymentGraceUntil: row.optionalTimestamp(8), overLimitUntil: row.optionalTimestamp(9),
            used: Int(row.integer(10)), statusIndex: row.integer(11), version: row.integer(12))
    }
}
