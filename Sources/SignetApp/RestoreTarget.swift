import Foundation
import Secrets
import Upkeep

/// A restore was cut short before the database had its place.
package struct UnfinishedRestore: Error, Equatable, CustomStringConvertible {
    /// What it prepared.
    package let path: String

    package var description: String {
        "a restore was cut short here; run signet db restore again, or remove \(path) to start without what it brings"
    }
}

/// Where a backup is restored: a data directory and a keys directory with nothing in the way.
///
/// Everything is prepared in a folder `.restoring` beside the database's place and checked there. Then the secrets get
/// their place, and at last the database its name, which is one step of the file system: a restore that is cut short
/// anywhere leaves no database, and can be started again.
struct RestoreTarget {
    private static let stagingName = ".restoring"
    /// What a directory may hold and still be empty.
    private static let ignored: Set = ["signet.lock", stagingName]

    let settings: Settings
    let keys: SecretsDirectory

    init(_ settings: Settings) {
        self.settings = settings
        keys = SecretsDirectory(path: settings.keys)
    }

    var staging: String { settings.stateDirectory + "/" + Self.stagingName }

    /// The settings of the application over what is being prepared.
    var stagedSettings: Settings {
        var staged = settings
        staged.data = staging
        staged.keys = staging + "/Keys"
        staged.database = .sqlite(path: nil)
        return staged
    }

    /// Refuses a target where something is in the way. Throws `BackupFailure.targetNotEmpty`.
    func check(_ secrets: SecretFiles) throws {
        if let found = obstacle { throw BackupFailure.targetNotEmpty(path: settings.stateDirectory, found: found) }
        try secrets.checkTarget(keys)
    }

    /// A file that a database of ours would be mixed up with. In a directory of its own that is any file.
    private var obstacle: String? {
        guard settings.databasePath == nil else {
            return ["", "-wal", "-shm", "-journal"].map { settings.sqlitePath + $0 }.first(where: Names.exists)
        }
        // Without a directory there is nothing in it.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: settings.stateDirectory)) ?? []
        return names.sorted().first { !Self.ignored.contains($0) && !isKeysFolder($0) }
    }

    /// Whether `name` in the data directory is the keys directory, as in the demonstration.
    private func isKeysFolder(_ name: String) -> Bool {
        Self.absolute(settings.stateDirectory + "/" + name) == Self.absolute(settings.keys)
    }

    private static func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }

    /// Begins afresh: what an earlier restore left is removed. Throws `BackupFailure.outputUnwritable`.
    func prepare(_ backup: BackupArchive, _ secrets: SecretFiles) throws {
        try removeStaging()
        try Self.makeDirectory(staging)
        try backup.extractDatabase(to: stagedSettings.sqlitePath)
        _ = try secrets.write(to: SecretsDirectory(path: stagedSettings.keys))
    }

    /// Gives secrets and database their places. Throws `BackupFailure.outputUnwritable`; what was placed is taken back.
    func place(_ secrets: SecretFiles) throws {
        let written = try secrets.write(to: keys)
        do {
            try Self.requireWhole(stagedSettings.sqlitePath)
            try Self.rename(stagedSettings.sqlitePath, to: settings.sqlitePath)
        } catch {
            for name in written { Names.remove(keys.path(of: name)) }
            throw error
        }
        Names.synchronizeFolder(of: settings.sqlitePath)
    }

    /// Removes what was prepared, with the copies of the secrets in it.
    func removeStaging() throws {
        guard Names.exists(staging) else { return }
        do {
            try FileManager.default.removeItem(atPath: staging)
        } catch {
            throw BackupFailure.outputUnwritable(path: staging, reason: "cannot be removed")
        }
    }

    /// What a restore that was killed left behind is settled before the application starts: with the database in its
    /// place all was done but clearing up; without one a start would make a new, empty installation where another was
    /// meant to come back. Throws `UnfinishedRestore`, `BackupFailure.outputUnwritable`.
    func settle() throws {
        guard Names.exists(staging) else { return }
        guard Names.exists(settings.sqlitePath) else { throw UnfinishedRestore(path: staging) }
        try removeStaging()
    }

    /// A log beside a database holds changes that the file alone lacks.
    private static func requireWhole(_ database: String) throws {
        let attributes = try? FileManager.default.attributesOfItem(atPath: database + "-wal")  // mostly there is none
        let bytes = (attributes?[.size] as? NSNumber)?.intValue ?? 0
        guard bytes == 0 else {
            throw BackupFailure.outputUnwritable(path: database, reason: "its log was not brought in")
        }
    }

    static func makeDirectory(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw BackupFailure.outputUnwritable(path: path, reason: "the directory cannot be made")
        }
    }

    private static func rename(_ path: String, to name: String) throws {
        do {
            try FileManager.default.moveItem(atPath: path, toPath: name)
        } catch {
            throw BackupFailure.outputUnwritable(path: name, reason: "the database cannot be put there")
        }
    }
}
