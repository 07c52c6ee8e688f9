package import Access
package import Cluster
package import Customers
package import Database
package import Journal
package import Licensing
import Primitives
package import Secrets
package import Upkeep

/// Licensing over a real database, with a clock that tests move: what the application puts together, without
/// sockets.
package final class TestHouse: Sendable {
    package let database: Database
    package let secrets: Secrets
    package let journal: Journal
    package let customers: CustomerStore
    package let licensing: LicensingService
    package let access: AccessService
    package let audit: AuditLog
    package let upkeep: Upkeep
    package let clock: ManualClock
    /// The processes that serve its database, by its clock; it is none itself.
    package let membership: Membership
    /// What the database ran.
    package let statements: StatementRecorder
    /// Between the database and its driver; does nothing until told to.
    package let faults: FaultyDriver
    package let settings: LicensingService.Settings
    package let secretsDirectory: TemporaryDirectory

    /// Every migration of the parts that a house has, as the application lists them.
    package static let migrations =
        Secrets.migrations + Journal.migrations + CustomerStore.migrations + LicensingSchema.migrations
        + RefusalStore.migrations + AccessSchema.migrations + SigningKeySchema.migrations + ClusterSchema.migrations

    /// What a house has in its database, as the application lists it.
    package static let contents = Upkeep.Contents(
        migrations: migrations, rules: CustomerStore.rules + LicensingSchema.rules,
        countedTables: ["customers", "products", "licenses", "activations", "journal"])

    /// The settings of a house that is not told others.
    package static let settings = LicensingService.Settings(
        issuer: "signet", defaultProduct: nil, writeQueueMax: 4096, writeWaitMax: patience)

    /// How long a claim waits in tests: a machine busy with all of them at once is no overload.
    package static let patience = Duration.seconds(120)

    /// The least that a sealed file may cost: tests make many.
    package static let sealingCost = Argon2id.Cost(memoryKiB: PassphraseBox.memoryKiBRange.lowerBound, passes: 1)

    /// A house over a database in memory, or over the file at `path`. `keys` is where its secrets are; a house that is
    /// opened again needs the same.
    package init(
        path: String? = nil, keys: TemporaryDirectory? = nil, clock: ManualClock = ManualClock(),
        settings: LicensingService.Settings = TestHouse.settings, passphrase: Passphrase? = nil
    ) async throws {
        let statements = StatementRecorder()
        let driver = try await TestDatabase.driver(path: path, onStatement: { statements.record($0) })
        self.statements = statements
        self.clock = clock
        self.settings = settings
        secretsDirectory = try keys ?? TemporaryDirectory()
        faults = FaultyDriver(driver)
        database = Database(driver: faults)
        try await database.migrate(Self.migrations, at: clock.now())
        secrets = try await Secrets.open(
            SecretsDirectory(path: secretsDirectory.path, passphrase: passphrase, sealingCost: Self.sealingCost),
            database: database, at: clock.now())
        let customerKeys = CustomerKeys(secrets: secrets)
        journal = Journal(customerKeys: customerKeys)
        customers = CustomerStore(journal: journal, keys: customerKeys)
        let licensing = try await LicensingService(
            database: database, secrets: secrets, journal: journal, customers: customers,
            nodes: NodeStore(clock: .own(clock)), settings: settings, feed: Self.current,
            by: Provenance(actor: "signet", requestID: "start", at: clock.now()))
        self.licensing = licensing
        membership = Membership(
            database: database, clock: .own(clock),
            profile: Membership.Profile(name: "house", version: "1") {
                try licensing.keys.lookAtFiles(at: clock.now())
            })
        access = try await AccessService(database: database, secrets: secrets, journal: journal)
        audit = AuditLog(journal: journal, database: database)
        upkeep = Upkeep(database: database, journal: journal, secrets: secrets.directory, contents: Self.contents)
    }

    /// Another service over the same database, which knows nothing but what is stored.
    package func secondService(
        feed: FeedProgress = TestHouse.current
    ) async throws -> LicensingService {
        try await LicensingService(
            database: database, secrets: secrets, journal: journal, customers: customers,
            nodes: NodeStore(clock: .own(clock)), settings: settings, feed: feed, by: provenance())
    }

    /// A feed that never falls behind: nobody follows it in most tests.
    package static var current: FeedProgress {
        let start = ContinuousClock.now
        return FeedProgress(now: { start })
    }

    /// Who the tests are, now.
    package func provenance(actor: String = "uid:0/login:1000", reason: String? = nil) -> Provenance {
        Provenance(actor: actor, requestID: "req-1", at: clock.now(), reason: reason)
    }
}

