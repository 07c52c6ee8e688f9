package import Cluster
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
    /// How far memory has followed what other nodes did.
    package let feed: FeedProgress
    /// Nil where no other process writes to the database.
    let shared: SharedMemory?

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

    /// Opens the signing keys and fills memory from `database`, which is migrated already and served by `nodes`. Throws
    /// `SecretsError`.
    package init(
        database: Database, secrets: Secrets, journal: Journal, customers: CustomerStore, nodes: NodeStore,
        settings: Settings, feed: FeedProgress = FeedProgress(), by provenance: Provenance
    ) async throws {
        let hashes = KeyedHashes(pepper: secrets.pepper)
        self.database = database
        self.customers = customers
        self.feed = feed
        keys = try await SigningKeyRing.open(
            secrets: secrets, database: database, journal: journal, nodes: nodes, by: provenance)
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
        let reload = MemoryReload(
            database: database, products: products, reader: LicenseReader(licenses: licenses, seats: seats),
            catalog: catalog, index: index, feed: feed)
        let lookup = KeyLookup(
            database: database, hashes: hashes, products: products, licenses: licenses, catalog: catalog, index: index)
        shared =
            database.isShared
            ? SharedMemory(
                refresh: reload.refresh, misses: MissConfirmation(lookup, refresh: reload.refresh), feed: feed) : nil
        queue = SeatQueue(
            database: database, store: seats, index: index, depthMax: settings.writeQueueMax,
            waitMax: settings.writeWaitMax, refresh: reload.refresh)
        validator = Validator(
            hashes: hashes, index: index, catalog: catalog, mint: mint, queue: queue,
            prover: SeatProver(issuer: settings.issuer, keys: keys), shared: shared,
            defaultProduct: settings.defaultProduct)
        watch = InstallerWatch(
            guesses: GuessLimit(burst: settings.guessesPerClientMax),
            unexplainedRefusals: UnexplainedRefusals(hashes: hashes, index: index, catalog: catalog, cache: cache))
        try await fillMemory(at: provenance.at)
    }

    /// Whether other processes may write to the same database.
    package var isShared: Bool { database.isShared }

    /// Tells memory what a transaction changed; from its `committed`, so that all are told in commit order.
    package func apply(_ changes: [IndexChange]) { index.apply(changes) }

    /// Throws `SigningKeyRefusal.fileMissing` while nothing can be signed, `DatabaseError` while nothing can be stored.
    /// Beside other nodes it is memory that is asked: a primary that is away for a moment is away for all of them, and
    /// each still answers whom it knows.
    package func checkReady() async throws {
        try keys.checkSigns()
        guard let age = feedStatus?.age else { return try await database.checkWritable() }
        guard age <= FeedProgress.readyAgeMax else {
            throw DatabaseError.unavailable(detail: "memory is \(age.wholeSeconds) s behind the database")
        }
    }
}
