package import Database
package import Primitives
import Synchronization

/// This process as one of those that serve the database: tells the others that it lives and what it holds, and does the
/// work whose turn it has.
///
/// Where nobody else can write to the database, nothing of this costs a statement: the one process lives, and every
/// turn is its.
package final class Membership: Sendable {
    /// How often a node gives a sign of life.
    package static let period = Duration.seconds(2)

    /// What a node says of itself.
    package struct Profile: Sendable {
        let name: String
        let version: String
        /// The ids of the signing keys whose private files are there now.
        let keyIDs: @Sendable () throws -> [String]
        let feed: @Sendable () -> FeedPosition?

        package init(
            name: String, version: String, keyIDs: @escaping @Sendable () throws -> [String],
            feed: @escaping @Sendable () -> FeedPosition? = { nil }
        ) {
            self.name = name
            self.version = version
            self.keyIDs = keyIDs
            self.feed = feed
        }
    }

    /// Another process that started later has this node's id: its data directory is a copy. This one goes on as `id`.
    package struct IDTaken: Error, Equatable, CustomStringConvertible {
        package let id: NodeID

        package var description: String {
            "another node has a copy of this data directory and with it the same id; this one goes on as \(id)"
        }
    }

    private struct State: Sendable {
        var id: NodeID
        /// Nil until the first sign of life.
        var startedAt: Timestamp?
        var leases: [String: Lease] = [:]
    }

    private let database: Database
    private let profile: Profile
    private let nodes: NodeStore
    private let leases = LeaseStore()
    private let state: Mutex<State>

    package init(database: Database, clock: DatabaseClock, profile: Profile) {
        self.database = database
        self.profile = profile
        nodes = NodeStore(clock: clock)
        state = Mutex(State(id: .random()))
    }

    private var clock: DatabaseClock { nodes.clock }
}

// MARK: - Signs of life

extension Membership {
    /// Tells the others that this process serves from now on, as `id`. Throws `DatabaseError`.
    package func join(as id: NodeID) async throws {
        state.withLock { $0 = State(id: id) }
        // With an id of its own, which it gets by the first attempt, the second goes through.
        do { try await beat() } catch is IDTaken { try await beat() }
    }

    /// One sign of life, and of the leases that this node has. Throws `DatabaseError`, `IDTaken`.
    package func beat() async throws {
        let state = state.withLock { $0 }
        guard database.isShared else { return try await beginAlone(state) }
        let (keyIDs, feed) = (try profile.keyIDs(), profile.feed())
        let (profile, nodes, leases) = (profile, nodes, leases)
        let held = Array(state.leases.values)
        let told = try await database.write(gate: .shared, patience: .claimPatience) { transaction in
            let now = try nodes.clock.now(in: transaction.reading)
            let node = Node(
                id: state.id, name: profile.name, version: profile.version, startedAt: state.startedAt ?? now,
                seenAt: now, keyIDs: keyIDs, feed: feed)
            guard try nodes.record(node, in: transaction) else { return nil as (Node, lost: [Lease])? }
            return (node, lost: try held.filter { try !leases.renew($0, at: now, in: transaction) })
        }
        guard let (node, lost) = told else { throw goOnUnderAnotherID() }
        self.state.withLock { $0.startedAt = node.startedAt }
        for lease in lost { forget(lease) }
    }

    private func beginAlone(_ state: State) async throws {
        guard state.startedAt == nil else { return }
        let clock = clock
        let now = try await database.read { try clock.now(in: $0) }
        self.state.withLock { $0.startedAt = now }
    }

    private func goOnUnderAnotherID() -> IDTaken {
        let id = NodeID.random()
        state.withLock { $0 = State(id: id) }
        return IDTaken(id: id)
    }

    /// Says goodbye: the node is gone from the list, and what it did for all is free at once. Throws `DatabaseError`.
    package func leave() async throws {
        let left = state.withLock { state in
            defer { state = State(id: state.id) }
            return state
        }
        guard database.isShared, let startedAt = left.startedAt else { return }
        let (nodes, leases) = (nodes, leases)
        try await database.write(gate: .shared, patience: .claimPatience) { transaction in
            let now = try nodes.clock.now(in: transaction.reading)
            for lease in left.leases.values { try leases.end(lease, at: now, in: transaction) }
            try nodes.remove(left.id, startedAt: startedAt, in: transaction)
        }
    }

    /// Forgets nodes that died more than `Node.rememberedFor` ago. Throws `DatabaseError`.
    package func forgetGone() async throws {
        guard database.isShared else { return }
        let nodes = nodes
        try await database.write(gate: .shared) { try nodes.forgetGone(in: $0) }
    }
}

// MARK: - Work that one node does for all

extension Membership {
    /// Does `work` if it is this node's turn, and whether it was. The turn is kept until the node ends or dies; then
    /// another has it within `Lease.length`. A write of `work` that comes after that is refused, and ends it. Throws
    /// what `work` throws, and `DatabaseError`.
    @discardableResult
    package func alone(_ task: String, _ work: () async throws -> Void) async throws -> Bool {
        guard database.isShared else {
            try await work()
            return true
        }
        guard let lease = try await lease(for: task) else { return false }
        do {
            try await Database.requiring({ try lease.require(in: $0) }, work)
            return true
        } catch is Lease.Lost {
            forget(lease)
            return false
        }
    }

    /// The lease of `task` if this node has it, or can have it now.
    private func lease(for task: String) async throws -> Lease? {
        let present = state.withLock { $0 }
        guard present.startedAt != nil else { return nil }
        if let held = present.leases[task] { return held }
        let (clock, leases) = (clock, leases)
        let isHeld = try await database.read { try leases.isHeld(task, at: clock.now(in: $0), in: $0) }
        guard !isHeld else { return nil }
        let taken = try await database.write(gate: .shared, patience: .claimPatience) { transaction in
            let now = try clock.now(in: transaction.reading)
            return try leases.take(task, for: present.id, at: now, in: transaction)
        }
        if let taken { state.withLock { $0.leases[task] = taken } }
        return taken
    }

    private func forget(_ lease: Lease) {
        state.withLock { if $0.leases[lease.task] == lease { $0.leases[lease.task] = nil } }
    }
}

// MARK: - Who is there

extension Membership {
    /// Who serves the database, as of `at` by its clock.
    package struct Roster: Sendable {
        package let nodes: [Node]
        package let leases: [HeldLease]
        /// This process, if it serves.
        package let own: NodeID?
        package let at: Timestamp
    }

    /// Who serves the database now. Throws `DatabaseError`.
    package func roster() async throws -> Roster {
        let present = state.withLock { $0 }
        let own = present.startedAt == nil ? nil : present.id
        let (nodes, leases) = (nodes, leases)
        let (listed, held, now) = try await database.read { transaction in
            let now = try nodes.clock.now(in: transaction)
            return (try nodes.all(in: transaction), try leases.held(at: now, in: transaction), now)
        }
        guard !database.isShared, let startedAt = present.startedAt else {
            return Roster(nodes: listed, leases: held, own: own, at: now)
        }
        let node = Node(
            id: present.id, name: profile.name, version: profile.version, startedAt: startedAt, seenAt: now,
            keyIDs: try profile.keyIDs(), feed: nil)
        return Roster(nodes: [node], leases: [], own: own, at: now)
    }
}
