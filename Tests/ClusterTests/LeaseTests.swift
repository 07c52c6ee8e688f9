import Cluster
import Database
import Primitives
import TestSupport
import Testing

@Suite("A lease", .enabled(if: TestDatabase.isShared, "where one process has the database every turn is its"))
struct LeaseTests {
    private let clock = ManualClock()

    private func pair() async throws -> (Database, east: Member, west: Member) {
        let database = try await TestDatabase.cluster(clock)
        let (east, west) = (
            Member("east", over: database, clock: clock), Member("west", over: database, clock: clock)
        )
        try await east.join()
        try await west.join()
        return (database, east, west)
    }

    @Test("lets one node do the work, period after period")
    func once() async throws {
        let (_, east, west) = try await pair()
        var done = ["east": 0, "west": 0]
        for _ in 0..<10 {
            for (name, member) in [("east", east), ("west", west)] {
                try await member.membership.alone("seats") { done[name, default: 0] += 1 }
            }
            // A period of the work: longer than a lease, which signs of life keep.
            for _ in 0..<30 {
                clock.advance(by: Membership.period)
                try await east.beat()
                try await west.beat()
            }
        }
        #expect(done == ["east": 10, "west": 0])
        let roster = try await west.membership.roster()
        #expect(roster.leases.map(\.task) == ["seats"] && roster.leases.map(\.holder) == [east.id])
    }

    @Test("is one of its name: other work may be another's")
    func names() async throws {
        let (_, east, west) = try await pair()
        #expect(try await east.does("seats"))
        #expect(try await west.does("seals"))
        #expect(try await !west.does("seats"))
        #expect(try await !east.does("seals"))
    }

    @Test("of a node that died goes to another when its length is over, and not before")
    func death() async throws {
        let (_, east, west) = try await pair()
        #expect(try await east.does("seats"))
        clock.advance(by: Lease.length - .milliseconds(1))
        try await west.beat()
        #expect(try await !west.does("seats"))
        clock.advance(by: .milliseconds(1))
        #expect(try await west.does("seats"))
    }

    @Test("of a node that ended cleanly is free at once")
    func goodbye() async throws {
        let (_, east, west) = try await pair()
        #expect(try await east.does("seats"))
        try await east.membership.leave()
        #expect(try await west.does("seats"))
        #expect(try await !east.does("seats"), "who has ended does nothing for others")
    }

    @Test("goes to one of those that want it at the same moment")
    func race() async throws {
        let database = try await TestDatabase.cluster(clock)
        let members = (0..<6).map { Member("node \($0)", over: database, clock: clock) }
        for member in members { try await member.join() }
        for round in 0..<10 {
            let won = try await Crowd.run(members.count) { try await members[$0].does("task \(round)") }.map {
                try $0.get()
            }
            #expect(won.count { $0 } == 1)
        }
    }

    @Test("that another has taken over keeps a node that was paused from writing, in the middle of its work")
    func paused() async throws {
        let (database, east, west) = try await pair()
        try await database.write { _ = try $0.execute("CREATE TABLE work (who TEXT NOT NULL)") }
        let write: @Sendable (String) async throws -> Void = { who in
            try await database.write { _ = try $0.execute("INSERT INTO work (who) VALUES (?)", who) }
        }
        let wentOn = try await east.membership.alone("seats") {
            try await write("east")
            // East sleeps past the end of its lease; West takes over and works.
            clock.advance(by: Lease.length)
            #expect(try await west.membership.alone("seats") { try await write("west") })
            try await write("east, late")
        }
        #expect(!wentOn)
        let written = try await database.read { try $0.all("SELECT who FROM work ORDER BY who") { $0.text(0) } }
        #expect(written == ["east", "west"])
        #expect(try await !east.does("seats"), "it knows that its turn is over")
        try await east.beat()
        #expect(try await west.does("seats"), "and takes nothing back with a sign of life")
    }

    @Test("that ran out while nobody wanted it goes on")
    func unwanted() async throws {
        let (_, east, west) = try await pair()
        #expect(try await east.does("seats"))
        clock.advance(by: Lease.length + .seconds(10))
        try await east.beat()
        #expect(try await !west.does("seats"))
        #expect(try await east.does("seats"))
    }

    @Test("is no business of a process that does not serve")
    func commands() async throws {
        let database = try await TestDatabase.cluster(clock)
        let command = Member("command", over: database, clock: clock)
        #expect(try await !command.does("seats"))
        #expect(try await command.membership.roster().leases.isEmpty)
    }

    @Test("hides no failure of the work")
    func failure() async throws {
        struct Broken: Error {}
        let (_, east, west) = try await pair()
        await #expect(throws: Broken.self) { try await east.membership.alone("seats") { throw Broken() } }
        #expect(try await !west.does("seats"), "the turn is still its own")
    }
}
