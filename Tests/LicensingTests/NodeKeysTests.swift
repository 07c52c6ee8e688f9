import Cluster
import Database
import LicenseToken
import Licensing
import Primitives
import Secrets
import TestSupport
import Testing

/// Several nodes with directories of keys of their own.
@Suite("Signing keys over nodes", .enabled(if: TestDatabase.isShared, "a database in one file has one node"))
struct NodeKeysTests {
    private let directory: TemporaryDirectory
    private let clock = ManualClock()
    /// Keys of the first node and of the second.
    private let keys: [TemporaryDirectory]

    init() throws {
        directory = try TemporaryDirectory()
        keys = [try TemporaryDirectory(), try TemporaryDirectory()]
    }

    private func open(_ node: Int) async throws -> TestHouse {
        try await TestHouse(path: directory.path(of: "signet.db"), keys: keys[node], clock: clock)
    }

    /// Copies files, as an operator does.
    private func copy(_ prefix: String = "", from one: Int = 0, to other: Int = 1) throws {
        for name in try keys[one].names where name.hasPrefix(prefix) {
            if try keys[other].names.contains(name) { continue }
            try keys[other].write(String(decoding: try keys[one].contents(of: name), as: UTF8.self), to: name)
        }
    }

    /// Two nodes that serve, with the same files.
    private func two() async throws -> (TestHouse, TestHouse) {
        let first = try await open(0)
        try copy()
        let second = try await open(1)
        try await first.membership.join(as: .random())
        try await second.membership.join(as: .random())
        return (first, second)
    }

    private func rotate(_ house: TestHouse, force: Bool = false, dryRun: Bool = false) async throws -> KeySchedule {
        try await house.licensing.rotateKeys(at: nil, force: force, dryRun: dryRun, by: house.provenance())
    }

    private func kid(_ house: TestHouse, _ state: SigningKeyRecord.State) throws -> String {
        let schedule = house.licensing.keys.schedule(at: clock.now())
        return try #require(schedule.keys.last { schedule.state(of: $0, at: clock.now()) == state }).keyID
    }

    @Test("get their time when every node holds them")
    func everywhere() async throws {
        let (first, _) = try await two()
        let next = try kid(first, .next)
        #expect(try await rotate(first).pending(at: clock.now())?.keyID == next)
    }

