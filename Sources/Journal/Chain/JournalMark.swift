package import Database

/// How far a journal goes: its last event and the end of its hash chain. A copy that nobody has written to has a mark
/// that the original has too.
package struct JournalMark: Sendable, Equatable {
    private let last: Event?
    private let head: ChainLink?

    private struct Event: Sendable, Equatable {
        let sequence: Int64
        let id: Int64

        init(_ row: any SQLRow) { (sequence, id) = (row.integer(0), row.integer(1)) }
    }

    /// Where the journal that `transaction` reads ends.
    package init(reading transaction: ReadTransaction) throws {
        last = try transaction.first(
            "SELECT sequence, id FROM journal ORDER BY sequence DESC LIMIT 1", as: Event.init)
        head = try JournalChain.head(in: transaction)
    }

    /// Whether nothing was ever recorded: every change of an installation is.
    package var isEmpty: Bool { last == nil && head == nil }

    /// Whether the journal that `transaction` reads once ended like this.
    package func isFound(in transaction: ReadTransaction) throws -> Bool {
        if let last {
            let event = try transaction.first(
                "SELECT sequence, id FROM journal WHERE sequence = ?", last.sequence, as: Event.init)
            guard event == last else { return false }
        }
        guard let head else { return true }
        return try JournalChain.link(at: head.sequence, in: transaction) == head
    }
}
