package import Access
package import Cluster
import Customers
package import Database
import Foundation
package import HTTPAPI
package import Journal
package import Licensing
package import Logging
package import Primitives
import Secrets
package import Upkeep

/// The application: all parts put together over one database that this process owns.
package final class Signet: Sendable {
    /// Of the program.
    package static let version = "0.1.0"

    package let settings: Settings
    package let licensing: LicensingService
    package let access: AccessService
    package let audit: AuditLog
    package let upkeep: Upkeep
    /// This process among those that serve the database.
    package let membership: Membership
    package let clock: any WallClock
    package let logger: Logger

    let database: Database
    /// Nil for a command on a shared database, which holds nothing that another could not have too.
    private let lock: DataDirectoryLock?

    private init(
        settings: Settings, licensing: LicensingService, access: AccessService, audit: AuditLog, upkeep: Upkeep,
        membership: Membership, clock: any WallClock, logger: Logger, database: Database, lock: DataDirectoryLock?
    ) {
        self.settings = settings
        self.licensing = licensing
        self.access = access
        self.audit = audit
        self.upkeep = upkeep
        self.membership = membership
        self.clock = clock
        self.logger = logger
        self.database = database
        self.lock = lock
    }

    private static var migrations: [Migration] {
        Secrets.migrations + Journal.migrations + CustomerStore.migrations + LicensingSchema.migrations
            + RefusalStore.migrations
            + AccessSchema.migrations
            + SigningKeySchema.migrations
            + ClusterSchema.migrations
    }

    /// What all parts together have in the database.
    static let contents = Upkeep.Contents(
        migrations: migrations,
        rules: CustomerStore.rules + LicensingSchema.rules,
        countedTables: ["customers", "products", "licenses", "activations", "journal"])

    /// Transactions that the end of a command waits for until all it did is sealed; a server goes on with the rest.
    private static let sealingBatchesAtEnd = 20

    /// Takes the data directory, opens and migrates the database, checks the secrets and fills memory.
    ///
    /// `command` says who holds the directory, to others that want it; a command on a shared database does not need it,
    /// a server (`serves`) does, for its socket. Throws `DataDirectoryLock.Held`, `StartFailure`, `UnfinishedRestore`,
    /// `SecretsError`.
    package static func open(
        _ settings: Settings, command: String, serves: Bool = false, clock: any WallClock = SystemWallClock(),
        logger: Logger
    ) async throws -> Signet {
        do {
            return try await start(settings, command: command, serves: serves, clock: clock, logger: logger)
        } catch let error as DatabaseError {
            throw StartFailure(database: settings.databaseName, cause: error)
        }
    }

    private static func start(
        _ settings: Settings, command: String, serves: Bool, clock: any WallClock, logger: Logger
    ) async throws -> Signet {
        let holder = "process \(ProcessInfo.processInfo.processIdentifier) (\(command))"
        var lock: DataDirectoryLock?
        if serves || !settings.isShared {
            try makeStateDirectory(settings.stateDirectory)
            lock = try DataDirectoryLock(path: settings.lockPath, holder: holder)
        }
        let database = Database(driver: try await driver(settings, logger))
        try await migrate(database, settings, at: clock.now(), logger)
        let secrets = try await Secrets.open(
            SecretsDirectory(path: settings.keys, passphrase: settings.keysPassphrase), database: database,
            at: clock.now())
        let customerKeys = CustomerKeys(secrets: secrets)
        let journal = Journal(customerKeys: customerKeys)
        let nodesClock = DatabaseClock(of: database, orElse: clock)
        let licensing = try await LicensingService(
            database: database, secrets: secrets, journal: journal,
            customers: CustomerStore(journal: journal, keys: customerKeys), nodes: NodeStore(clock: nodesClock),
            settings: settings.licensing,
            by: Provenance(actor: "signet", requestID: "start", at: clock.now()))
        let upkeep = Upkeep(
            database: database, journal: journal, secrets: secrets.directory, contents: contents)
        return Signet(
            settings: settings, licensing: licensing,
            access: try await AccessService(database: database, secrets: secrets, journal: journal),
            audit: AuditLog(journal: journal, database: database), upkeep: upkeep,
            membership: Membership(
                database: database, clock: nodesClock, profile: profile(settings, licensing, clock)),
            clock: clock, logger: logger,
            database: database,
            lock: lock)
    }

    static func driver(_ settings: Settings, _ logger: Logger) async throws -> any DatabaseDriver {
        switch settings.database {
        case .postgreSQL(let address):
            return try await PostgreSQLDriver.open(address, connectionsMax: settings.databaseConnectionsMax)
        case .sqlite:
            try RestoreTarget(settings).settle()
            return try SQLiteDriver.open(
                path: settings.sqlitePath,
                onFailure: { error in
                    // Whatever was not answered yet was not promised; a new process starts from what the disk holds.
                    logger.critical("the database failed; leaving", metadata: ["error": "\(error)"])
                    exit(ExitStatus.unavailable.rawValue)
                })
        }
    }

    /// What the faces stand before.
    package var backend: Backend {
        Backend(
            licensing: licensing, access: access, audit: audit, upkeep: upkeep, membership: membership, clock: clock)
    }

    /// Stores what only memory knows, seals the journal, and gives the data directory to others.
    package func close() async throws {
        try await storeTimes()
        try await licensing.storeRefusals(at: clock.now())
        // What was done is done; a seal that cannot be written now is written by the next process.
        try? await upkeep.chain.sealAll(batches: Self.sealingBatchesAtEnd)
        // Without a goodbye the others wait until the leases end.
        try? await membership.leave()
        try database.close()
        lock?.release()
    }

    /// Stores times of last use: of installations and of admin tokens.
    func storeTimes() async throws {
        try await licensing.storeLastSeen()
        try await access.tokens.storeLastUsed()
    }

    private static func makeStateDirectory(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw DatabaseError.unavailable(detail: "the directory \(path) cannot be made")
        }
    }

    /// Brings the schema up to date, after a copy of the database beside itself; the versions applied.
    @discardableResult
    static func migrate(
        _ database: Database, _ settings: Settings, at now: Timestamp, _ logger: Logger
    ) async throws -> [Int64] {
        let path = settings.isShared ? settings.data + "/signet.db" : settings.sqlitePath
        let applied = try await database.migrate(contents.migrations, at: now) { from in
            // A command on a shared database needs no directory but for this; without one the copy says why.
            if settings.isShared { try? makeStateDirectory(settings.data) }
            return "\(path).before-migration-from-\(from)-at-\(now.seconds)"
        }
        if !applied.isEmpty { logger.debug("schema migrated", metadata: ["versions": "\(applied)"]) }
        return applied
    }
}

extension Settings {
    fileprivate var licensing: LicensingService.Settings {
        LicensingService.Settings(
            issuer: issuer, defaultProduct: defaultProduct, writeQueueMax: writeQueueMax,
            guessesPerClientMax: guessesPerClientMax)
    }
}

/// A database, named without its password, keeps the application from starting.
package struct StartFailure: Error, CustomStringConvertible {
    package let database: String
    package let cause: DatabaseError

    package var description: String { "\(database): \(cause)" }
}

/// What the process tells whoever started it (DESIGN §4).
package enum ExitStatus: Int32, Sendable {
    /// Done, or valid.
    case success = 0
    /// A negative answer: not valid, nothing found.
    case negative = 1
    case usage = 2
    /// It could not be done now.
    case unavailable = 3
}
