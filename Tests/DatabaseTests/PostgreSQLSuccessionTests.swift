import Database
import TestSupport
import Testing

@Suite("A server that is gone without a word", .onPostgreSQL)
struct PostgreSQLSuccessionTests {
    /// Far less than a driver waits for a COMMIT, and far more than it needs.
    private static let noticedWithin = Duration.seconds(15)

    /// Two servers, of which the first takes all connections until it is gone.
    private struct Pair {
        let desk: PostgreSQLDesk
        let first: CuttingProxy
        let second: CuttingProxy
        let node: Database
        let steps = Steps()

        init() async throws {
            desk = try await PostgreSQLDesk()
            let path = TestDatabase.detour(of: desk.address, through: []).socketPath
            (first, second) = (try CuttingProxy(to: path), try CuttingProxy(to: path))
            let address = TestDatabase.detour(of: desk.address, through: [first.port, second.port]).address
            let timing = PostgreSQLDriver.Timing(backOff: .zero)
            node = Database(driver: try await TestDatabase.postgreSQL(at: address, connectionsMax: 4, timing: timing))
        }

        /// A transaction that stands still on a connection to the first server, before `last` and its COMMIT.
        func heldWrite(last: @escaping @Sendable (WriteTransaction) throws -> Void = { _ in }) async
            -> HeldTransaction<Void>
        {
            let (node, steps) = (node, steps)
            return await HeldTransaction { pause in
                try await node.write { transaction in
                    steps.append("body")
                    try transaction.standsStill()
                    try Notes.insert("held", in: transaction)
                    pause()
                    try last(transaction)
                }
            }
        }

        /// The next message to the first server, which `provoke` sends, does not get there, and nobody gets in any
        /// more; returns once a transaction has found the second server.
        func succeed(_ provoke: () -> Void) async throws {
            first.arm(.init(direction: .toServer, manner: .silent, staysAway: false), after: 0)
            provoke()
            try await eventually("the first server is gone") { first.wasCut }
            first.refuse()
            #expect(try await node.read { try $0.count("SELECT 7") } == 7)
        }

        func close() {
            first.close()
            second.close()
        }
    }

    @Test("leaves a COMMIT open no longer than until another server takes changes")
    func commit() async throws {
        let pair = try await Pair()
        let write = await pair.heldWrite()
        let waited = try await ContinuousClock().measure {
            try await pair.succeed { write.open() }
            #expect(await CutDesk.outcome { try await write.letGo() } == .unknown)
        }
        #expect(waited < Self.noticedWithin)
        pair.close()
    }

    @Test("has its transactions made again there, and nothing is made twice")
    func statement() async throws {
        let pair = try await Pair()
        let write = await pair.heldWrite { try Notes.insert("last", in: $0) }
        let waited = try await ContinuousClock().measure {
            try await pair.succeed { write.open() }
            // What was locked there is locked until the server notices, or somebody ends it.
            try await pair.desk.terminate(where: "state = 'idle in transaction'")
            #expect(await CutDesk.outcome { try await write.letGo() } == .made)
        }
        #expect(waited < Self.noticedWithin)
        #expect(pair.steps.all == ["body", "body"])
        #expect(try await pair.desk.texts == ["held", "last"])
        pair.close()
    }

    @Test("is not one that only lets nobody in: who is connected and answered goes on")
    func fullServer() async throws {
        let pair = try await Pair()
        let write = await pair.heldWrite { try Notes.insert("last", in: $0) }
        pair.first.refuse()
        #expect(try await pair.node.read { try $0.count("SELECT 7") } == 7)
        try await write.letGo()
        #expect(pair.steps.all == ["body"])
        #expect(try await pair.desk.texts == ["held", "last"])
        pair.close()
    }
}
