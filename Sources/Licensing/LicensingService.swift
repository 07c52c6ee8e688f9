package import Customers
package import Database
package import Journal
import Primitives
package import Secrets

/// Licensing put together: the stores, the memory that follows them, and what operators do with both.
///
/// Each changing method is one transaction; memory follows after its commit and before it returns, so the next
/// validation anywhere in the process sees the change.
package final class LicensingService: Sendable {
    package let keys: SigningKeyRing
    /// Key sets that the vendor's root signed.
    package let keySets: KeySetPublisher
    package let validator: Validator
    /// What stands behind the answers to installations.
    package let watch: InstallerWatch
    /// The signed list of revoked licenses.
    package let revocations: RevocationPublisher
    /// What changes licenses inside a transaction of someone else.
    package let registrar: LicenseRegistrar

    let database: Database
    let customers: CustomerStore
    let products: ProductStore
    let licenses: LicenseStore
    let licenseKeys: LicenseKeyStore
    let seats: SeatStore
    let index: LicenseIndex
    let catalog: Catalog
    let mint: TokenMint
    let queue: SeatQueue
    let refusals: RefusalStore
    let offlineKeys: OfflineKeyStore
    let licenseFiles: LicenseFileStore

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
        /// Keys that open nothing which one client may try at once; 0 for no limit.
        package let guessesPerClientMax: Int

        package init(
            issuer: String, defaultProduct: String?, writeQueueMax: Int,
            writeWaitMax: Duration = SeatQueue.waitMaxDefault, guessesPerClientMax: Int = GuessLimit.burstDefault
        ) {
            self.issuer = issuer
            self.defaultProduct = defaultProduct
            self.writeQueueMax = writeQueueMax
            self.writeWaitMax = writeWaitMax
            self.guessesPerClientMax = guessesPerClientMax
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
        keySets = try await KeySetPublisher.open(
            ring: keys, database: database, journal: journal, issuer: settings.issuer)
        products = ProductStore(journal: journal)
        licenses = LicenseStore(journal: journal, hashes: hashes, secrets: secrets)
        licenseKeys = LicenseKeyStore(journal: journal, hashes: hashes, secrets: secrets, licenses: licenses)
        seats = SeatStore(journal: journal, hashes: hashes, licenses: licenses)
        registrar = LicenseRegistrar(licenses: licenses, seats: seats, customers: customers)
        index = LicenseIndex()
        catalog = Catalog()
        refusals = RefusalStore(secrets: secrets)
        let cache = TokenCache()
        mint = TokenMint(issuer: settings.issuer, keys: keys, cache: cache)
        offlineKeys = OfflineKeyStore(
            journal: journal, hashes: hashes, secrets: secrets, codes: ProductCodes(journal: journal))
        licenseFiles = LicenseFileStore(journal: journal, hashes: hashes, licenses: licenses, seats: seats)
        revocations = try await RevocationPublisher.open(
            issuer: settings.issuer, database: database, journal: journal, keys: keys, by: provenance)
        queue = SeatQueue(
            database: database, store: seats, index: index, depthMax: settings.writeQueueMax,
            waitMax: settings.writeWaitMax)
        validator = Validator(
            hashes: hashes, index: index, catalog: catalog, mint: mint, queue: queue,
            prover: SeatProver(issuer: settings.issuer, keys: keys), defaultProduct: settings.defaultProduct)
        watch = InstallerWatch(
            guesses: GuessLimit(burst: settings.guessesPerClientMax),
            unexplainedRefusals: UnexplainedRefusals(hashes: hashes, index: index, catalog: catalog, cache: cache))
        try await fillMemory(at: provenance.at)
    }

    /// Tells memory what a transaction changed; from its `committed`, so that all are told in commit order.
    package func apply(_ changes: [IndexChange]) { index.apply(changes) }

    /// Throws `DatabaseError` while nothing can be stored.
    package func checkReady() async throws { try await database.checkWritable() }

    /// One consistent view of all that validation asks.
    private func fillMemory(at now: Timestamp) async throws {
        let (products, licenses, seats, index, catalog) = (products, licenses, seats, index, catalog)
        try await database.read { transaction in
            let all = try products.all(in: transaction)
            for product in all {
                catalog.apply(product)
                index.apply([.product(product)])
            }
            catalog.apply(keyPrefixes: try products.keyPrefixes(of: all, in: transaction))
            let counts = try licenses.counts(in: transaction)
            index.reserve(
                LicenseIndex.Sizes(
                    licenses: counts.licenses, keys: counts.keys, places: try seats.placeCount(in: transaction)))
            try licenses.forEachFacts(in: transaction, policy: index.policyID(of:choosing:)) { index.put($0) }
            try licenses.forEachKey(endingFrom: now - EndingKeys.keptAfterEnd, in: transaction) { hash, license, end in
                index.put(license, under: hash)
                if let end { index.apply([.keyEnds(hash, end)]) }
            }
            if try licenses.hasImportedKeys(in: transaction) { catalog.admitImportedKeys() }
            try seats.forEachPlace(in: transaction) { index.put($1, at: $0) }
        }
    }
}
