import Database
import Dispatch
import TestSupport
import Testing

@Suite("A transaction on PostgreSQL that meets another", .onPostgreSQL)
struct PostgreSQLConflictTests {
    private let desk: PostgreSQLDesk
    private let steps = Steps()

    init() async throws {
        desk = try await PostgreSQLDesk()
        try await desk.database.write { transaction in
            for id in 1...2 {
                try transaction.execute("INSERT INTO notes (text, size) VALUES (?, 1)", "\(id)")
            }
        }
    }

    @Test("in a deadlock begins again, and both are made once")
    func deadlock() async throws {
        let (steps, nodes) = (steps, [try await desk.node(), try await desk.node()])
        let arrived = [DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)]
        let results = await Crowd.run(2) { number in
            try await nodes[number].write(gate: .shared) { transaction in
                let isFirst = steps.count("begin \(number)") == 0
                steps.append("begin \(number)")
                try transaction.lock("notes", "id", number + 1)
                if isFirst {
                    // Each holds what the other wants next.
                    arrived[number].signal()
                    arrived[1 - number].wait()
                }
                try transaction.lock("notes", "id", 2 - number)
                try transaction.execute("UPDATE notes SET size = size + 1")
            } committed: {
                steps.append("committed \(number)")
            }
        }
        for result in results { try result.get() }
        #expect(try await desk.watch.read { try $0.count("SELECT sum(size) FROM notes") } == 6)
        // Whoever began again may have taken its first row back before the other woke up.
        let begun = steps.all.count { $0.hasPrefix("begin") }
        #expect((3...10).contains(begun), "one of them began again")
        #expect(steps.count("committed 0") == 1 && steps.count("committed 1") == 1)
    }

    @Test("and is told to begin again does so, a bounded number of times", arguments: ["40001", "40P01"])
    func again(state: String) async throws {
        let steps = steps
        try await desk.database.write { transaction in
            steps.append("begin")
            try transaction.execute("UPDATE notes SET size = size + 1 WHERE id = 1")
            if steps.all.count < 3 { try Self.raise(state, in: transaction) }
        }
        #expect(steps.all.count == 3)
        #expect(try await desk.watch.read { try $0.count("SELECT size FROM notes WHERE id = 1") } == 2)
        let error = await #expect(throws: DatabaseError.self) {
            try await desk.database.write { try Self.raise(state, in: $0) }
        }
        guard case .unavailable = error else {
            Issue.record("not unavailable: \(String(describing: error))")
            return
        }
    }

    @Test("inside a savepoint begins again as a whole, also where its body would go on")
    func inSavepoint() async throws {
        let steps = steps
        try await desk.database.write { transaction in
            steps.append("begin")
            try transaction.execute("UPDATE notes SET size = size + 1 WHERE id = 1")
            _ = try? transaction.savepoint { inner -> Bool? in
                if steps.all.count < 2 { try Self.raise("40001", in: inner) }
                return true
            }
        }
        #expect(steps.all.count == 2)
        #expect(try await desk.watch.read { try $0.count("SELECT size FROM notes WHERE id = 1") } == 2)
    }

    private static func raise(_ state: String, in transaction: WriteTransaction) throws {
        try transaction.execute("DO 'BEGIN RAISE EXCEPTION USING ERRCODE = ''\(state)'', MESSAGE = ''planned''; END'")
    }

    @Test("of a standby that is not there is not known to be committed, and is there")
    func noStandby() async throws {
        let (database, steps) = (desk.database, steps)
        let write = Task {
            try await database.write { transaction in
                steps.append("begin")
                try transaction.execute("SET LOCAL synchronous_commit = on")
                try Notes.insert("waits for the standby", in: transaction)
            } committed: {
                steps.append("committed")
            }
        }
        try await desk.wait(until: "wait_event = 'SyncRep'")
        let name = desk.name
        _ = try await desk.watch.read { transaction in
            try transaction.all(
                """
                SELECT pg_cancel_backend(pid) FROM pg_stat_activity
                WHERE application_name = ? AND wait_event = 'SyncRep'
                """, name
            ) { $0.bool(0) }
        }
        let error = await #expect(throws: DatabaseError.self) { try await write.value }
        guard case .unknownOutcome = error else {
            Issue.record("the outcome is known: \(String(describing: error))")
            return
        }
        #expect(try await desk.texts.contains("waits for the standby"))
        #expect(steps.all == ["begin"])
        try await database.write { try Notes.insert("next", in: $0) }
    }
}
