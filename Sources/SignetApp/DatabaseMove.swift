package import Database
import Foundation
import Journal
package import Logging
package import Primitives
import Upkeep

/// Copies an installation from its SQLite file to PostgreSQL while it is stopped, as often as wanted.
package struct DatabaseMove: Sendable {
    /// What was copied, or would be.
    package struct Report: Sendable {
        /// Path of the file.
        package let source: String
        /// Without a password.
        package let target: String
        package let tables: [CopiedTable]
        /// Whether an earlier copy was there.
        package let isRepeated: Bool
        /// What is wrong with the copy's journal.
        package let flaw: String?
        /// What is the case where a rule between rows is broken.
        package let broken: [String]

        package var isSound: Bool { flaw == nil && broken.isEmpty }
    }

    /// Why nothing was copied.
    package enum Refusal: Error, Equatable, CustomStringConvertible {
        /// The settings name no SQLite file to copy.
        case sourceIsShared
        /// The target is an installation of its own, or went on since it was copied.
        case targetInUse(String)

        package var description: String {
            switch self {
            case .sourceIsShared: "the settings name a PostgreSQL database; what is moved is a SQLite file"
            case .targetInUse(let target):
                "\(target) has changes that the file does not have; only an empty database or an unchanged earlier "
                    + "copy is written to"
            }
        }
    }

    private let settings: Settings
    private let clock: any WallClock
    private let logger: Logger

    /// `settings` say what is moved.
    package init(of settings: Settings, clock: any WallClock = SystemWallClock(), logger: Logger) {
        self.settings = settings
        self.clock = clock
        self.logger = logger
    }

    /// Copies everything to `address` in one transaction, and checks it. With `dryRun` nothing is written. Throws
    /// `Refusal`, `CopyFailure`, `SchemaUpgrade.Absent`, `DataDirectoryLock.Held`, `StartFailure`,
    /// `UnfinishedRestore`.
    package func run(
        to address: PostgreSQLAddress, dryRun: Bool, progress: @escaping @Sendable (CopiedTable) -> Void = { _ in }
    ) async throws -> Report {
        guard !settings.isShared else { throw Refusal.sourceIsShared }
        let path = settings.sqlitePath
        guard FileManager.default.fileExists(atPath: path) else { throw SchemaUpgrade.Absent(path: path) }
        let lock = try DataDirectoryLock(
            path: settings.lockPath,
            holder: "process \(ProcessInfo.processInfo.processIdentifier) (signet db migrate-to)")
        defer { lock.release() }
        try RestoreTarget(settings).settle()
        let source = try await naming(path) { Database(driver: try SQLiteDriver.open(path: path)) }
        defer { try? source.close() }  // nothing is lost: what was written is committed
        return try await naming(address.description) {
            let target = Database(driver: try await PostgreSQLDriver.open(address))
            defer { try? target.close() }
            return try await move(source, to: target, named: address.description, dryRun: dryRun, progress)
        }
    }

    private func naming<Value>(_ database: String, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as DatabaseError {
            throw StartFailure(database: database, cause: error)
        }
    }

    private func move(
        _ source: Database, to target: Database, named name: String, dryRun: Bool,
        _ progress: @escaping @Sendable (CopiedTable) -> Void
    ) async throws -> Report {
        let path = settings.sqlitePath
        let found = try await State(of: target)
        let isKnown = try await naming(path) { try await source.read { try found.mark?.isFound(in: $0) ?? true } }
        guard isKnown else { throw Refusal.targetInUse(name) }
        let copy = TableCopy(from: source, to: target)
        if dryRun {
            return report(name, try await copy.survey(), found, flaw: nil, broken: [])
        }
        try await naming(path) {
            try await Signet.migrate(source, settings, at: clock.now(), logger)
            try await JournalChain(database: source).sealAll()
        }
        try await target.migrate(Signet.contents.migrations, at: clock.now())
        let tables = try await copy.run(
            admit: { transaction in
                let mark = try JournalMark(reading: transaction)
                guard mark == found.mark || (mark.isEmpty && found.mark == nil) else {
                    throw CopyFailure.targetChanged
                }
            },
            finish: { try Journal.raiseFeedEpoch(above: found.feedEpoch, in: $0) },
            mark: JournalMark.init(reading:), progress: progress)
        let flaw = try await JournalChain(database: target).verify().flaw?.message
        return report(name, tables, found, flaw: flaw, broken: try await Self.brokenRules(of: target))
    }

    private func report(
        _ target: String, _ tables: [CopiedTable], _ found: State, flaw: String?, broken: [String]
    ) -> Report {
        Report(
            source: settings.sqlitePath, target: target, tables: tables.sorted { $0.name < $1.name },
            isRepeated: found.mark?.isEmpty == false, flaw: flaw, broken: broken)
    }

    private static func brokenRules(of database: Database) async throws -> [String] {
        let rules = Signet.contents.rules
        return try await database.read(patience: .schemaChange) { transaction in
            try rules.filter { try $0.countViolations(in: transaction) > 0 }.map(\.whenBroken)
        }
    }

    /// How the target stands before.
    private struct State: Sendable {
        /// Nil without tables.
        var mark: JournalMark?
        var feedEpoch: Int64 = 0

        init(of database: Database) async throws {
            let versions = try await database.schemaVersions(of: Signet.contents.migrations)
            let known = Signet.contents.migrations.map(\.version).max() ?? 0
            guard versions.readableFrom <= known else {
                throw DatabaseError.newer(required: versions.readableFrom, known: known)
            }
            guard !versions.applied.isEmpty else { return }
            (mark, feedEpoch) = try await database.read {
                (try JournalMark(reading: $0), try Journal.feedEpoch(in: $0))
            }
        }
    }
}
