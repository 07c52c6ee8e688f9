import Database
import Foundation
import Journal
package import Logging
package import Primitives
package import Secrets
package import Upkeep

/// Makes an installation out of a backup.
package struct Restore: Sendable {
    /// What was restored, or would be.
    package struct Report: Sendable {
        package let manifest: BackupManifest
        /// Rules that the database broke already when the backup was made.
        package let brokenRules: [CheckReport.Finding]
    }

    private let settings: Settings
    private let clock: any WallClock
    private let logger: Logger

    /// `settings` say where to: directories without an installation.
    package init(into settings: Settings, clock: any WallClock = SystemWallClock(), logger: Logger) {
        self.settings = settings
        self.clock = clock
        self.logger = logger
    }

    /// Restores the backup at `path`. Everything is checked before anything is written, and again by opening what was
    /// written; the journal tells of it and every follower reloads. With `dryRun` nothing is written. Throws
    /// `BackupFailure`, `DataDirectoryLock.Held`, `StartFailure`, `SecretsError`; nothing remains then.
    package func run(
        _ path: String, under passphrase: Passphrase, dryRun: Bool, by actor: String, reason: String?
    ) async throws -> Report {
        guard !settings.isShared else { throw BackupFailure.targetShared(settings.databaseName) }
        let backup = try await OffLoop.run { try BackupArchive(path: path) }
        let secrets = try await OffLoop.run { try backup.secrets(under: passphrase) }
        let target = RestoreTarget(settings)
        try target.check(secrets)
        guard !dryRun else { return Report(manifest: backup.manifest, brokenRules: []) }
        let isNew = !Names.exists(settings.stateDirectory)
        try RestoreTarget.makeDirectory(settings.stateDirectory)
        let lock = try DataDirectoryLock(
            path: settings.lockPath,
            holder: "process \(ProcessInfo.processInfo.processIdentifier) (signet db restore)")
        defer { lock.release() }
        do {
            let provenance = Provenance(actor: actor, requestID: "restore", at: clock.now(), reason: reason)
            let broken = try await restore(backup, secrets, to: target, by: provenance)
            return Report(manifest: backup.manifest, brokenRules: broken)
        } catch {
            try? target.removeStaging()  // the first error is the one to tell
            if isNew { removeDirectory() }
            throw error
        }
    }

    private func restore(
        _ backup: BackupArchive, _ secrets: SecretFiles, to target: RestoreTarget, by provenance: Provenance
    ) async throws -> [CheckReport.Finding] {
        // Again, now that nobody else can put anything there.
        try target.check(secrets)
        try target.prepare(backup, secrets)
        let broken = try await open(target.stagedSettings, backup, by: provenance)
        try target.place(secrets)
        try target.removeStaging()
        return broken
    }

    /// Opens what was prepared as the application would: schema, secrets, signing keys and memory. The rules that are
    /// broken. Throws what keeps an installation from starting, and `BackupFailure.damaged`.
    private func open(
        _ staged: Settings, _ backup: BackupArchive, by provenance: Provenance
    ) async throws -> [CheckReport.Finding] {
        let signet = try await Signet.open(staged, command: "signet db restore", clock: clock, logger: logger)
        do {
            let report = try await signet.upkeep.check()
            guard report.damages.isEmpty else { throw BackupFailure.damaged(report.damages) }
            try await signet.upkeep.recordRestore(of: backup.manifest, by: provenance)
            try await signet.close()
            return report.findings.filter { $0.violations > 0 }
        } catch {
            try? await signet.close()  // the first error is the one to tell
            throw error
        }
    }

    /// Takes back a data directory that was made for this.
    private func removeDirectory() {
        Names.remove(settings.lockPath)
        rmdir(settings.stateDirectory)
    }
}
