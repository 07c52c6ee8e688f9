import Database
import Foundation
import TestSupport
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// What the driver says of a transaction whose connection was cut, and what the server has: at every message.
struct CutDesk: Sendable {
    enum Outcome: Sendable, Equatable {
        case made, unavailable, unknown
        case other(String)
    }

    let desk: PostgreSQLDesk
    let proxy: CuttingProxy
    let address: String
    let timing: PostgreSQLDriver.Timing

    init(timing: PostgreSQLDriver.Timing = PostgreSQLDriver.Timing(backOff: .zero)) async throws {
        desk = try await PostgreSQLDesk(connectionsMax: 1)
        self.timing = timing
        proxy = try CuttingProxy(to: TestDatabase.detour(of: desk.address, through: []).socketPath)
        address = TestDatabase.detour(of: desk.address, through: [proxy.port]).address
    }

    /// A node behind the proxy, with one connection, so that messages come in one order.
    func node() async throws -> Database {
        Database(driver: try await TestDatabase.postgreSQL(at: address, connectionsMax: 1, timing: timing))
    }

    static func outcome(_ work: () async throws -> Void) async -> Outcome {
        do {
            try await work()
            return .made
        } catch DatabaseError.unavailable {
            return .unavailable
        } catch DatabaseError.unknownOutcome {
            return .unknown
        } catch {
            return .other("\(error)")
        }
    }

    /// Reads by a query and a scan.
    static func read(_ database: Database, patience: Duration) async -> Outcome {
        await outcome {
            try await database.read(patience: patience) { transaction in
                _ = try transaction.count("SELECT count(*) FROM notes")
                try transaction.forEach("SELECT id FROM notes ORDER BY id LIMIT 3") { _ in }
            }
        }
    }

    /// Writes `lines` notes whose texts begin with `name`, by several statements.
    static let lines = 5
    static func write(_ name: String, to database: Database, patience: Duration) async -> Outcome {
        await outcome {
            try await database.write(patience: patience) { transaction in
                try Notes.insert("\(name) 1", in: transaction)
                let two: Bool? = try transaction.savepoint { inner in
                    try Notes.insert("\(name) 2", in: inner)
                    return true
                }
                #expect(two == true)
                let rows: [[any SQLBindable]] = (3...lines).map { ["\(name) \($0)"] }
                try transaction.executeAll("INSERT INTO notes (text) VALUES (?)", rows)
            }
        }
    }

    /// What is stored under `name` once nobody writes any more.
    func stored(_ name: String) async throws -> Int64 {
        try await desk.watch.write {
            try $0.reading.count("SELECT count(*) FROM notes WHERE text LIKE ?", arguments: [.text("\(name) %")])
        }
    }

    /// Whether what is stored is what `outcome` says.
    static func isTrue(_ outcome: Outcome, stored: Int64) -> Bool {
        switch outcome {
        case .made: stored == lines
        case .unavailable: stored == 0
        case .unknown: stored == 0 || stored == lines
        case .other: false
        }
    }

    /// Cuts after 0, `step`, … messages until the script has no more; the outcomes of all rounds.
    func cutEverywhere(_ plan: CuttingProxy.Plan, step: Int = 1, patience: Duration) async throws -> [Outcome] {
        let database = try await node()
        var outcomes: [Outcome] = []
        while true {
            let name = "\(plan.direction) \(outcomes.count)"
            #expect(
                await Self.write("before \(name)", to: database, patience: .statementPatience) == .made,
                "\(plan) \(name)")
            proxy.arm(plan, after: outcomes.count * step)
            let read = await Self.read(database, patience: patience)
            let outcome = await Self.write(name, to: database, patience: patience)
            let wasCut = proxy.mend()
            #expect(read == .made || read == .unavailable, "\(plan) \(name)")
            let stored = try await stored(name)
            #expect(Self.isTrue(outcome, stored: stored), "\(plan) \(name): \(outcome), \(stored) rows")
            outcomes.append(outcome)
            if !wasCut { break }
        }
        for (number, outcome) in outcomes.enumerated() {
            let stored = try await stored("\(plan.direction) \(number)")
            #expect(Self.isTrue(outcome, stored: stored), "afterwards: \(plan) \(number): \(outcome), \(stored) rows")
        }
        try database.close()
        return outcomes
    }
}

