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

    /// One page of the customers that all `conditions` let through, by id.
    package func customers(_ page: Page, where conditions: [CustomerCondition] = []) async throws -> Listing<Customer> {
        let customers = customers
        return try await database.read { try customers.list(page, where: conditions, in: $0) }
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
    /// `LicensingRefusal.productUnknown`, `.versionChanged`, and `.recountNeeded` when seats would be counted in
    /// another way and `change` does not say that they may be; `InvalidInput`.
    package func updateProduct(
        _ code: Slug, _ change: ProductChange, dryRun: Bool, by provenance: Provenance
    ) async throws -> ProductUpdate {
        try await storeLastSeen()
        let (products, licenses, seats, catalog, index) = (products, licenses, seats, catalog, index)
        let unknown = unknownProduct(code.text)
        let (before, after, outcome) = try await database.write(dryRun: dryRun) { transaction in
            guard let before = try products.find(code, in: transaction.reading) else { throw unknown }
            let after = try products.update(before, change, by: provenance, in: transaction)
            guard after.version != before.version else { return (before, after, ProductSeatsChanged()) }
            let outcome = try seats.policyChanged(
                from: before, to: after, recounts: change.recounts, by: provenance, in: transaction)
            return (before, after, outcome)
        } committed: { (_: Product, after: Product, outcome: ProductSeatsChanged) in
            catalog.apply(after)
            index.apply([.product(after)] + outcome.changes)
        }
        let alterations = before.alterations(to: after)
        let altered = Set(alterations.only(PolicyField.all).map(\.member))
        let (all, affected) = try await database.read {
            try licenses.countInheriting(anyOf: altered, of: after.id, in: $0)
        }
        return ProductUpdate(
            product: after, alterations: alterations, licenses: all, affected: affected,
            recounted: outcome.recounted, overLimit: outcome.overLimit, withinLimit: outcome.withinLimit)
    }

    /// The product with a code as someone wrote it, or nil.
    package func product(code: String) async throws -> Product? {
        guard let code = Slug(code) else { return nil }
        let products = products
        return try await database.read { try products.find(code, in: $0) }
    }

    /// One page of the products that all `conditions` let through, by id.
    package func products(_ page: Page, where conditions: [ProductCondition] = []) async throws -> Listing<Product> {
        let products = products
        return try await database.read { try products.list(page, where: conditions, in: $0) }
    }
}
