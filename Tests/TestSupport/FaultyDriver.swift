package import Database
import Synchronization

/// A driver that does what the one below it does, until a test tells it to fail at a statement.
///
/// It fails before the statement runs, as a driver whose connection is lost does; faults of SQLite itself, such as a
/// full disk, are made with SQLite's own means in the tests that need them.
package final class FaultyDriver: DatabaseDriver {
    /// Where a transaction fails.
    package enum Point: Sendable, Equatable {
        /// At its n-th statement, savepoints not counted, from 1.
        case statement(Int)
        /// After its last statement, instead of its COMMIT.
        case commit
        /// At its COMMIT, which did not arrive, as nobody can know: `unknownOutcome`.
        case lostCommit
        /// After its COMMIT, whose answer did not arrive: `unknownOutcome`.
        case lostAnswer

        var leavesOutcomeUnknown: Bool { self == .lostCommit || self == .lostAnswer }
    }

    private struct Plan: Sendable {
        var point: Point?
        var error = DatabaseError.unavailable(detail: "planned by a test")
        var statements = 0
        /// Writes that still lose their outcome.
        var losses = 0
        var failsReads = false
        /// Where the next read, and the next write, wait.
        var held: [Step: HeldStep.Point] = [:]
    }

    /// What can be kept from whoever waits for it.
    package enum Step: Sendable {
        /// What a read has found.
        case read
        /// That a write is committed: memory is not told either.
        case commit
    }

    private let base: any DatabaseDriver
    private let plan = Mutex(Plan())

    package init(_ base: any DatabaseDriver) { self.base = base }

    /// From now on every write fails at `point` of it, with `error`.
    package func fail(at point: Point, with error: DatabaseError = .unavailable(detail: "planned by a test")) {
        plan.withLock { ($0.point, $0.error, $0.losses) = (point, error, 0) }
    }

    /// The outcome of the next `times` writes is not known: their COMMIT is lost, or the answer to it.
    package func lose(_ point: Point, times: Int = 1) {
        let error = DatabaseError.unknownOutcome(detail: "planned by a test")
        plan.withLock { ($0.point, $0.error, $0.losses) = (point, error, times) }
    }

    /// From now on every read fails.
    package func failReads() { plan.withLock { $0.failsReads = true } }

    /// The next such step waits once it is done, until it is let go.
    package func hold(_ step: Step) -> HeldStep {
        let held = HeldStep()
        plan.withLock { $0.held[step] = held.point }
        return held
    }

    private func takeHeld(_ step: Step) -> HeldStep.Point? { plan.withLock { $0.held.removeValue(forKey: step) } }

    /// What the next write loses.
    private func nextLoss() -> (point: Point, error: DatabaseError)? {
        plan.withLock { plan in
            guard let point = plan.point, point.leavesOutcomeUnknown, plan.losses > 0 else { return nil }
            plan.losses -= 1
            return (point, plan.error)
        }
    }

    /// From now on nothing fails. Returns the statements that the last write ran, up to its fault.
    @discardableResult
    package func mend() -> Int {
        plan.withLock { plan in
            plan.point = nil
            plan.failsReads = false
            return plan.statements
        }
    }

    fileprivate func countStatement() throws {
        try plan.withLock { plan in
            plan.statements += 1
            if case .statement(plan.statements) = plan.point { throw plan.error }
        }
    }

    private func willCommit() throws { try plan.withLock { if $0.point == .commit { throw $0.error } } }

    package var isShared: Bool { base.isShared }

    package func read<Value: Sendable>(
        patience: Duration, _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        if let error = plan.withLock({ $0.failsReads ? $0.error : nil }) { throw error }
        let held = takeHeld(.read)
        let value = try await base.read(patience: patience, body)
        await held?.arrive()
        return value
    }

    package func write<Value: Sendable>(
        commit: Bool, gate: WriteGate, patience: Duration,
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value,
        committed: @escaping @Sendable (Value, TransactionID) -> Void
    ) async throws -> Value {
        if commit, let held = takeHeld(.commit) {
            return try await write(held, gate: gate, patience: patience, body, committed: committed)
        }
        guard commit, let loss = nextLoss() else {
            return try await base.write(
                commit: commit, gate: gate, patience: patience, faulty(body), committed: committed)
        }
        _ = try await base.write(
            commit: loss.point == .lostAnswer, gate: gate, patience: patience, faulty(body), committed: { _, _ in })
        throw loss.error
    }

    private func write<Value: Sendable>(
        _ held: HeldStep.Point, gate: WriteGate, patience: Duration,
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value,
        committed: @escaping @Sendable (Value, TransactionID) -> Void
    ) async throws -> Value {
        let done = Mutex<(Value, TransactionID)?>(nil)
        let value = try await base.write(commit: true, gate: gate, patience: patience, faulty(body)) { value, id in
            done.withLock { $0 = (value, id) }
        }
        await held.arrive()
        if let (value, id) = done.withLock({ $0 }) { committed(value, id) }
        return value
    }

    private func faulty<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) -> @Sendable (any SQLConnection) throws -> Value {
        { connection in
            self.plan.withLock { $0.statements = 0 }
            let value = try body(FaultyConnection(driver: self, base: connection))
            try self.willCommit()
            return value
        }
    }

    package func isEmpty() async throws -> Bool { try await base.isEmpty() }

    package func isUndefined(on connection: any SQLConnection) throws -> Bool { try base.isUndefined(on: connection) }

    package func changeSchema(_ body: @escaping @Sendable (any SQLConnection) throws -> Void) async throws {
        try await base.changeSchema(body)
    }

    package func define(_ migration: Migration, on connection: any SQLConnection) throws {
        try base.define(migration, on: connection)
    }

    package func defineVersions(_ table: String, on connection: any SQLConnection) throws {
        try base.defineVersions(table, on: connection)
    }

    package func backUp(to path: String, migrations: [Migration]) async throws {
        try await base.backUp(to: path, migrations: migrations)
    }

    package func keepOpen(_ connection: any SQLConnection) throws { try base.keepOpen(connection) }

    package func tables(on connection: any SQLConnection) throws -> [TableShape] { try base.tables(on: connection) }

    package func empty(_ tables: [TableShape], on connection: any SQLConnection) throws {
        try base.empty(tables, on: connection)
    }

    package func counters(of tables: [TableShape], on connection: any SQLConnection) throws -> [String: Int64] {
        try base.counters(of: tables, on: connection)
    }

    package func raise(
        _ counters: [String: Int64], of tables: [TableShape], on connection: any SQLConnection
    ) throws {
        try base.raise(counters, of: tables, on: connection)
    }

    package func damages(limit: Int) async throws -> [String] { try await base.damages(limit: limit) }

    package func close() throws { try base.close() }
}

