package import Database

/// What the journal tells those who follow it: which subjects changed, in the order of commits (DESIGN D11).
///
/// Numbers are given before commits, so whoever reads "higher than the last" misses an event whose transaction took
/// longer than a later one. What is read instead are the transactions before the oldest that is still running: of those
/// everything is there, and nothing will be added.
package enum JournalFeed {
    /// Events looked at in one view of the database.
    package static let eventsMax = 2_000

    /// Whole transactions, one after another.
    package struct Batch: Sendable, Equatable {
        /// Identifiers of what changed, as events have them.
        package let subjects: Set<String>
        package let events: Int
        /// Every event before this transaction was read. Never beyond the last one that was: a number that left nothing
        /// on disk is given again after a crash, and its event would be skipped.
        package let end: TransactionID
        /// Whether nothing more of transactions that are over was there.
        package let isLast: Bool
        /// Which were over.
        package let horizon: TransactionHorizon
    }

    /// Where a reader stands that sees what `transaction` sees.
    package static func position(in transaction: ReadTransaction) throws -> TransactionID {
        let settled = try transaction.horizon().settled
        return TransactionID(
            try transaction.all("SELECT coalesce(max(xid), 0) FROM journal WHERE xid < ?", settled) { $0.integer(0) }[0]
        ).next
    }

    /// Grows after a restore and after some migrations: every follower reads everything again.
    package static func epoch(in transaction: ReadTransaction) throws -> Int64 {
        try transaction.count("SELECT feed_epoch FROM journal_feed")
    }

    /// What transactions from `position` on did, as far as all of it is known.
    package static func batch(from position: TransactionID, in transaction: ReadTransaction) throws -> Batch {
        let horizon = try transaction.horizon()
        func batch(_ events: some Collection<Event>, end: TransactionID, isLast: Bool) -> Batch {
            Batch(
                subjects: Set(events.map(\.subject)), events: events.count, end: end, isLast: isLast, horizon: horizon)
        }
        let events = try transaction.all(
            "\(select) WHERE xid >= ? AND xid < ? ORDER BY xid, sequence LIMIT ?", position, horizon.settled, eventsMax,
            as: event)
        guard events.count == eventsMax, let last = events.last else {
            return batch(events, end: events.last?.transaction.next ?? position, isLast: true)
        }
        // The last transaction may have more events than were read: it waits for the next batch, or is read wholly.
        let whole = events.prefix { $0.transaction < last.transaction }
        guard whole.isEmpty else { return batch(whole, end: last.transaction, isLast: false) }
        let long = try transaction.all("\(select) WHERE xid = ? ORDER BY sequence", last.transaction, as: event)
        return batch(long, end: last.transaction.next, isLast: false)
    }

    private typealias Event = (transaction: TransactionID, subject: String)

    private static let select = "SELECT xid, subject FROM journal"

    private static func event(_ row: any SQLRow) -> Event { (TransactionID(row.integer(0)), row.text(1)) }
}
