import Database
import TestSupport
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The gate between nodes: each has a driver of its own here.
@Suite("The write gate", .onPostgreSQL)
struct PostgreSQLGateTests {
    private static let waitsForLock = "wait_event_type = 'Lock'"

    private let desk: PostgreSQLDesk
    private let steps = Steps()

    init() async throws { desk = try await PostgreSQLDesk() }

    /// A write of a node of its own that stands still in the middle.
    private func hold(_ name: String, _ gate: WriteGate) async throws -> HeldTransaction<Void> {
        let (node, steps) = (try await desk.node(), steps)
        return await HeldTransaction { pause in
            try await node.write(gate: gate) { transaction in
                try transaction.standsStill()
                steps.append("\(name) in")
                pause()
                steps.append("\(name) out")
            }
        }
    }

    /// A write of a node of its own, on its way.
    private func start(_ name: String, _ gate: WriteGate) async throws -> Task<Void, any Error> {
        let (node, steps) = (try await desk.node(), steps)
        return Task {
            try await node.write(gate: gate) { transaction in
                _ = try transaction.reading.count("SELECT 1")
                steps.append(name)
            }
        }
    }

    @Test(
        "lets nothing in beside an exclusive transaction, nor an exclusive one beside another",
        arguments: [(WriteGate.exclusive, WriteGate.exclusive), (.exclusive, .shared), (.shared, .exclusive)])
    func excludes(first: WriteGate, second: WriteGate) async throws {
        let holder = try await hold("first", first)
        let other = try await start("second", second)
        try await desk.wait(until: Self.waitsForLock)
        #expect(steps.all == ["first in"])
        try await holder.letGo()
        try await other.value
        #expect(steps.all == ["first in", "first out", "second"])
    }

    @Test("lets shared transactions in beside each other")
    func shared() async throws {
        let holder = try await hold("first", .shared)
        try await start("second", .shared).value
        #expect(steps.all == ["first in", "second"])
        try await holder.letGo()
    }

    @Test("lets an exclusive transaction in before the shared ones that came after it")
    func notStarved() async throws {
        let holder = try await hold("first", .shared)
        let exclusive = try await start("exclusive", .exclusive)
        try await desk.wait(until: Self.waitsForLock)
        var later: [Task<Void, any Error>] = []
        for _ in 1...3 { later.append(try await start("shared", .shared)) }
        try await desk.wait(until: Self.waitsForLock, of: 4)
        try await holder.letGo()
        for task in [exclusive] + later { try await task.value }
        #expect(steps.all == ["first in", "first out", "exclusive", "shared", "shared", "shared"])
    }

    @Test("of one node keeps the order of its calls, and memory hears of each before the next begins")
    func turns() async throws {
        let (database, steps) = (desk.database, steps)
        let holder = try await hold("another node", .exclusive)
        await withTaskGroup(of: Void.self) { group in
            for _ in 1...50 {
                group.addTask {
                    _ = try? await database.write { transaction in
                        try Notes.insert(
                            "\(try transaction.reading.count("SELECT count(*) FROM notes"))", in: transaction)
                        #expect(steps.count("body") == steps.count("memory"))
                        steps.append("body")
                    } committed: {
                        // The next one could be through by now, if it were let in.
                        for _ in 0..<2_000 { sched_yield() }
                        steps.append("memory")
                    }
                }
            }
            try? await holder.letGo()
        }
        #expect(steps.count("memory") == 50)
        #expect(try await desk.texts == (0..<50).map(String.init))
    }

    @Test("does not keep nodes from changing one row after another: the lock of the row does")
    func rowLocks() async throws {
        try await desk.database.write { try $0.execute("INSERT INTO notes (text, size) VALUES ('row', 1)") }
        let nodes = [try await desk.node(), try await desk.node(), try await desk.node()]
        let results = await Crowd.run(60) { number in
            try await nodes[number % nodes.count].write(gate: .shared) { transaction in
                try transaction.lock("notes", "id", 1)
                let size = try transaction.reading.count("SELECT size FROM notes WHERE id = 1")
                try transaction.execute("UPDATE notes SET size = ? WHERE id = 1", size + 1)
            }
        }
        for result in results { try result.get() }
        #expect(try await desk.watch.read { try $0.count("SELECT size FROM notes WHERE id = 1") } == 61)
    }

    @Test("and a lock that is not free in time is temporary")
    func lockTimeout() async throws {
        try await desk.database.write { try $0.execute("INSERT INTO notes (text) VALUES ('row')") }
        let (node, other) = (try await desk.node(), try await desk.node())
        let holder = await HeldTransaction { pause in
            try await node.write(gate: .shared) { transaction in
                try transaction.standsStill()
                try transaction.lock("notes", "id", 1)
                pause()
            }
        }
        let error = await #expect(throws: DatabaseError.self) {
            try await other.write(gate: .shared) { transaction in
                try transaction.execute("SET LOCAL lock_timeout = 20")
                try transaction.lock("notes", "id", 1)
            }
        }
        guard case .unavailable(let detail) = error else {
            Issue.record("not unavailable: \(String(describing: error))")
            return
        }
        #expect(detail.hasPrefix("55P03"))
        try await holder.letGo()
        try await other.write(gate: .shared) { try $0.lock("notes", "id", 1) }
    }
}
