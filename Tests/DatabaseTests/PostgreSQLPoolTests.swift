import Database
import TestSupport
import Testing

@Suite("The connections of a node", .onPostgreSQL)
struct PostgreSQLPoolTests {
    @Test("are no more than it may have, whatever is asked at once")
    func bounded() async throws {
        let desk = try await PostgreSQLDesk(connectionsMax: 3)
        let counts = await Crowd.run(60) { _ in
            try await desk.database.read { transaction in
                try transaction.count(
                    "SELECT count(*) FROM pg_stat_activity WHERE application_name = ?", arguments: [.text(desk.name)])
            }
        }
        #expect(try counts.allSatisfy { try (1...3).contains($0.get()) })
        #expect(try await desk.connections() <= 3)
    }

    @Test("serve as many transactions as there are at the same time")
    func together() async throws {
        let desk = try await PostgreSQLDesk(connectionsMax: 3)
        var held: [HeldTransaction<Int64>] = []
        for number in 1...3 {
            let count = Int64(number)
            held.append(
                await HeldTransaction { pause in
                    try await desk.database.read { transaction in
                        _ = try transaction.count("SELECT 1")
                        pause()
                        return try transaction.count("SELECT ?", arguments: [.integer(count)])
                    }
                })
        }
        #expect(try await desk.connections(where: "state = 'idle in transaction'") == 3)
        for (number, transaction) in held.enumerated() { #expect(try await transaction.letGo() == Int64(number + 1)) }
    }

    /// Where threads are shared, one more is added a second: the last of these would begin after ten.
    @Test("have a thread each: who waits for the server makes nobody else wait")
    func threads() async throws {
        let desk = try await PostgreSQLDesk(connectionsMax: 12)
        var held: [HeldTransaction<Void>] = []
        let waited = try await ContinuousClock().measure {
            for _ in 0..<11 {
                held.append(await HeldTransaction { pause in try await desk.database.read { _ in pause() } })
            }
            _ = try await desk.database.read { try $0.count("SELECT 1") }
        }
        #expect(waited < .seconds(6))
        for transaction in held { try await transaction.letGo() }
    }

    @Test("keep only so many waiting; the others are told at once, and all who waited are served")
    func waiting() async throws {
        let desk = try await PostgreSQLDesk(connectionsMax: 1)
        let holder = await HeldTransaction { pause in
            try await desk.database.read { _ in pause() }
        }
        let (waitingMax, more) = (1_024, 40)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<waitingMax + more {
                group.addTask {
                    do { return try await desk.database.read { try $0.count("SELECT 1") } == 1 } catch { return false }
                }
            }
            for _ in 0..<more { #expect(await group.next() == false) }
            try? await holder.letGo()
            var served = 0
            for await isServed in group where isServed { served += 1 }
            #expect(served == waitingMax)
        }
    }

    @Test("are made anew when the server ended them, idle ones and in the middle of a transaction")
    func ended() async throws {
        let desk = try await PostgreSQLDesk()
        _ = await Crowd.run(8) { _ in try await desk.database.read { try $0.count("SELECT 1") } }
        try await desk.terminate()
        #expect(try await desk.database.read { try $0.count("SELECT 7") } == 7)
        try await desk.terminate()
        try await desk.database.write { try Notes.insert("after idle", in: $0) }
        let steps = Steps()
        let write = await HeldTransaction { pause in
            try await desk.database.write { transaction in
                steps.append("body")
                try Notes.insert("in the middle", in: transaction)
                pause()
                try Notes.insert("the end", in: transaction)
            } committed: {
                steps.append("committed")
            }
        }
        try await desk.terminate(where: "state = 'idle in transaction'")
        try await write.letGo()
        #expect(steps.all == ["body", "body", "committed"])
        #expect(try await desk.texts == ["after idle", "in the middle", "the end"])
    }

    @Test("that stand still inside a transaction are ended by the server, and their locks are free")
    func idleInTransaction() async throws {
        let desk = try await PostgreSQLDesk()
        let steps = Steps()
        let write = await HeldTransaction { pause in
            try await desk.database.write { transaction in
                steps.append("body")
                try transaction.execute("SET LOCAL idle_in_transaction_session_timeout = 50")
                try Notes.insert("stopped node", in: transaction)
                pause()
                if steps.count("body") == 1 { try Notes.insert("too late", in: transaction) }
            }
        }
        try await desk.waitForNone(where: "state = 'idle in transaction'")
        let other = try await desk.node()
        try await other.write { try Notes.insert("another node", in: $0) }
        try await write.letGo()
        #expect(try await desk.texts == ["another node", "stopped node"])
        #expect(steps.all == ["body", "body"])
    }

    @Test("are all gone after the end, and nothing is served any more")
    func closed() async throws {
        let desk = try await PostgreSQLDesk()
        _ = await Crowd.run(8) { _ in try await desk.database.read { try $0.count("SELECT 1") } }
        try desk.database.close()
        try await desk.waitForNone()
        let error = await #expect(throws: DatabaseError.self) {
            try await desk.database.read { try $0.count("SELECT 1") }
        }
        #expect(error == .unavailable(detail: "the database was closed"))
    }
}
