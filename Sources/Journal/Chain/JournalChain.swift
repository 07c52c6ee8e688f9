package import Database

/// The hash chain over the journal (DESIGN D3): a seal for each event, added behind the writers, over what is stored.
///
/// Whoever changes, removes, adds or swaps sealed events must compute all later seals again; an anchor kept elsewhere
/// shows that too. What the chain cannot show is a change made before the seal, a matter of seconds.
package struct JournalChain: Sendable {
    /// Events sealed in one transaction: a few milliseconds of the writer's time.
    package static let batchMax = 500
    /// Events looked at in one view of the database, so that the write-ahead log can be brought in between.
    private static let viewMax = 10_000

    private let database: Database

    package init(database: Database) { self.database = database }

    /// The last sealed event; nil before the first seal.
    package func head() async throws -> ChainLink? { try await database.read { try Self.head(in: $0) } }

    /// Seals the next events, at most `batchMax`; how many. Writes nothing when there are none.
    @discardableResult
    package func seal() async throws -> Int {
        guard try await database.read(Self.hasUnsealed) else { return 0 }
        return try await database.write { transaction in
            var last = try Self.head(in: transaction.reading) ?? ChainLink(sequence: 0, hash: .beginning)
            let events = try transaction.reading.all(
                "SELECT \(ChainedEvent.columns) FROM journal j WHERE j.sequence > ? ORDER BY j.sequence LIMIT ?",
                last.sequence, Self.batchMax, as: ChainedEvent.init)
            let links = events.map { event -> [any SQLBindable] in
                last = ChainLink(sequence: event.sequence, hash: event.hash(after: last.hash))
                return [last.sequence, last.hash.bytes]
            }
            try transaction.executeAll("INSERT INTO journal_chain (sequence, hash) VALUES (?, ?)", links)
            return events.count
        }
    }

    /// Seals until nothing is left, in at most `batches` transactions.
    package func sealAll(batches: Int = .max) async throws {
        var left = batches
        while left > 0, try await seal() == Self.batchMax { left -= 1 }
    }

    /// Computes the seals again, from the event numbered `first` (nil for the very first), and compares; the seal
    /// before `first` is taken as it is. After `eventsMax` sealed events the report says where to go on. `anchor` is a
    /// link that was kept elsewhere. Constant memory.
    package func verify(
        from first: Int64? = nil, anchor: ChainLink? = nil, eventsMax: Int = .max
    ) async throws -> ChainReport {
        var check = try await database.read { try Self.start(from: first, anchor: anchor, in: $0) }
        while true {
            let (begun, left) = (check, eventsMax - Int(check.report.checked))
            let step = try await database.read { transaction in
                var check = begun
                let isAtEnd = try Self.advance(&check, eventsMax: min(left, Self.viewMax), in: transaction)
                return (check: check, isAtEnd: isAtEnd)
            }
            check = step.check
            if step.isAtEnd || check.report.flaw != nil { return check.report }
            guard Int(check.report.checked) < eventsMax else {
                check.pause()
                return check.report
            }
        }
    }
}

// MARK: - Statements

extension JournalChain {
    static func head(in transaction: ReadTransaction) throws -> ChainLink? {
        try transaction.first("SELECT sequence, hash FROM journal_chain ORDER BY sequence DESC LIMIT 1", as: link)
    }

    static func link(at sequence: Int64, in transaction: ReadTransaction) throws -> ChainLink? {
        try transaction.first("SELECT sequence, hash FROM journal_chain WHERE sequence = ?", sequence, as: link)
    }

    private static func hasUnsealed(_ transaction: ReadTransaction) throws -> Bool {
        try transaction.count(
            """
            SELECT count(*) FROM (SELECT sequence FROM journal
            WHERE sequence > (SELECT coalesce(max(sequence), 0) FROM journal_chain) LIMIT 1) AS unsealed
            """) > 0
    }

    private static func start(
        from first: Int64?, anchor: ChainLink?, in transaction: ReadTransaction
    ) throws -> ChainCheck {
        guard let first, first > 1 else { return ChainCheck(anchor: anchor) }
        let before = try transaction.first(
            "SELECT sequence, hash FROM journal_chain WHERE sequence < ? ORDER BY sequence DESC LIMIT 1", first,
            as: link)
        guard let before else { return ChainCheck(anchor: anchor) }
        var check = ChainCheck(after: before, anchor: anchor)
        if let anchor, anchor.sequence <= before.sequence {
            let stored = try transaction.first(
                "SELECT sequence, hash FROM journal_chain WHERE sequence = ?", anchor.sequence, as: link)
            check.compareAnchor(at: anchor.sequence, stored?.hash)
        }
        return check
    }

    /// Takes events up to `eventsMax`; true at the end of the journal. What is not sealed yet is taken to its end in
    /// one view: between two views it would have been sealed.
    private static func advance(
        _ check: inout ChainCheck, eventsMax: Int, in transaction: ReadTransaction
    ) throws -> Bool {
        var (taken, isAtEnd) = (0, true)
        try transaction.walk(
            """
            SELECT \(ChainedEvent.columns), c.hash FROM journal j LEFT JOIN journal_chain c ON c.sequence = j.sequence
            WHERE j.sequence > ? ORDER BY j.sequence
            """, check.position
        ) { row in
            guard taken < eventsMax || check.isInTail else {
                isAtEnd = false
                return false
            }
            taken += 1
            let column = ChainedEvent.columnCount
            check.take(ChainedEvent(row), seal: row.isNull(column) ? nil : ChainHash(row.blob(column)))
            return check.report.flaw == nil
        }
        if isAtEnd, check.report.flaw == nil {
            let stray = try transaction.first(
                "SELECT min(sequence) FROM journal_chain WHERE sequence > ?", max(check.position, 0)
            ) { $0.optionalInteger(0) }
            check.end(strayLink: stray ?? nil)
        }
        return isAtEnd
    }

    private static func link(_ row: any SQLRow) throws -> ChainLink {
        guard let hash = ChainHash(row.blob(1)) else {
            throw DatabaseError.corrupt(detail: "a seal of the journal has not 32 bytes")
        }
        return ChainLink(sequence: row.integer(0), hash: hash)
    }
}
