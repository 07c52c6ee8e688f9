/// Why the database did not do what was asked. Driver wording is kept for the log and never shown to a client.
package enum DatabaseError: Error, Equatable {
    /// A constraint refused the change; nothing of it remains. `detail` names the constraint.
    case conflict(detail: String)
    /// Not now: busy, full, read-only, no file. Nothing was changed; trying again may help.
    case unavailable(detail: String)
    /// The connection ended while the change was being committed: it may have been made or not. Whoever made it looks
    /// for it by its natural key, or makes it again in a way that does nothing twice.
    case unknownOutcome(detail: String)
    /// An input or output call failed while writing. What is on disk is unknown, so this process must stop using it:
    /// a second fsync can succeed without having stored what the first one lost (reliability notes §0.3).
    case failed(detail: String)
    /// The file is damaged or is no database.
    case corrupt(detail: String)
    /// The file belongs to another program.
    case foreign(detail: String)
    /// The schema needs a newer program: `required` is the schema version that it must know.
    case newer(required: Int64, known: Int64)
    /// A statement is wrong: a defect of ours.
    case statement(detail: String)
}

extension DatabaseError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .conflict(let detail): "the database refused the change: \(detail)"
        case .unavailable(let detail): "the database cannot be used now: \(detail)"
        case .unknownOutcome(let detail): "it is not known whether the change was made: \(detail)"
        case .failed(let detail): "the database failed while writing and is closed: \(detail)"
        case .corrupt(let detail): "the database file is damaged or is no database: \(detail)"
        case .foreign(let detail): "the database belongs to another program: \(detail)"
        case .newer(let required, let known):
            "the database is newer than this program: it needs schema version \(required), this program knows \(known)"
        case .statement(let detail): "a statement is wrong: \(detail)"
        }
    }
}
