package import Database
package import Primitives
package import Secrets

/// The sealing key of each customer, kept wrapped under the installation's data key.
package struct CustomerKeys: Sendable {
    /// A customer without a key: never created here, or erased.
    package struct Missing: Error, Equatable {
        package let customer: Int64
    }

    private let secrets: Secrets

    package init(secrets: Secrets) { self.secrets = secrets }

    /// Makes and stores the key of a new customer.
    package func create(for customer: Int64, at now: Timestamp, in transaction: WriteTransaction) throws {
        let wrapped = secrets.dataKey.seal(SealingKey.random().secret, context: Self.context(of: customer))
        try transaction.execute(
            "INSERT INTO customer_keys (customer_id, data_key_id, wrapped, created_at) VALUES (?, ?, ?, ?)",
            customer, secrets.dataKeyID, wrapped, now)
    }

    /// The customer's key. Throws `Missing`.
    package func key(of customer: Int64, in transaction: ReadTransaction) throws -> SealingKey {
        guard let key = try storedKey(of: customer, in: transaction) else { throw Missing(customer: customer) }
        return key
    }

    /// The customer's key, or nil for a customer that was erased.
    package func storedKey(of customer: Int64, in transaction: ReadTransaction) throws -> SealingKey? {
        let wrapped = try transaction.first("SELECT wrapped FROM customer_keys WHERE customer_id = ?", customer) {
            $0.blob(0)
        }
        guard let wrapped else { return nil }
        guard let secret = secrets.dataKey.open(wrapped, context: Self.context(of: customer)) else {
            throw DatabaseError.corrupt(detail: "the key of customer \(customer) does not open")
        }
        return SealingKey(secret: secret)
    }

    private static func context(of customer: Int64) -> String { "customer_keys.wrapped:\(customer)" }
}
