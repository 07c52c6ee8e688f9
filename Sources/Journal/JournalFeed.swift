package import Database

/// What the journal tells those who follow it: which subjects changed, in the order of commits (DESIGN D11).
///
/// Numbers are given before commits, so whoever reads "higher than the last" misses an event whose transaction took
/// longer than a later one. What is read instead are the transactions before the oldest that is still running: of those
/// everything is there, and nothing will be added.
package struct JournalFeed: Sendable {
    /// Events looked at in one view of the database.
    package static let eventsMax = 2_000

    /// Whole transactions, one after another.
    package struct Batch: Sendable, Equatable {
        /// Identifiers of what changed, as events have them.
        package let subjects: Set<String>
        package let events: Int
        /// Everything before this transaction was read.
        package let end: TransactionID
        /// Whether nothing more was there.
        package let isLast: Bool
    }

    /// Where a reader stands that sees what `transaction` sees.
    package static func position(in transaction: ReadTransaction) throws -> TransactionID {
        try transaction.horizon()
    }

    /// Grows after a restore and after some migrations: every follower reads everything again.
    package static func epoch(in transaction: ReadTransaction) throws -> Int64 {
        try transaction.count("SELECT feed_epoch FROM journal_feed")
    }

    /// What transactions from `position` on did, as far as all of it is known.
    package static func batch(from position: TransactionID, in transaction: ReadTransaction) throws -> Batch {
        let horizon = try transaction.horizon()
        let events = try transaction.all(
            "\(select) WHERE xid >= ? AND xid < ? ORDER BY xid, sequence LIMIT ?", position, horizon, eventsMax,
            as: event)
        guard events.count == eventsMax, let last = events.last else {
            return batch(events, end: max(position, horizon), isLast: true)
        }
        // The last transaction may have more events than were read: it waits for the next batch, or is read wholly.
        let whole = events.prefix { $0.transaction < last.transaction }
        guard whole.isEmpty else { return batch(Array(whole), end: last.transaction, isLast: false) }
        let long = try transaction.all("\(select) WHERE xid = ? ORDER BY sequence", last.transaction, as: event)
        return batch(long, end: last.transaction.next, isLast: false)
    }

    private typealias Event = (transaction: TransactionID, subject: String)

    private static let select = "SELECT xid, subject FROM journal"

    private static func event(_ row: any SQLRow) -> Event { (TransactionID(row.integer(0)), row.text(1)) }

    private static func batch(_ events: [Event], end: TransactionID, isLast: Bool) -> Batch {
        Batch(subjects: Set(events.map(\.subject)), events: events.count, end: end, isLast: isLast)
    }
}
