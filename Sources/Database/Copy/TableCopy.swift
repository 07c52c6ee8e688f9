/// What a copy is made of: the source's tables, parents first, and what there is of each.
struct CopyPlan: Sendable {
    let tables: [TableShape]
    let versions: Set<Int64>
    let counts: [Int64]
    /// The last number given, by table.
    let counters: [String: Int64]
}

/// A table that was copied.
package struct CopiedTable: Sendable, Equatable {
    package let name: String
    package let rows: Int64
}

/// Copies all rows of all tables from one database to another of the same schema: from one view of the source, in one
/// transaction on the target. Tables and columns are what the databases' own catalogs say.
package struct TableCopy: Sendable {
    private let source: Database
    private let target: Database

    package init(from source: Database, to target: Database) {
        self.source = source
        self.target = target
    }

    /// What would be copied now.
    package func survey() async throws -> [CopiedTable] {
        let driver = source.driver
        return try await source.read(patience: .schemaChange) { transaction in
            let plan = try CopyReader(driver: driver, transaction: transaction).plan()
            return zip(plan.tables, plan.counts).map { CopiedTable(name: $0.name, rows: $1) }
        }
    }

    /// Replaces what the target holds. `admit` looks at the target first, `finish` changes it last, and `mark` gives
    /// what must be the same on both sides before anything is committed. `progress` hears of each table. Throws
    /// `CopyFailure`, `DatabaseError`, and what the closures throw; the target is as it was then.
    package func run<Mark: Equatable & Sendable>(
        admit: @escaping @Sendable (ReadTransaction) throws -> Void = { _ in },
        finish: @escaping @Sendable (WriteTransaction) throws -> Void = { _ in },
        mark: @escaping @Sendable (ReadTransaction) throws -> Mark,
        progress: @escaping @Sendable (CopiedTable) -> Void = { _ in }
    ) async throws -> [CopiedTable] {
        let queue = CopyQueue<Mark>()
        let sending = Task { await send(into: queue, mark) }
        do {
            let copied = try await target.write(patience: .schemaChange) { transaction in
                let writer = CopyWriter(driver: target.driver, transaction: transaction)
                try writer.begin(admit)
                try queue.beginWriting()
                let plan = try writer.receive(from: queue, mark, progress)
                try finish(transaction)
                return try writer.verified(plan)
            }
            await sending.value
            return copied
        } catch {
            queue.fail(error)
            await sending.value
            throw queue.failure ?? error
        }
    }

    /// Reads the source to its end; whatever fails is told to the other side.
    private func send<Mark: Equatable & Sendable>(
        into queue: CopyQueue<Mark>, _ mark: @escaping @Sendable (ReadTransaction) throws -> Mark
    ) async {
        do {
            let driver = source.driver
            try await source.read(patience: .schemaChange) { transaction in
                try driver.keepOpen(transaction.connection)
                try queue.beginReading()
                let reader = CopyReader(driver: driver, transaction: transaction)
                let plan = try reader.plan()
                try queue.put(.plan(plan))
                try reader.readAll(plan.tables) { try queue.put(.rows(table: $0, $1)) }
                try queue.put(.end(try mark(transaction)))
            }
        } catch {
            queue.fail(error)
        }
    }
}
