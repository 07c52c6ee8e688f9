package import Access
package import Customers
package import Database
package import Journal
package import Primitives

extension LicensingService {
    /// Creates a customer. Throws `CustomerRefusal`, `InvalidInput`.
    package func createCustomer(
        id: CustomerID?, reference: String?, dryRun: Bool, by provenance: Provenance,
        receipt: Receipt<Customer> = .none
    ) async throws -> Customer {
        let customers = customers
        return try await database.write(dryRun: dryRun) { transaction in
            try receipt.covering(transaction) {
                try customers.create(id: id, reference: reference, by: provenance, in: transaction)
            }
        }
    }

    /// The customer with `id`, or nil.
    package func customer(_ id: CustomerID) async throws -> Customer? {
        let customers = customers
        return try await database.read { try customers.find(id, in: $0) }
    }

    /// One page of customers by id.
    package func customers(_ page: Page) async throws -> Listing<Customer> {
        let customers = customers
        return try await database.read { try customers.list(page, in: $0) }
    }

    /// Creates a product. Throws `LicensingRefusal.productExists`.
    package func createProduct(
        _ new: NewProduct, dryRun: Bool, by provenance: Provenance, receipt: Receipt<Product> = .none
    ) async throws -> Product {
        let (products, catalog, index) = (products, catalog, index)
        return try await database.write(dryRun: dryRun) { transaction in
            try receipt.covering(transaction) { try products.create(new, by: provenance, in: transaction) }
        } committed: { product in
            catalog.apply(product)
            index.apply([.product(product)])
        }
    }

    /// Changes a product, and with it at once every license that does not choose otherwise. Throws
    /// `LicensingRefusal.productUnknown`, and `.recountNeeded` when seats would be counted in another way and `change`
    /// does not say that they may be.
    package func updateProduct(
        _ code: Slug, _ change: ProductChange, dryRun: Bool, by provenance: Provenance
    ) async throws -> Product {
        try await storeLastSeen()
        let (products, seats, catalog, index) = (products, seats, catalog, index)
        return try await database.write(dryRun: dryRun) { transaction in
            guard let before = try products.find(code, in: transaction.reading) else {
                throw LicensingRefusal.productUnknown(code.text)
            }
            let after = try products.update(before, change, by: provenance, in: transaction)
            let changes = try seats.policyChanged(
                from: before, to: after, recounts: change.recounts, by: provenance, in: transaction)
            return (product: after, changes: changes)
        } committed: { updated in
            catalog.apply(updated.product)
            index.apply([.product(updated.product)] + updated.changes)
        }.product
    }

    /// The product with a code as someone wrote it, or nil.
    package func product(code: String) async throws -> Product? {
        guard let code = Slug(code) else { return nil }
        let products = products
        return try await database.read { try products.find(code, in: $0) }
    }

    /// One page of products by id.
    package func products(_ page: Page) async throws -> Listing<Product> {
        let products = products
        return try await database.read { try products.list(page, in: $0) }
    }
}
