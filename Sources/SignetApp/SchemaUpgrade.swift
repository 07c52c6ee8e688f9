package import Database
import Foundation
package import Logging
package import Primitives
import Upkeep

/// Brings the schema of a database that no process holds up to this program.
package enum SchemaUpgrade {
    /// What was done, or would be.
    package struct Report: Sendable {
        package let path: String
        /// As it was before.
        package let versions: SchemaVersions
        /// Versions applied now.
        package let applied: [Int64]
    }

    /// There is no database.
    package struct Absent: Error, CustomStringConvertible {
        package let path: String

        package var description: String { "there is no database at \(path)" }
    }

    /// Applies what is pending, after a copy of the database beside itself; with `dryRun` it is only listed. Throws
    /// `Absent`, `DataDirectoryLock.Held`, `StartFailure`.
    package static func run(
        _ settings: Settings, dryRun: Bool, clock: any WallClock = SystemWallClock(), logger: Logger
    ) async throws -> Report {
        if settings.isShared {
            return try await upgrade(settings, dryRun: dryRun, at: clock.now(), logger) {
                try await Signet.driver(settings, logger)
            }
        }
        let path = settings.sqlitePath
        guard FileManager.default.fileExists(atPath: path) else { throw Absent(path: path) }
        let lock = try DataDirectoryLock(
            path: settings.lockPath,
            holder: "process \(ProcessInfo.processInfo.processIdentifier) (signet db migrate)")
        defer { lock.release() }
        return try await upgrade(settings, dryRun: dryRun, at: clock.now(), logger) {
            try SQLiteDriver.open(path: path)
        }
    }

    private static func upgrade(
        _ settings: Settings, dryRun: Bool, at now: Timestamp, _ logger: Logger,
        open: () async throws -> any DatabaseDriver
    ) async throws -> Report {
        let name = settings.databaseName
        do {
            let database = Database(driver: try await open())
            defer { try? database.close() }  // what was done is committed
            if settings.isShared, try await database.isEmpty() { throw Absent(path: name) }
            let versions = try await database.schemaVersions(of: Signet.contents.migrations)
            let applied = dryRun ? [] : try await Signet.migrate(database, settings, at: now, logger)
            return Report(path: name, versions: versions, applied: applied)
        } catch let error as DatabaseError {
            throw StartFailure(database: name, cause: error)
        }
    }

    /// The versions that this program has and `applied`, those of a running server's database, lack.
    package static func pending(beside applied: [Int64]) -> [Int64] {
        Signet.contents.migrations.map(\.version).filter { !applied.contains($0) }.sorted()
    }
}
