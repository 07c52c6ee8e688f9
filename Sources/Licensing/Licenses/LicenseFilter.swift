package import Customers
import Database
package import Primitives

/// Which licenses a list is about: those that all conditions let through.
package struct LicenseFilter: Sendable {
    package var conditions: [LicenseCondition]
    /// Whether only those used lately are meant, those first that were used from most networks: what looks cloned.
    package var bySpread = false

    package init(_ conditions: [LicenseCondition], bySpread: Bool = false) {
        self.conditions = conditions
        self.bySpread = bySpread
    }

    package init(
        status: License.Status? = nil, product: ProductID? = nil, customer: CustomerID? = nil, batch: Slug? = nil
    ) {
        let all: [LicenseCondition?] = [
            status.map { .status($0) }, product.map { .product($0) }, customer.map { .customer($0) },
            batch.map { .batch($0) },
        ]
        conditions = all.compactMap { $0 }
    }

    /// The condition over `licenses l` and `products p`.
    func sql(at now: Timestamp) -> SQLCondition { .all(conditions.map { $0.sql(at: now) }) }
}

/// One way to narrow a list of licenses.
package enum LicenseCondition: Sendable {
    /// Days that ``expiring(days:)`` may look ahead.
    package static let expiringDaysMax = 3_660

    case status(License.Status)
    case product(ProductID)
    case customer(CustomerID)
    case batch(Slug)
    /// Those with a seat taken by this domain.
    case domain(CanonicalDomain)
    /// Those with a key that ends in these four symbols, also one whose time is over.
    case last4(String)
    /// Active ones that expire within this many days.
    case expiring(days: Int)

    func sql(at now: Timestamp) -> SQLCondition {
        switch self {
        case .status(let status):
            let text = Self.statusText(status)
            return SQLCondition(text, arguments: Array(repeating: now.sqlValue, count: text.count { $0 == "?" }))
        case .product(let product): return SQLCondition("l.product_id = ?", product.sqlValue)
        case .customer(let customer): return SQLCondition("l.customer_id = ?", customer.sqlValue)
        case .batch(let batch): return SQLCondition("l.batch = ?", .text(batch.text))
        case .domain(let domain):
            return SQLCondition(
                "l.id IN (SELECT license_id FROM activations WHERE domain = ? AND released_at IS NULL)",
                .text(domain.ascii))
        case .last4(let last4):
            return SQLCondition(
                "l.id IN (SELECT license_id FROM license_keys WHERE last4 = ? AND revoked_at IS NULL)", .text(last4))
        case .expiring(let days):
            return SQLCondition(
                "l.state = 'active' AND l.expires_at > ? AND l.expires_at <= ?", now.sqlValue,
                (now + .days(days)).sqlValue)
        }
    }
}

// MARK: - Status

extension LicenseCondition {
    /// `License.graceUntil` in SQL, or `expires_at` without grace.
    private static let graceEnd = """
        CASE WHEN l.payment_grace_until > l.expires_at + coalesce(l.grace_days, p.grace_days) * 86400000
            THEN l.payment_grace_until ELSE l.expires_at + coalesce(l.grace_days, p.grace_days) * 86400000 END
        """

    /// `License.status(at:)` in SQL; every `?` is the instant. A test holds the two against each other.
    private static func statusText(_ status: License.Status) -> String {
        switch status {
        case .suspended, .revoked: "l.state = '\(status.rawValue)'"
        case .notYetValid: "l.state = 'active' AND l.not_before > ?"
        case .active:
            """
            l.state = 'active' AND (l.not_before IS NULL OR l.not_before <= ?)
            AND (l.expires_at IS NULL OR l.expires_at > ?)
            """
        case .grace:
            """
            l.state = 'active' AND (l.not_before IS NULL OR l.not_before <= ?)
            AND l.expires_at <= ? AND \(graceEnd) > ?
            """
        case .expired:
            """
            l.state = 'active' AND (l.not_before IS NULL OR l.not_before <= ?)
            AND l.expires_at <= ? AND \(graceEnd) <= ?
            """
        }
    }
}
