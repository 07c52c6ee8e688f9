import GRDB

/// A database file in the hands of someone who stops at nothing: no trigger, no foreign key. Apart from the tests,
/// because its library and ours both call their main type `Database`.
struct RawFile {
    private let queue: DatabaseQueue

    init(_ path: String) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.write { database in
            for trigger in try String.fetchAll(database, sql: "SELECT name FROM sqlite_schema WHERE type = 'trigger'") {
                try database.execute(sql: "DROP TRIGGER \(trigger)")
            }
        }
    }

    /// Runs statements and ends the work.
    func run(_ sql: String) throws {
        try queue.write { try $0.execute(sql: sql) }
        try queue.close()
    }
}
