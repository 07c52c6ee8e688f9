/// Why a backup was not made, or not restored. Nothing of it remains.
package enum BackupFailure: Error, Equatable {
    case outputExists(path: String)
    case outputUnwritable(path: String, reason: String)
    /// Another backup is being made.
    case busy
    case unreadable(path: String, reason: String)
    /// The file is no backup of ours, or not a whole one.
    case malformed(reason: String)
    /// A part is not what the manifest says.
    case altered(part: String)
    case newerFormat(Int64)
    /// The database in it is not the one that its sealed secrets were sealed with.
    case databaseSwapped
    /// The passphrase is wrong, or the sealed secrets were altered: nobody can tell which.
    case notOpened
    /// Where the backup should go there is something else.
    case targetNotEmpty(path: String, found: String)
    /// The backup should go to a server of databases, named without a password.
    case targetShared(String)
    /// The database in the backup is damaged.
    case damaged([String])
}

extension BackupFailure {
    /// Whether the system is to blame, not the backup or the place chosen for it.
    package var isSystems: Bool {
        switch self {
        case .outputUnwritable, .unreadable, .busy: true
        default: false
        }
    }
}

extension BackupFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .outputExists(let path): "\(path) exists; a backup never replaces a file"
        case .outputUnwritable(let path, let reason): "cannot write \(path): \(reason)"
        case .busy: "another backup is being made"
        case .unreadable(let path, let reason): "cannot read \(path): \(reason)"
        case .malformed(let reason): "this is no whole backup: \(reason)"
        case .altered(let part): "the backup was altered or damaged: \(part) is not what its manifest says"
        case .newerFormat(let version): "the backup was made by a newer program (format \(version))"
        case .databaseSwapped: "the backup was altered: its database is not the one that its secrets belong to"
        case .notOpened: "the passphrase is wrong, or the sealed secrets of the backup were altered"
        case .targetNotEmpty(let path, let found):
            "\(path) is not empty (it has \(found)); a restore never replaces anything"
        case .targetShared(let database):
            "a backup is restored into a SQLite file (--data DIRECTORY --database sqlite:PATH), and from there moved "
                + "to \(database) by signet db migrate-to"
        case .damaged(let damages): "the database in the backup is damaged: \(damages.joined(separator: "; "))"
        }
    }
}