    @Test("get no time while a node that lives lacks the file, which is named with the node; none was made for it")
    func lacking() async throws {
        let (first, second) = try await two()
        clock.advance(by: .days(20))
        let next = try kid(first, .next)
        try keys[1].remove("signing-\(next)")
        try await first.membership.beat()
        try await second.membership.beat()
        for dryRun in [true, false] {
            await #expect(throws: SigningKeyRefusal.notEverywhere(next, nodes: ["house"])) {
                try await rotate(first, dryRun: dryRun)
            }
        }
        #expect(
            try await first.licensing.keys.lackingNodes(at: clock.now()) == [
                try kid(first, .current): [], next: ["house"],
            ])
        #expect(try keys[0].names.count { $0.hasPrefix("signing-") } == 2)
        #expect(try await first.count("SELECT count(*) FROM signing_keys") == 2)
        // The file is back: the next sign of life tells.
        try copy()
        try await second.membership.beat()
        #expect(try await rotate(first).current(at: clock.now()).keyID == next)
    }

    @Test("are not held up by a node that is dead")
    func dead() async throws {
        let (first, second) = try await two()
        let next = try kid(first, .next)
        try keys[1].remove("signing-\(next)")
        try await second.membership.beat()
        clock.advance(by: Node.liveFor + .seconds(1))
        try await first.membership.beat()
        #expect(try await rotate(first).pending(at: clock.now())?.keyID == next)
    }

    @Test("sign all the same when forced, and a node without the file gives no tokens and is not ready until it has it")
    func forced() async throws {
        let (first, second) = try await two()
        let license = try await second.solo()
        #expect(try await second.validate(license.key, domain: "example.com").token != nil)
        // The key that the first rotation publishes is on the first node alone; the second one lets it sign.
        for _ in 0..<2 {
            clock.advance(by: .seconds(1))
            _ = try await rotate(first, force: true)
        }
        let current = try kid(first, .current)
        try await second.licensing.keys.reload(at: clock.now())
        let answer = try await second.validate(license.key, domain: "example.com")
        #expect(answer.verdict.isValid && answer.token == nil)
        await #expect(throws: SigningKeyRefusal.fileMissing(current)) { try await second.licensing.checkReady() }
        let missing = SecretsError.missing(path: keys[1].path(of: "signing-\(current)"))
        #expect(throws: missing) { try second.licensing.keys.checkFiles(at: clock.now()) }
        try copy("signing-")
        try await second.membership.beat()
        try await second.licensing.checkReady()
        let token = try await second.validate(license.key, domain: "example.com").token
        #expect(try first.verify(token, domain: "example.com").licenseID == license.id.description)
    }

    @Test("are not taken over, even forced, where nobody holds the file")
    func nowhere() async throws {
        let (first, second) = try await two()
        let license = try await first.solo()
        let next = try kid(first, .next)
        for directory in keys { try directory.remove("signing-\(next)") }
        try await second.membership.beat()
        let third = try await TestHouse(path: directory.path(of: "signet.db"), keys: keys[1], clock: clock)
        try await first.membership.beat()
        clock.advance(by: .days(20))
        try await second.membership.beat()
        try await first.membership.beat()
        await #expect(throws: SigningKeyRefusal.notEverywhere(next, nodes: ["house", "house"])) {
            try await rotate(third, force: true)
        }
        #expect(try await first.validate(license.key, domain: "example.com").token != nil)
    }

    @Test("without a time may be missing at a start; one that signs, or will at a set time, stops it and is named")
    func start() async throws {
        let (first, second) = try await two()
        let (current, next) = (try kid(first, .current), try kid(first, .next))
        try keys[1].remove("signing-\(next)")
        _ = try await open(1)
        try copy()
        try await second.membership.beat()
        _ = try await rotate(first)
        // The rotation published a third key, on the first node alone.
        _ = try await open(1)
        for needed in [current, next] {
            try keys[1].remove("signing-\(needed)")
            let missing = SecretsError.missing(path: keys[1].path(of: "signing-\(needed)"))
            await #expect(throws: missing) { try await open(1) }
            try copy("signing-\(needed)")
        }
    }

    @Test("and secrets of a database stop a node that has not the files, and none are made there")
    func emptyDirectory() async throws {
        _ = try await open(0)
        await #expect(throws: SecretsError.missing(path: keys[1].path(of: "data-1"))) { try await open(1) }
        #expect(try keys[1].names.isEmpty)
        try copy("data-")
        try copy("pepper-")
        let error = await #expect(throws: SecretsError.self) { try await open(1) }
        #expect("\(try #require(error))".contains("signing-"))
    }

    @Test("are one set, and so are the secrets, when nodes with one directory start at once on an empty database")
    func firstStarts() async throws {
        for round in 0..<5 {
            let (path, shared) = (directory.path(of: "first-\(round)"), try TemporaryDirectory())
            let houses = try await withThrowingTaskGroup(of: TestHouse.self) { group in
                for _ in 0..<3 { group.addTask { try await TestHouse(path: path, keys: shared, clock: clock) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let documents = Set(houses.map { $0.licensing.keys.document(at: clock.now()).tag })
            #expect(documents.count == 1)
            #expect(try await houses[0].count("SELECT count(*) FROM signing_keys") == 2)
            #expect(try shared.names.count == 4)
            let license = try await houses[0].solo()
            #expect(try await houses[2].secondService().license(license.id) != nil)
        }
    }

    @Test("destroyed on one node are removed on the others")
    func destroyed() async throws {
        let (first, second) = try await two()
        let old = try kid(first, .current)
        clock.advance(by: .days(20))
        for house in [first, second] { try await house.membership.beat() }
        _ = try await rotate(first)
        clock.advance(by: .days(200))
        _ = try await first.licensing.keys.destroy([old], dryRun: false, by: first.provenance())
        #expect(try keys[1].names.contains("signing-\(old)"))
        try await second.licensing.keys.reload(at: clock.now())
        try await second.membership.beat()
        #expect(try !keys[1].names.contains("signing-\(old)"))
    }
}
