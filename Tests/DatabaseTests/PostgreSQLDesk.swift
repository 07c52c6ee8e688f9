import Database
import Foundation
import Synchronization
import TestSupport
import Testing

extension Trait where Self == ConditionTrait {
    /// For tests of the driver of PostgreSQL, and of what only a server does.
    static var onPostgreSQL: Self { .enabled(if: TestDatabase.isShared, "needs SIGNET_TEST_DATABASE") }
}

/// Notes in a schema of their own, reached by as many nodes as a test opens.
struct PostgreSQLDesk: Sendable {
    /// What the server knows the connections of this desk by.
    let name: String
    let address: String
    /// The first node.
    let database: Database
    /// A node that looks at the server, and is none of the connections named `name`.
    let watch: Database

    init(connectionsMax: Int = 4) async throws {
        name = "desk-\(UUID().uuidString)"
        let schema = try await TestDatabase.schemaAddress()
        address = TestDatabase.appending("application_name=\(name)", to: schema)
        database = Database(driver: try await TestDatabase.postgreSQL(at: address, connectionsMax: connectionsMax))
        try await database.migrate([Notes.migration], at: ManualClock.start)
        watch = Database(driver: try await TestDatabase.postgreSQL(at: schema, connectionsMax: 2))
    }

    /// Another node of the same database.
    func node(connectionsMax: Int = 4) async throws -> Database {
        Database(driver: try await TestDatabase.postgreSQL(at: address, connectionsMax: connectionsMax))
    }

    /// All texts in the order in which they were stored, as another node sees them.
    var texts: [String] {
        get async throws { try await watch.read { try $0.all("SELECT text FROM notes ORDER BY id") { $0.text(0) } } }
    }

    /// How many of this desk's connections the server says `condition` of.
    func connections(where condition: String = "true") async throws -> Int64 {
        let name = name
        return try await watch.read { transaction in
            try transaction.count(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = ? AND \(condition)",
                arguments: [.text(name)])
        }
    }

    /// Returns once the server says `condition` of at least `count` of this desk's connections.
    func wait(until condition: String, of count: Int64 = 1) async throws {
        try await eventually("\(count) connections with \(condition)") {
            try await connections(where: condition) >= count
        }
    }

    /// Returns once the server says `condition` of none of them.
    func waitForNone(where condition: String = "true") async throws {
        try await eventually("no connection with \(condition)") { try await connections(where: condition) == 0 }
    }

    /// Ends those connections of this desk that `condition` holds for, and returns once they are gone.
    func terminate(where condition: String = "true") async throws {
        let name = name
        let ended = try await watch.read { transaction in
            try transaction.all(
                """
                SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name = ? AND \(condition)
                """, name
            ) { $0.integer(0) }
        }
        #expect(!ended.isEmpty, "there was something to end")
        for pid in ended { try await waitForNone(where: "pid = \(pid)") }
    }
}

extension WriteTransaction {
    /// Begins the transaction in the server, which may stand still as long as it likes.
    func standsStill() throws { try execute("SET LOCAL idle_in_transaction_session_timeout = 0") }
}

/// What several transactions did, in order.
final class Steps: Sendable {
    private let steps = Mutex<[String]>([])
    var all: [String] { steps.withLock { $0 } }
    func append(_ step: String) { steps.withLock { $0.append(step) } }
    func count(_ step: String) -> Int { steps.withLock { $0.count { $0 == step } } }
}