extension LicensingService.Settings {
    /// For tests that try many wrong keys at one moment.
    package static let withoutGuessLimit = Self(
        issuer: "signet", defaultProduct: nil, writeQueueMax: 4096, writeWaitMax: TestHouse.patience,
        guessesPerClientMax: 0)
}

// MARK: - Characters

/// A license that was issued, and the key that opens it.
package struct IssuedLicense: Sendable {
    package let id: LicenseID
    package let key: LicenseKey

    package init(id: LicenseID, key: LicenseKey) {
        self.id = id
        self.key = key
    }
}

extension TestHouse {
    /// The product `code`, made at first use.
    @discardableResult
    package func product(
        _ code: String = "whm-panel", addressesPerSeat: Int = 3, tokenDays: Int = 14, countsDevelopment: Bool = false,
        choosing chosen: PolicySettings? = nil
    ) async throws -> Product {
        if let known = try await licensing.product(code: code) { return known }
        var settings = PolicySettings()
        settings.licenseType = Slug("professional")
        settings.features = ["whm", "billing", "support"].compactMap { Slug($0) }
        settings.addressesPerSeat = addressesPerSeat
        settings.tokenDays = tokenDays
        settings.countsDevelopment = countsDevelopment
        let new = try NewProduct(code: code, settings: chosen.map(settings.overlaid(by:)) ?? settings)
        return try await licensing.createProduct(new, dryRun: false, by: provenance())
    }

    /// The customer with this number, made at first use.
    @discardableResult
    package func customer(_ number: Int64 = 123) async throws -> Customer {
        guard let id = ID<Customer>(number) else { preconditionFailure("customers have numbers from 1") }
        if let known = try await licensing.customer(id) { return known }
        return try await licensing.createCustomer(id: id, reference: nil, dryRun: false, by: provenance())
    }

    /// A license of customer 123. `expires` as an operator writes it, or a day that may be past.
    package func issue(
        seats: Int = 1, expires: Expiry = .never, graceDays: Int = 0, product code: String = "whm-panel",
        addressesPerSeat: Int? = nil, choosing chosen: PolicySettings? = nil, in service: LicensingService? = nil
    ) async throws -> IssuedLicense {
        let product = try await product(code)
        var overrides = chosen ?? PolicySettings()
        overrides.maxActivations = seats
        overrides.graceDays = graceDays
        if let addressesPerSeat { overrides.addressesPerSeat = addressesPerSeat }
        let new = try NewLicense(
            customer: try await customer().id, product: product, overrides: overrides, expiry: expires)
        let fresh = try await (service ?? licensing).issueLicense(new, dryRun: false, by: provenance())
        let (record, key) = (fresh.record, fresh.key)
        return IssuedLicense(id: record.license.id, key: key)
    }

    /// A professional license of three seats that never expires.
    package func acme() async throws -> IssuedLicense { try await issue(seats: 3) }

    /// One seat.
    package func solo() async throws -> IssuedLicense { try await issue(seats: 1) }

    /// A license of three seats that expired at the last midnight, half a day ago.
    package func lapsed(graceDays: Int = 0) async throws -> IssuedLicense {
        let yesterday = clock.now().date.adding(days: -1)
        return try await issue(seats: 3, expires: .through(yesterday), graceDays: graceDays)
    }
}

// MARK: - Asking

extension TestHouse {
    /// An address that installations have unless a test cares.
    package static let address = "203.0.113.7"

