import Database
package import Primitives

/// The turn of one node to do some work for all. It is lost by time alone, so that a dead node's work goes on
/// elsewhere; whoever holds it renews it with each sign of life.
package struct Lease: Sendable, Equatable {
    /// How long work waits after its node died.
    package static let length = Duration.seconds(30)

    /// What is done under it.
    package let task: String
    /// Grows with each holder.
    let term: Int64

    /// It went to another node. Whatever was being written was not.
    package struct Lost: Error, Equatable {
        package let task: String
    }

    /// Lets `transaction` write only while nobody has taken the lease over, and nobody take it over before the end of
    /// the transaction. Time does not matter here: work whose lease ran out is still nobody else's. Throws `Lost`.
    func require(in transaction: WriteTransaction) throws {
        try transaction.lock("leases", "name", task)
        let present = try transaction.reading.first("SELECT term FROM leases WHERE name = ?", task) { $0.integer(0) }
        guard present == term else { throw Lost(task: task) }
    }
}

/// A lease as others see it. Instants are the database's.
package struct HeldLease: Sendable, Equatable {
    package let task: String
    package let holder: NodeID
    package let endsAt: Timestamp
}

/// The leases in the database.
struct LeaseStore: Sendable {
    /// Those that have not ended at `now`, by name.
    func held(at now: Timestamp, in transaction: ReadTransaction) throws -> [HeldLease] {
        try transaction.all("SELECT name, holder, ends_at FROM leases WHERE ends_at > ? ORDER BY name", now) {
            HeldLease(task: $0.text(0), holder: $0.randomID(1), endsAt: $0.timestamp(2))
        }
    }

    /// Whether somebody has the lease of `task`.
    func isHeld(_ task: String, at now: Timestamp, in transaction: ReadTransaction) throws -> Bool {
        try transaction.first("SELECT ends_at FROM leases WHERE name = ?", task) { $0.timestamp(0) > now } ?? false
    }

    /// The lease of `task` for `holder`, from `now`; nil while somebody has it. One statement, so one of several that
    /// try gets it.
    func take(_ task: String, for holder: NodeID, at now: Timestamp, in transaction: WriteTransaction) throws -> Lease?
    {
        let taken = try transaction.execute(
            """
            INSERT INTO leases (name, holder, ends_at, term) VALUES (?, ?, ?, 1)
            ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, ends_at = excluded.ends_at,
                term = leases.term + 1
            WHERE leases.ends_at <= ?
            """,
            task, holder, now + Lease.length, now)
        guard taken == 1 else { return nil }
        return try transaction.reading.first("SELECT term FROM leases WHERE name = ?", task) {
            Lease(task: task, term: $0.integer(0))
        }
    }

    /// Lets `lease` go on from `now`, also when it ran out and nobody wanted it; false when another has it.
    func renew(_ lease: Lease, at now: Timestamp, in transaction: WriteTransaction) throws -> Bool {
        try end(lease, at: now + Lease.length, in: transaction)
    }

    /// Lets `lease` end at `instant`; false when another has it.
    @discardableResult
    func end(_ lease: Lease, at instant: Timestamp, in transaction: WriteTransaction) throws -> Bool {
        try transaction.execute(
            "UPDATE leases SET ends_at = ? WHERE name = ? AND term = ?", instant, lease.task, lease.term) == 1
    }
}
