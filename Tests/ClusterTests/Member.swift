import Cluster
import Database
import Primitives
import TestSupport

/// One process of several over one database, all of which go by the clock of the test.
struct Member: Sendable {
    let membership: Membership
    let id = NodeID.random()

    init(_ name: String, over database: Database, clock: ManualClock, keys: [String] = []) {
        membership = Membership(
            database: database, clock: .own(clock),
            profile: Membership.Profile(name: name, version: "0.1.0", keyIDs: { keys }))
    }

    func join() async throws { try await membership.join(as: id) }

    func beat() async throws { try await membership.beat() }

    /// Whether it got to do the work.
    func does(_ task: String) async throws -> Bool { try await membership.alone(task) {} }
}

extension TestDatabase {
    /// An empty database with the tables of nodes.
    static func cluster(_ clock: ManualClock) async throws -> Database {
        let database = try await open()
        try await database.migrate(ClusterSchema.migrations, at: clock.now())
        return database
    }
}