private struct FaultyConnection: SQLConnection {
    let driver: FaultyDriver
    let base: any SQLConnection

    func query(_ sql: String, _ arguments: [SQLValue], _ row: (any SQLRow) throws -> Bool) throws {
        try driver.countStatement()
        try base.query(sql, arguments, row)
    }

    func scan(_ sql: String, _ arguments: [SQLValue], _ row: (any SQLRow) throws -> Bool) throws {
        try driver.countStatement()
        try base.scan(sql, arguments, row)
    }

    func execute(_ sql: String, _ arguments: [SQLValue]) throws -> Int {
        try driver.countStatement()
        return try base.execute(sql, arguments)
    }

    /// Each row is a statement, which may fail.
    func executeAll(_ sql: String, _ rows: [[SQLValue]]) throws -> Int {
        try rows.reduce(0) { try $0 + execute(sql, $1) }
    }

    func horizon() throws -> TransactionHorizon { try base.horizon() }

    func lock(_ table: String, _ column: String, _ value: SQLValue) throws { try base.lock(table, column, value) }

    func savepoint<Value>(_ body: () throws -> Value?) throws -> Value? { try base.savepoint(body) }
}

extension TestHouse {
    /// Lets the writes of `change` fail at the COMMIT, then at the first statement, the second, and so on, and calls
    /// `afterwards` after each; the last run, which goes through, is the caller's to judge. How often it failed.
    package func failEverywhere(
        with error: DatabaseError = .unavailable(detail: "planned by a test"), _ change: () async throws -> Void,
        afterwards: () async throws -> Void
    ) async throws -> Int {
        var point = FaultyDriver.Point.commit
        var failures = 0
        while true {
            faults.fail(at: point, with: error)
            let failed = await Self.fails(change)
            faults.mend()
            guard failed else { return failures }
            failures += 1
            point = .statement(failures)
            try await afterwards()
        }
    }

    private static func fails(_ change: () async throws -> Void) async -> Bool {
        do { try await change() } catch { return true }
        return false
    }
}
