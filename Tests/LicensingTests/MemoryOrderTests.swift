import Database
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import Licensing

/// Two nodes, and what the second learns late.
@Suite("What memory is told in another order than it happened", .onSharedDatabase)
struct MemoryOrderTests {
    private let houses: SharedHouses
    private let acme: IssuedLicense

    private var first: TestHouse { houses[0] }
    private var second: TestHouse { houses[1] }

    /// The second node knows of the seat of `a.example.com`.
    init() async throws {
        houses = try await SharedHouses(2)
        acme = try await houses[0].acme()
        #expect(try await houses[0].verdict(acme, "a.example.com") == .valid)
        try await houses.follow(1)
    }

    /// What the second node's memory says.
    private func known() async throws -> Verdict { try await second.verdict(acme, "a.example.com", activates: false) }

    private func comeBack(on house: TestHouse) async throws {
        #expect(try await house.verdict(acme, "a.example.com", explicitly: true) == .valid)
    }

    /// A refresh that has read, and has not told memory yet.
    private func heldRefresh() async throws -> (step: HeldStep, task: Task<Void, any Error>) {
        let shared = try #require(second.licensing.shared)
        let step = second.faults.hold(.read)
        let task = Task { [acme] in try await shared.refresh([acme.id]) }
        try await step.reached()
        return (step, task)
    }

    @Test("a late refresh takes no place away that came back since")
    func refreshRemovesNothingNewer() async throws {
        try await first.release(.all, of: acme)
        let refresh = try await heldRefresh()
        try await comeBack(on: first)
        try await houses.follow(1)
        #expect(try await known() == .valid)
        refresh.step.letGo()
        try await refresh.task.value
        #expect(try await known() == .valid)
        try await second.expectMemoryEqualsDatabase([acme], domains: ["a.example.com"], addresses: [TestHouse.address])
    }

    @Test("a late refresh brings no place back that is gone since")
    func refreshBringsNothingBack() async throws {
        let refresh = try await heldRefresh()
        try await first.release(.all, of: acme)
        try await houses.follow(1)
        refresh.step.letGo()
        try await refresh.task.value
        #expect(try await known() == .notActivated)
    }

    @Test("a refresh takes away what its license lost, and leaves those of others to the follower")
    func refreshRemoves() async throws {
        let solo = try await first.solo()
        #expect(try await first.verdict(solo, "s.example.com") == .valid)
        try await houses.follow(1)
        try await first.release(.all, of: acme)
        try await first.release(.all, of: solo)
        try await second.licensing.shared?.refresh([acme.id])
        #expect(try await known() == .notActivated)
        #expect(second.licensing.index.sizes.places == 1)
        try await houses.follow(1)
        #expect(second.licensing.index.sizes.places == 0)
    }

    @Test("a commit of the node's own changes nothing that the follower has read since")
    func lateSeat() async throws {
        let step = second.faults.hold(.commit)
        let claim = Task { [acme, second] in try await second.verdict(acme, "b.example.com") }
        try await step.reached()
        try await first.release(.all, of: acme)
        try await houses.follow(1)
        step.letGo()
        #expect(try await claim.value == .valid, "it was so")
        #expect(try await second.verdict(acme, "b.example.com", activates: false) == .notActivated)
        #expect(second.licensing.index.sizes.places == 0)
        #expect(second.licensing.index.license(acme.id)?.used == 0)
    }

    @Test("a release of the node's own takes nothing away that came back on another, however it was learned of")
    func lateRelease() async throws {
        for isFollowed in [true, false] {
            let step = second.faults.hold(.commit)
            let release = Task { [acme, second] in try await second.release(.all, of: acme).count }
            try await step.reached()
            try await houses.follow(0)
            try await comeBack(on: first)
            if isFollowed {
                try await houses.follow(1)
            } else {
                try await second.licensing.shared?.refresh([acme.id])
            }
            step.letGo()
            #expect(try await release.value == 1)
            #expect(try await known() == .valid, "\(isFollowed)")
        }
        try await houses.follow(1)
        try await second.expectMemoryEqualsDatabase([acme], domains: ["a.example.com"], addresses: [TestHouse.address])
    }

    @Test("a seat of the node's own that is gone, which memory was told of in between, is gone with the next step")
    func lateSeatBehindRefresh() async throws {
        let step = second.faults.hold(.commit)
        let claim = Task { [acme, second] in try await second.verdict(acme, "b.example.com") }
        try await step.reached()
        try await first.release(.all, of: acme)
        try await second.licensing.shared?.refresh([acme.id])
        step.letGo()
        _ = try await claim.value
        try await houses.follow(1)
        #expect(second.licensing.index.sizes.places == 0)
        #expect(second.licensing.index.license(acme.id)?.used == 0)
    }

    @Test("a place that went to another seat of its domain stays, and one that is gone then is gone everywhere")
    func placeMoves() async throws {
        try await first.execute(
            """
            INSERT INTO activations (id, license_id, seat_key, domain, ordinal, kind, first_seen, last_seen)
            SELECT 7, license_id, zeroblob(16), domain, 2, kind, first_seen, last_seen FROM activations
            """)
        try await first.execute("UPDATE seat_addresses SET activation_id = 7")
        #expect(try await first.count("SELECT count(*) FROM memory_removals WHERE activation_id <> 7") == 1)
        try await first.execute("DELETE FROM seat_addresses")
        #expect(try await first.count("SELECT count(*) FROM memory_removals WHERE activation_id = 7") == 1)
        try await houses.follow(1)
        #expect(second.licensing.index.sizes.places == 0)
    }
}

/// Notes of places that are gone, which are not kept for ever.
@Suite("A note that a place is gone", .onSharedDatabase)
struct RemovalNoteTests {
    private static let now = SystemWallClock().now()
    private let house: TestHouse
    private let acme: IssuedLicense

    init() async throws {
        house = try await TestHouse()
        acme = try await house.acme()
        #expect(try await house.verdict(acme, "a.example.com") == .valid)
    }

    private func notes() async throws -> Int64 { try await house.count("SELECT count(*) FROM memory_removals") }

    @Test("stays for longer than a node may be away that goes on where it was, and then goes")
    func kept() async throws {
        try await house.release(.all, of: acme)
        #expect(try await notes() == 1)
        try await house.licensing.pruneRemovals(at: Self.now + FeedSchema.removalsKept + .hours(1))
        #expect(try await notes() == 1)
        try await house.licensing.pruneRemovals(at: Self.now + .hours(26))
        #expect(try await notes() == 0)
    }

    @Test("is not missed by a node that was away for so long: it reads everything again")
    func away() async throws {
        let start = ContinuousClock.now
        let away = Mutex(Duration.zero)
        let node = try await house.secondService(
            feed: FeedProgress(now: { start.advanced(by: away.withLock { $0 }) }))
        try await house.release(.all, of: acme)
        try await house.licensing.pruneRemovals(at: Self.now + .hours(26))
        away.withLock { $0 = FeedSchema.removalsKept }
        #expect(try await MemoryFollower(node).poll(at: house.clock.now()) == [MemoryFollower.everything])
        #expect(node.index.sizes.places == 0)
        #expect(try await house.verdict(acme, "a.example.com", activates: false, in: node) == .notActivated)
    }
}
