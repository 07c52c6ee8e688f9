package import Customers
package import Database
package import Journal
package import Primitives
package import Secrets

/// Licensing put together: the stores, the memory that follows them, and what operators do with both.
///
/// Each changing method is one transaction; memory follows after its commit and before it returns, so the next
/// validation anywhere in the process sees the change.
package final class LicensingService: Sendable {
    package let keys: SigningKeyRing
    package let validator: Validator

    private let database: Database
    private let customers: CustomerStore
    private let products: ProductStore
    private let licenses: LicenseStore
    private let seats: SeatStore
    private let index: LicenseIndex
    private let catalog: Catalog

    /// What differs between installations.
    package struct Settings: Sendable {
        /// `iss` of every token.
        package let issuer: String
        /// Stands in for an absent `product`; nil accepts any.
        package let defaultProduct: String?
        /// Newcomers waiting for the writer at most.
        package let writeQueueMax: Int
        /// How long one of them waits before it is refused.
        package let writeWaitMax: Duration

        package init(
            issuer: String, defaultProduct: String?, writeQueueMax: Int,
            writeWaitMax: Duration = SeatQueue.waitMaxDefault
        ) {
            self.issuer = issuer
            self.defaultProduct = defaultProduct
            self.writeQueueMax = writeQueueMax
            self.writeWaitMax = writeWaitMax
        }
    }

    /// Opens the signing keys and fills memory from `database`, which is migrated already. Throws `SecretsError`.
    package init(
        database: Database, secrets: Secrets, journal: Journal, customers: CustomerStore, settings: Settings,
        by provenance: Provenance
    ) async throws {
        let hashes = KeyedHashes(pepper: secrets.pepper)
        self.database = database
        self.customers = customers
        keys = try await SigningKeyRing.open(
            secrets: secrets, database: database, journal: journal, by: provenance)
        products = ProductStore(journal: journal)
        licenses = LicenseStore(journal: journal, hashes: hashes, secrets: secrets)
        seats = SeatStore(journal: journal, hashes: hashes, licenses: licenses)
        index = LicenseIndex()
        catalog = Catalog()
        validator = Validator(
            hashes: hashes, index: index, catalog: catalog,
            mint: TokenMint(issuer: settings.issuer, keys: keys, cache: TokenCache()),
            queue: SeatQueue(
                database: database, store: seats, index: index, depthMax: settings.writeQueueMax,
                waitMax: settings.writeWaitMax),
            defaultProduct: settings.defaultProduct)
        try await fillMemory()
    }

    /// Throws `DatabaseError` while nothing can be stored.
    package func checkReady() async throws { try await database.checkWritable() }

    /// One consistent view of all that validation asks.
    private func fillMemory() async throws {
        let (products, licenses, seats, index, catalog) = (products, licenses, seats, index, catalog)
        try await database.read { transaction in
            for product in try products.all(in: transaction) { catalog.apply(product) }
            try licenses.forEachLicense(in: transaction) { index.apply([.license($0)]) }
            try licenses.forEachKey(in: transaction) { index.apply([.key($0, $1)]) }
            try seats.forEachPlace(in: transaction) { index.apply([.place($0, $1)]) }
        }
    }
}

// MARK: - Customers and products

extension LicensingService {
    /// Creates a customer. Throws `CustomerRefusal`, `InvalidInput`.
    package func createCustomer(
        id: CustomerID?, reference: String?, dryRun: Bool, by provenance: Provenance
    ) async throws -> Customer {
        let customers = customers
        return try await database.write(dryRun: dryRun) { transaction in
            try customers.create(id: id, reference: reference, by: provenance, in: transaction)
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
        _ new: NewProduct, dryRun: Bool, by provenance: Provenance
    ) async throws -> Product {
        let (products, catalog) = (products, catalog)
        return try await database.write(dryRun: dryRun) { transaction in
            try products.create(new, by: provenance, in: transaction)
        } committed: {
            catalog.apply($0)
        }
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

// MARK: - Licenses

extension LicensingService {
    /// Issues a license and its key, which is told here and, sealed, kept. Throws `LicensingRefusal`.
    package func issueLicense(
        _ new: NewLicense, dryRun: Bool, by provenance: Provenance
    ) async throws -> (record: LicenseRecord, key: LicenseKey) {
        var generator = SystemRandomNumberGenerator()
        let key = LicenseKey(using: &generator)
        let (licenses, customers, index) = (licenses, customers, index)
        let hash = licenses.hash(of: key)
        let license = try await database.write(dryRun: dryRun) { transaction in
            try licenses.issue(new, key: key, customers: customers, by: provenance, in: transaction)
        } committed: { license in
            // The license before its key: a request that finds the key finds the license.
            index.apply([.license(license), .key(hash, license.id)])
        }
        return (LicenseRecord(license: license, productCode: new.product.code, last4: key.last4), key)
    }

    /// The license with `id`, or nil.
    package func license(_ id: LicenseID) async throws -> LicenseRecord? {
        let licenses = licenses
        return try await database.read { try licenses.find(id, in: $0) }
    }

    /// The license that a key opens, or nil.
    package func license(_ key: LicenseKey) async throws -> LicenseRecord? {
        let licenses = licenses
        return try await database.read { try licenses.find(key, in: $0) }
    }

    /// The newest live key of a license, from its sealed copy; nil without one.
    package func key(of id: LicenseID) async throws -> LicenseKey? {
        let licenses = licenses
        return try await database.read { try licenses.key(of: id, in: $0) }
    }

    /// One page of licenses, newest first.
    package func licenses(
        _ filter: LicenseFilter, _ page: Page, at now: Timestamp
    ) async throws -> Listing<LicenseRecord> {
        let licenses = licenses
        return try await database.read { try licenses.list(filter, page, at: now, in: $0) }
    }

    /// The taken seats of a license, with times of last use up to now.
    package func activations(of id: LicenseID) async throws -> [Activation] {
        try await storeLastSeen()
        let seats = seats
        return try await database.read { try seats.activations(of: id, in: $0) }
    }

    /// Releases seats. Throws `LicensingRefusal.installationUnknown`, `.licenseUnknown`.
    package func release(
        _ selection: SeatSelection, of id: LicenseID, dryRun: Bool, by provenance: Provenance
    ) async throws -> (released: [Activation], license: License) {
        let (seats, index) = (seats, index)
        let result = try await database.write(dryRun: dryRun) { transaction in
            try seats.release(selection, of: id, by: provenance, in: transaction)
        } committed: {
            index.apply($0.changes)
        }
        return (result.released, result.license)
    }
}

// MARK: - Last use

extension LicensingService {
    /// Places stored in one transaction.
    private static let lastSeenBatchMax = 1000

    /// Stores when places were last used. Called every few seconds and before a clean end: losing the last seconds of
    /// these times is allowed, losing an activation is not (DESIGN D4).
    package func storeLastSeen() async throws {
        let places = index.takeTouchedPlaces()
        let seats = seats
        var stored = 0
        do {
            while stored < places.count {
                let batch = Array(places[stored..<min(stored + Self.lastSeenBatchMax, places.count)])
                try await database.write { try seats.recordLastSeen(batch, in: $0) }
                stored += batch.count
            }
        } catch {
            index.returnTouchedPlaces(Array(places[stored...]))
            throw error
        }
    }
}
