import Cluster
import Database
import Primitives
import TestSupport
import Testing

@Suite("The nodes", .enabled(if: TestDatabase.isShared, "a database in one file has one process"))
struct NodeTests {
    private let clock = ManualClock()

    private func names(_ member: Member, live: Bool = true) async throws -> [String] {
        let roster = try await member.membership.roster()
        return roster.nodes.filter { $0.isLive(at: roster.at) || !live }.map(\.name)
    }

    @Test("see each other, what each holds, and which of them answers")
    func roster() async throws {
        let database = try await TestDatabase.cluster(clock)
        let east = Member("east", over: database, clock: clock, keys: ["kPrK_qmx", "iiDHHfFV"])
        let west = Member("west", over: database, clock: clock)
        try await east.join()
        clock.advance(by: .seconds(5))
        try await west.join()
        let roster = try await west.membership.roster()
        #expect(roster.nodes.map(\.name) == ["east", "west"])
        #expect(roster.nodes[0].keyIDs == ["kPrK_qmx", "iiDHHfFV"])
        #expect(roster.nodes[0].startedAt == ManualClock.start && roster.nodes[0].id == east.id)
        #expect(roster.nodes.lacking("kPrK_qmx") == ["west"])
        #expect(roster.own == west.id)
    }

    @Test("count as dead after 30 seconds without a sign of life, and are forgotten after a day")
    func death() async throws {
        let database = try await TestDatabase.cluster(clock)
        let (east, west) = (
            Member("east", over: database, clock: clock), Member("west", over: database, clock: clock)
        )
        try await east.join()
        try await west.join()
        clock.advance(by: Node.liveFor)
        try await west.beat()
        #expect(try await names(west) == ["east", "west"])
        clock.advance(by: .milliseconds(1))
        #expect(try await names(west) == ["west"])
        clock.advance(by: Node.rememberedFor - Node.liveFor - .milliseconds(1))
        try await west.beat()
        try await west.membership.forgetGone()
        #expect(try await names(west, live: false) == ["east", "west"])
        clock.advance(by: .milliseconds(1))
        try await west.membership.forgetGone()
        #expect(try await names(west, live: false) == ["west"])
    }

    @Test("say goodbye at a clean end")
    func goodbye() async throws {
        let database = try await TestDatabase.cluster(clock)
        let (east, west) = (
            Member("east", over: database, clock: clock), Member("west", over: database, clock: clock)
        )
        try await east.join()
        try await west.join()
        try await east.membership.leave()
        #expect(try await names(west, live: false) == ["west"])
        #expect(try await east.membership.roster().own == nil)
    }

    @Test("are the same ones after a restart, which ends nobody's work")
    func restart() async throws {
        let database = try await TestDatabase.cluster(clock)
        let killed = Member("east", over: database, clock: clock)
        try await killed.join()
        clock.advance(by: .seconds(1))
        let again = Member("east", over: database, clock: clock)
        try await again.membership.join(as: killed.id)
        #expect(try await again.membership.roster().nodes.map(\.id) == [killed.id])
    }

    @Test("with copies of one data directory are two, and the one that was there first takes another id")
    func copiedDirectory() async throws {
        let database = try await TestDatabase.cluster(clock)
        let (first, copy) = (
            Member("east", over: database, clock: clock), Member("west", over: database, clock: clock)
        )
        try await first.join()
        #expect(try await first.does("seals"))
        clock.advance(by: .seconds(1))
        try await copy.membership.join(as: first.id)
        let taken = await #expect(throws: Membership.IDTaken.self) { try await first.beat() }
        try await first.beat()
        let roster = try await first.membership.roster()
        #expect(roster.own == taken?.id && roster.own != first.id)
        #expect(roster.nodes.map(\.name) == ["east", "west"])
        #expect(try await !copy.does("seals"), "the work of the first is not the copy's")
    }

    @Test("go by the database's clock, however wrong their own is")
    func clocks() async throws {
        let database = try await TestDatabase.cluster(clock)
        let shared = DatabaseClock(of: database, orElse: clock)
        let first = try await database.read { try shared.now(in: $0) }
        let second = try await database.read { try shared.now(in: $0) }
        #expect(first <= second && second - first < .minutes(5))
        // Whatever time it is where the tests run, it is not the time of the tests' clock to the second.
        clock.set(to: Timestamp(seconds: 0))
        #expect(try await database.read { try shared.now(in: $0) } >= second)
    }
}

@Suite("The only process of a database", .enabled(if: !TestDatabase.isShared, "others may serve a shared database"))
struct OnlyNodeTests {
    private let clock = ManualClock()

    @Test("is the only node, has every turn, and writes nothing for that")
    func alone() async throws {
        let house = try await TestHouse(clock: clock)
        let written = house.database.writeTransactions
        try await house.membership.join(as: .random())
        try await house.membership.beat()
        clock.advance(by: .hours(2))
        let roster = try await house.membership.roster()
        #expect(roster.nodes.count == 1 && roster.nodes[0].isLive(at: roster.at))
        #expect(roster.nodes[0].startedAt == ManualClock.start)
        #expect(roster.nodes[0].keyIDs.count == 2)
        var turns = 0
        #expect(try await house.membership.alone("seats") { turns += 1 })
        try await house.membership.forgetGone()
        try await house.membership.leave()
        #expect(try await house.membership.roster().nodes.isEmpty)
        #expect(turns == 1 && house.database.writeTransactions == written)
    }
}