    package func installation(
        domain: String? = nil, ip: String = address, installationID: String? = nil, peer: String? = nil
    ) throws -> Installation {
        guard let address = CanonicalAddress(ip),
            let installation = Installation(
                domain: try domain.map { try CanonicalDomain($0) },
                installationID: installationID.flatMap(InstallationID.init), address: address,
                peer: peer.flatMap { CanonicalAddress($0) })
        else { preconditionFailure("the test's installation is none: \(domain ?? installationID ?? "-") at \(ip)") }
        return installation
    }

    /// One call of the installer's endpoint.
    package func validate(
        _ key: LicenseKey, domain: String? = nil, ip: String = address, installationID: String? = nil,
        peer: String? = nil, product: String? = nil, nonce: String? = nil, activates: Bool = true,
        explicitly: Bool = false, token: [UInt8]? = nil, in service: LicensingService? = nil
    ) async throws -> ValidationAnswer {
        let installation = try installation(domain: domain, ip: ip, installationID: installationID, peer: peer)
        let request = ValidationRequest(
            licenseKey: key.text, installation: installation, product: product, nonce: nonce, activates: activates,
            isExplicit: explicitly, token: token.map { String(decoding: $0, as: UTF8.self) })
        return try await (service ?? licensing).validator.answer(
            request, by: provenance(actor: "installation"))
    }

    /// The verdict of one call.
    package func verdict(
        _ license: IssuedLicense, _ domain: String, ip: String = address, activates: Bool = true,
        explicitly: Bool = false, in service: LicensingService? = nil
    ) async throws -> Verdict {
        try await validate(
            license.key, domain: domain, ip: ip, activates: activates, explicitly: explicitly, in: service
        ).verdict
    }

    /// The verdict of a call that carries an identifier.
    package func verdict(
        _ license: IssuedLicense, domain: String? = nil, id: String, ip: String = address, explicitly: Bool = false,
        token: [UInt8]? = nil
    ) async throws -> Verdict {
        try await validate(
            license.key, domain: domain, ip: ip, installationID: id, explicitly: explicitly, token: token
        ).verdict
    }

    /// One call of the installer's way to give its seat back.
    package func deactivate(
        _ key: LicenseKey, domain: String? = nil, installationID: String? = nil, ip: String = address,
        token: [UInt8]?, product: String? = nil, in service: LicensingService? = nil
    ) async throws -> Deactivation {
        let request = ValidationRequest(
            licenseKey: key.text,
            installation: try installation(domain: domain, ip: ip, installationID: installationID),
            product: product, nonce: nil, activates: true, isExplicit: true,
            token: token.map { String(decoding: $0, as: UTF8.self) })
        return try await (service ?? licensing).deactivate(request, by: provenance(actor: "installation"))
    }

    /// Releases seats as an operator.
    @discardableResult
    package func release(_ selection: SeatSelection, of license: IssuedLicense) async throws -> [Activation] {
        try await licensing.release(selection, of: license.id, dryRun: false, by: provenance()).released
    }

    /// Does what time does to seats, now; the number of seats that became free.
    @discardableResult
    package func keepSeats() async throws -> Int {
        try await SeatKeeper(licensing).keep(by: provenance(actor: "signet"))
    }
}

// MARK: - Looking at the database

extension TestHouse {
    /// The number that a query of one number gives.
    package func count(_ sql: String) async throws -> Int64 { try await database.read { try $0.count(sql) } }

    /// The first column of every row, as text.
    package func texts(_ sql: String) async throws -> [String] {
        try await database.read { try $0.all(sql) { $0.text(0) } }
    }

    /// Changes rows behind the service's back, as a command that does not exist yet would.
    package func execute(_ sql: String) async throws {
        try await database.write { _ = try $0.execute(sql) }
    }

    /// Seats that the license says are taken.
    package func used(_ license: IssuedLicense) async throws -> Int {
        guard let record = try await licensing.license(license.id) else { preconditionFailure("the license is gone") }
        return record.license.used
    }

    /// What breaks the rules that hold between rows at any time; empty in a sound database.
    package func inconsistencies() async throws -> [String] {
        try await database.read { transaction in
            try Self.contents.rules.filter { try $0.countViolations(in: transaction) != 0 }.map(\.whenBroken).sorted()
        }
    }
}
