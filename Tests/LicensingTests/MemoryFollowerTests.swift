import Database
import Journal
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import Licensing

/// Two nodes over one database: what happens on the house's own service, and one that follows.
private struct Pair {
    let house: TestHouse
    let other: LicensingService
    private let follower: MemoryFollower

    init() async throws {
        house = try await TestHouse()
        other = try await house.secondService()
        follower = MemoryFollower(other)
    }

    /// One step.
    func step() async throws -> Set<String> { try await follower.poll(at: house.clock.now()) }

    /// Steps until everything committed so far is there.
    @discardableResult
    func poll() async throws -> Set<String> { try await house.followOthers(in: other) }

    /// What the follower's node says to a call that takes no seat.
    func verdict(_ license: IssuedLicense, _ domain: String) async throws -> Verdict {
        try await house.verdict(license, domain, activates: false, in: other)
    }
}

@Suite(
    "Memory that follows other nodes", .enabled(if: TestDatabase.isShared, "one process has its database to itself"))
struct MemoryFollowerTests {
    @Test("knows after a step what another node issued, seated, suspended, reinstated and took away")
    func changes() async throws {
        let pair = try await Pair()
        let acme = try await pair.house.acme()
        try await pair.poll()
        #expect(try await pair.verdict(acme, "a.example.com") == .notActivated)
        #expect(try await pair.house.verdict(acme, "a.example.com") == .valid)
        try await pair.poll()
        #expect(try await pair.verdict(acme, "a.example.com") == .valid)
        try await pair.house.change(acme, .suspend)
        try await pair.poll()
        #expect(try await pair.verdict(acme, "a.example.com") == .suspended)
        try await pair.house.change(acme, .reinstate(liftingBilling: false))
        try await pair.house.release(.all, of: acme)
        try await pair.poll()
        #expect(try await pair.verdict(acme, "a.example.com") == .notActivated)
    }

    @Test("has a product's new policy for all its licenses")
    func products() async throws {
        let pair = try await Pair()
        let yesterday = pair.house.clock.now().date.adding(days: -1)
        let lapsed = try await pair.house.issue(seats: 3, expires: .through(yesterday), graceDays: 0)
        try await pair.house.update { $0.tokenDays = 7 }
        let product = try await pair.house.product()
        #expect(pair.other.catalog.product(product.id)?.version != product.version)
        try await pair.poll()
        #expect(pair.other.catalog.product(product.id)?.version == product.version)
        #expect(try await pair.verdict(lapsed, "a.example.com") == .expired)
    }

