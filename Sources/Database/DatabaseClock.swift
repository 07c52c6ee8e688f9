package import Primitives

/// The one clock of all processes that write to a database: what it says decides between them, so that a process whose
/// own clock is wrong neither keeps what is over nor takes what is not.
package enum DatabaseClock: Sendable {
    /// The server's. Only PostgreSQL has one.
    case server
    /// The process's own, where it is the only one; a test's.
    case own(any WallClock)

    /// The clock of `database`, which a process reads by `wall` when it is alone.
    package init(of database: Database, orElse wall: any WallClock) {
        self = database.isShared ? .server : .own(wall)
    }

    /// The present instant, also late in a long transaction.
    package func now(in transaction: ReadTransaction) throws -> Timestamp {
        switch self {
        case .own(let clock): clock.now()
        case .server:
            Timestamp(
                milliseconds: try transaction.count("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"))
        }
    }
}
