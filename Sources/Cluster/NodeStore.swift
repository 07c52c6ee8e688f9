package import Database
package import Primitives

/// The nodes in the database.
package struct NodeStore: Sendable {
    /// What tells who is alive.
    package let clock: DatabaseClock

    package init(clock: DatabaseClock) { self.clock = clock }

    /// All that are remembered, by name.
    package func all(in transaction: ReadTransaction) throws -> [Node] {
        try transaction.all(
            """
            SELECT id, name, version, started_at, seen_at, key_ids, feed_position, feed_age
            FROM nodes ORDER BY name, id
            """, as: Self.node)
    }

    /// Those that were seen within `Node.liveFor`.
    package func live(in transaction: ReadTransaction) throws -> [Node] {
        let now = try clock.now(in: transaction)
        return try all(in: transaction).filter { $0.isLive(at: now) }
    }

    /// Stores what `node` says of itself; false, and nothing is stored, when a process that started later has its id.
    func record(_ node: Node, in transaction: WriteTransaction) throws -> Bool {
        try transaction.execute(
            """
            INSERT INTO nodes (id, name, version, started_at, seen_at, key_ids, feed_position, feed_age)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, version = excluded.version,
                started_at = excluded.started_at, seen_at = excluded.seen_at, key_ids = excluded.key_ids,
                feed_position = excluded.feed_position, feed_age = excluded.feed_age
            WHERE nodes.started_at <= excluded.started_at
            """,
            node.id, node.name, node.version, node.startedAt, max(node.seenAt, node.startedAt),
            node.keyIDs.joined(separator: " "), node.feed?.transaction, node.feed?.age.wholeMilliseconds) == 1
    }

    /// Takes a node that ends out of the list, unless a later process has its id.
    func remove(_ id: NodeID, startedAt: Timestamp, in transaction: WriteTransaction) throws {
        try transaction.execute("DELETE FROM nodes WHERE id = ? AND started_at = ?", id, startedAt)
    }

    /// Forgets nodes that died long ago.
    func forgetGone(in transaction: WriteTransaction) throws {
        let now = try clock.now(in: transaction.reading)
        try transaction.execute("DELETE FROM nodes WHERE seen_at < ?", now - Node.rememberedFor)
    }

    private static func node(_ row: any SQLRow) -> Node {
        let position = row.optionalInteger(6)
        let age = row.optionalInteger(7).map { Duration.milliseconds($0) }
        return Node(
            id: row.randomID(0), name: row.text(1), version: row.text(2), startedAt: row.timestamp(3),
            seenAt: row.timestamp(4), keyIDs: row.text(5).split(separator: " ").map(String.init),
            feed: position.map { FeedPosition(transaction: $0, age: age ?? .zero) })
    }
}