@Suite("A connection that is cut", .onPostgreSQL)
struct PostgreSQLCutTests {
    private static let plans = CuttingProxy.Direction.allCases.flatMap { direction in
        [CuttingProxy.Manner.closed, .halved].flatMap { manner in
            [false, true].map { CuttingProxy.Plan(direction: direction, manner: manner, staysAway: $0) }
        }
    }

    @Test(
        "at any message: what the driver says became of the transaction is true, and the next one works",
        arguments: plans)
    func transactions(plan: CuttingProxy.Plan) async throws {
        let desk = try await CutDesk()
        let outcomes = try await desk.cutEverywhere(plan, patience: .statementPatience)
        #expect(outcomes.count > 30, "the script has many messages")
        #expect(outcomes.contains(.made) && outcomes.contains(.unknown))
        #expect(outcomes.contains(.unavailable) == plan.staysAway, "one cut alone is made good before the COMMIT")
        desk.proxy.close()
    }

    @Test("by silence is noticed in time, with the same truth", arguments: CuttingProxy.Direction.allCases)
    func silence(direction: CuttingProxy.Direction) async throws {
        let patience = Duration.milliseconds(300)
        let desk = try await CutDesk(timing: PostgreSQLDriver.Timing(commit: patience, backOff: .zero))
        let plan = CuttingProxy.Plan(direction: direction, manner: .silent, staysAway: false)
        let outcomes = try await desk.cutEverywhere(plan, step: 3, patience: patience)
        #expect(outcomes.count > 10 && outcomes.contains(.unknown))
        desk.proxy.close()
    }

    @Test("at any message while it is made is an error that passes", arguments: plans)
    func opening(plan: CuttingProxy.Plan) async throws {
        let desk = try await CutDesk()
        var (rounds, failures) = (0, 0)
        repeat {
            desk.proxy.arm(plan, after: rounds)
            let outcome = await CutDesk.outcome {
                let database = try await desk.node()
                _ = try await database.read { try $0.count("SELECT 1") }
                try database.close()
            }
            #expect(outcome == .made || outcome == .unavailable, "\(plan) \(rounds)")
            if outcome == .unavailable { failures += 1 }
            rounds += 1
        } while desk.proxy.mend()
        #expect(failures > 5)
        #expect(try await desk.node().read { try $0.count("SELECT 7") } == 7)
        desk.proxy.close()
    }

    @Test("with all others, by a server that is started anew, is made again, and nothing was lost or made twice")
    func restart() async throws {
        let desk = try await CutDesk()
        let database = try await desk.node()
        #expect(await CutDesk.write("before", to: database, patience: .claimPatience) == .made)
        desk.proxy.goAway()
        #expect(await CutDesk.write("meanwhile", to: database, patience: .claimPatience) == .unavailable)
        #expect(await CutDesk.read(database, patience: .claimPatience) == .unavailable)
        await #expect(throws: DatabaseError.self) { try await database.checkWritable() }
        desk.proxy.mend()
        try await database.checkWritable()
        #expect(await CutDesk.write("after", to: database, patience: .claimPatience) == .made)
        for name in ["before", "after"] { #expect(try await desk.stored(name) == 5) }
        #expect(try await desk.stored("meanwhile") == 0)
        desk.proxy.close()
    }

    /// In a process of its own, whose open files are those of this test alone.
    @Test("leaves no open file behind")
    func files() async {
        await #expect(processExitsWith: .exitCode(7)) { exit(try await exitCodeAfterCuts()) }
    }
}

/// 7 when as many files are open after many cuts as after a few.
private func exitCodeAfterCuts() async throws -> Int32 {
    let desk = try await CutDesk()
    func cut(_ rounds: Range<Int>) async throws {
        for direction in CuttingProxy.Direction.allCases {
            for staysAway in [false, true] {
                let database = try await desk.node()
                for round in rounds {
                    desk.proxy.arm(.init(direction: direction, manner: .closed, staysAway: staysAway), after: round)
                    _ = await CutDesk.write(
                        "\(direction) \(staysAway) \(round)", to: database, patience: .claimPatience)
                    desk.proxy.mend()
                }
                try database.close()
            }
        }
        try await desk.proxy.waitUntilEmpty()
    }
    try await cut(0..<2)
    let before = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    try await cut(2..<20)
    let after = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    // What the runtime opens for itself is little; each leak would be one in a round.
    return after <= before + 8 ? 7 : 1
}