    @Test("misses no event whose transaction committed after a later one")
    func lateCommit() async throws {
        let pair = try await Pair()
        let (early, late) = (try await pair.house.acme(), try await pair.house.solo())
        try await pair.poll()
        // Takes its numbers first and commits last.
        let slow = await HeldTransaction(in: pair.house.database, gate: .shared) { [house = pair.house] in
            try house.append(of: early, in: $0)
        }
        try await pair.house.append(of: late)
        for _ in 0..<20 { #expect(try await pair.step() == [], "an older transaction is still running") }
        try await slow.letGo()
        #expect(try await pair.poll() == [early.id.description, late.id.description])
    }

    @Test("never counts on the number of a transaction without an event: after a crash it is given again")
    func numbersGivenAgain() async throws {
        let pair = try await Pair()
        let acme = try await pair.house.acme()
        try await pair.poll()
        let position = pair.other.feed.position
        try await pair.house.execute("UPDATE licenses SET version = version")
        for _ in 0..<20 { #expect(try await pair.step() == []) }
        #expect(pair.other.feed.position == position)
        #expect(try await pair.house.verdict(acme, "a.example.com") == .valid)
        try await pair.poll()
        #expect(pair.other.feed.position > position)
    }

    @Test("reads everything again when the epoch grows, and forgets what is not there any more")
    func epoch() async throws {
        let pair = try await Pair()
        let acme = try await pair.house.acme()
        #expect(try await pair.house.verdict(acme, "a.example.com") == .valid)
        try await pair.poll()
        #expect(try await pair.verdict(acme, "a.example.com") == .valid)
        // As a restore of an older database would leave it.
        try await pair.house.execute("DELETE FROM seat_addresses")
        try await pair.house.execute("DELETE FROM memory_removals")
        try await pair.house.execute("UPDATE licenses SET state = 'suspended'")
        #expect(try await pair.poll() == [])
        #expect(try await pair.verdict(acme, "a.example.com") == .valid, "nothing told of it")
        try await pair.house.execute("UPDATE journal_feed SET feed_epoch = feed_epoch + 1")
        #expect(try await pair.poll() == [MemoryFollower.everything])
        #expect(try await pair.verdict(acme, "a.example.com") == .suspended)
        #expect(pair.other.index.sizes.places == 0)
    }

    @Test("takes in many events in whole transactions, however few it looks at once")
    func batches() async throws {
        let pair = try await Pair()
        let house = pair.house
        let acme = try await house.acme()
        try await pair.poll()
        for events in [JournalFeed.eventsMax - 1, JournalFeed.eventsMax + 1, 3] {
            try await house.database.write { transaction in
                for _ in 0..<events { try house.append(of: acme, in: transaction) }
            }
        }
        let before = pair.other.feed.events
        #expect(try await pair.poll() == [acme.id.description])
        #expect(pair.other.feed.events - before == 2 * JournalFeed.eventsMax + 4, "and a mark")
        #expect(try await pair.poll() == [])
    }

    @Test("is told nothing of a commit that the follower has read already")
    func lateApply() async throws {
        let house = try await TestHouse()
        let acme = try await house.acme()
        let told = Mutex<[String]>([])
        house.database.follow(before: TransactionID(.max)) { told.withLock { $0.append("follower") } }
        try await house.database.write {
            try house.append(of: acme, in: $0)
        } committed: {
            told.withLock { $0.append("commit") }
        }
        #expect(told.withLock { $0 } == ["follower"])
    }
}

extension TestHouse {
    /// Stores an event of a license that changes nothing.
    fileprivate func append(of license: IssuedLicense, in transaction: WriteTransaction) throws {
        let event = Event(Event.Kind("license.noted"), subject: license.id.description, subjectVersion: 1) { _ in }
        try journal.append(event, by: provenance(), in: transaction)
    }

    fileprivate func append(of license: IssuedLicense) async throws {
        try await database.write(gate: .shared) { try self.append(of: license, in: $0) }
    }
}

@Suite("How far memory has followed")
struct FeedProgressTests {
    @Test("is told by the time since a reading began that saw everything")
    func age() {
        let time = Mutex(ContinuousClock.now)
        let progress = FeedProgress { time.withLock { $0 } }
        func horizon(_ settled: Int64, _ next: Int64) -> TransactionHorizon {
            TransactionHorizon(settled: TransactionID(settled), next: TransactionID(next))
        }
        let begun = progress.begin()
        time.withLock { $0 += .seconds(3) }
        progress.reach(TransactionID(7), events: 2, isLast: true, horizon(9, 9), begun: begun)
        #expect(progress.age == .seconds(3))
        time.withLock { $0 += .seconds(4) }
        progress.reach(TransactionID(9), events: 5, isLast: false, horizon(12, 12), begun: progress.begin())
        #expect(progress.age == .seconds(7), "a part is not everything")
        #expect(progress.position == TransactionID(9))
        #expect(progress.events == 7)
        progress.reach(TransactionID(9), events: 0, isLast: true, horizon(10, 14), begun: progress.begin())
        time.withLock { $0 += .seconds(1) }
        progress.reach(TransactionID(9), events: 0, isLast: true, horizon(10, 15), begun: progress.begin())
        #expect(progress.age == .seconds(8), "a transaction is still running, and what came after it is not in memory")
        progress.reach(TransactionID(9), events: 0, isLast: true, horizon(14, 16), begun: progress.begin())
        #expect(progress.age == .seconds(1), "all that the first of the three could have seen is there")
        progress.reach(TransactionID(9), events: 0, isLast: true, horizon(11, 11), begun: progress.begin())
        #expect(progress.age == .zero, "after a crash numbers begin lower")
        progress.restart(at: TransactionID(4), epoch: 2, begun: progress.begin())
        #expect(progress.age == .zero)
        #expect(progress.position == TransactionID(4), "another history begins where it begins")
    }
}
