/// Fills a database, inside one transaction, and looks at what arrived.
struct CopyWriter {
    let driver: any DatabaseDriver
    let transaction: WriteTransaction

    private var connection: any SQLConnection { transaction.connection }

    init(driver: any DatabaseDriver, transaction: WriteTransaction) {
        self.driver = driver
        self.transaction = transaction
    }

    func begin(_ admit: (ReadTransaction) throws -> Void) throws {
        try driver.keepOpen(connection)
        try admit(transaction.reading)
    }

    /// Takes everything that the other side sends, in the place of what is there.
    func receive<Mark: Equatable & Sendable>(
        from queue: CopyQueue<Mark>, _ mark: (ReadTransaction) throws -> Mark, _ progress: (CopiedTable) -> Void
    ) throws -> CopyPlan {
        guard case .plan(let plan) = try queue.take() else { preconditionFailure("a copy begins with its plan") }
        let tables = try driver.tables(on: connection)
        try check(plan, against: tables)
        try driver.empty(try tables.parentsFirst(), on: connection)
        var place = 0
        while true {
            switch try queue.take() {
            case .plan: preconditionFailure("a copy has one plan")
            case .rows(let table, let rows):
                tell(plan, from: place, to: table, progress)
                place = table
                _ = try connection.executeAll(plan.tables[table].insertion, rows)
            case .end(let sourceMark):
                tell(plan, from: place, to: plan.tables.count, progress)
                guard try mark(transaction.reading) == sourceMark else { throw CopyFailure.endsDiffer }
                return plan
            }
        }
    }

    private func tell(_ plan: CopyPlan, from place: Int, to next: Int, _ progress: (CopiedTable) -> Void) {
        for done in place..<max(place, next) {
            progress(CopiedTable(name: plan.tables[done].name, rows: plan.counts[done]))
        }
    }

    private func check(_ plan: CopyPlan, against tables: [TableShape]) throws {
        let versions = try SchemaState(reading: transaction.reading).applied
        guard versions == plan.versions else {
            let odd = versions.symmetricDifference(plan.versions).sorted().map(String.init)
            throw CopyFailure.schemasDiffer("versions \(odd.joined(separator: ", "))")
        }
        let (theirs, ours) = (Self.names(plan.tables), Self.names(tables))
        guard theirs == ours else {
            let odd = theirs.symmetricDifference(ours).sorted()
            throw CopyFailure.schemasDiffer(odd.joined(separator: ", "))
        }
    }

    private static func names(_ tables: [TableShape]) -> Set<String> {
        Set(tables.flatMap { table in table.columns.map { "\(table.name).\($0)" } })
    }

    /// Numbers new rows after all that are there, then counts everything again. What was copied.
    func verified(_ plan: CopyPlan) throws -> [CopiedTable] {
        let tables = try driver.tables(on: connection)
        let needed = try neededCounters(plan, tables)
        try driver.raise(needed, of: tables, on: connection)
        let counters = try driver.counters(of: tables, on: connection)
        for (table, last) in needed.sorted(by: { $0.key < $1.key }) {
            let counter = counters[table] ?? 0
            guard counter >= last else {
                throw CopyFailure.counterBehind(table: table, last: last, counter: counter)
            }
        }
        return try zip(plan.tables, plan.counts).map { table, expected in
            let found = try transaction.reading.count("SELECT count(*) FROM \(table.quotedName)")
            guard found == expected else {
                throw CopyFailure.rowsDiffer(table: table.name, expected: expected, found: found)
            }
            return CopiedTable(name: table.name, rows: found)
        }
    }

    private func neededCounters(_ plan: CopyPlan, _ tables: [TableShape]) throws -> [String: Int64] {
        var needed: [String: Int64] = [:]
        for table in tables {
            guard let column = table.counter else { continue }
            let highest = try transaction.reading.count(
                "SELECT coalesce(max(\(column.quoted)), 0) FROM \(table.quotedName)")
            let last = max(highest, plan.counters[table.name] ?? 0)
            // A table whose numbers are drawn by lot may have none above zero: it never asks for the next.
            if last > 0 { needed[table.name] = last }
        }
        return needed
    }
}
