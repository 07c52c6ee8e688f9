import Foundation
import Synchronization
import TestSupport
import Testing

@testable import LicenseClient

@Suite("The cache directory")
struct CacheTests {
    private let directory: TemporaryDirectory
    private let cache: LicenseCache
    private var soon: ContinuousClock.Instant { ContinuousClock.now + .seconds(300) }

    init() throws {
        directory = try TemporaryDirectory()
        cache = LicenseCache(directory: directory.path(of: "a/b/") + "/")
    }

    @Test("the directory is made with its parents, for its owner only; so are the files")
    func permissions() async throws {
        #expect(await cache.locked(before: soon) { cache.replace(.token, with: "t") } == true)
        #expect(try directory.permissions(of: "a/b") == 0o700)
        #expect(try directory.permissions(of: "a/b/token") == 0o600)
        #expect(try directory.permissions(of: "a/b/lock") == 0o600)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: directory.path(of: "a/b")).sorted() == [
                "lock", "token",
            ])
    }

    @Test("a file that others could read before is private after it is replaced")
    func narrowed() async throws {
        _ = await cache.locked(before: soon) { true }
        try directory.write("old", to: "a/b/token", permissions: 0o644)
        #expect(cache.replace(.token, with: "new"))
        #expect(try directory.permissions(of: "a/b/token") == 0o600)
        #expect(cache.read(.token) == .text("new"))
    }

    @Test("what is absent, what is no file, and what is too long are told apart from text")
    func contents() async throws {
        #expect(cache.read(.token) == .absent)
        _ = await cache.locked(before: soon) { true }
        #expect(cache.read(.token) == .absent)
        try FileManager.default.createDirectory(atPath: cache.path(of: .token), withIntermediateDirectories: false)
        #expect(cache.read(.token) == .unreadable)
        #expect(cache.replace(.memory, with: String(repeating: "x", count: 65_536)))
        #expect(cache.read(.memory).text?.count == 65_536)
        #expect(cache.replace(.memory, with: String(repeating: "x", count: 65_537)))
        #expect(cache.read(.memory) == .unreadable)
    }

    @Test("a file that cannot be written leaves the old one whole")
    func whole() async throws {
        _ = await cache.locked(before: soon) { cache.replace(.token, with: "old") }
        try FileManager.default.createDirectory(
            atPath: cache.path(of: .token) + ".new", withIntermediateDirectories: false)
        #expect(!cache.replace(.token, with: "new"))
        #expect(cache.read(.token) == .text("old"))
    }

    @Test("a link in the place of the temporary file is not followed")
    func link() async throws {
        _ = await cache.locked(before: soon) { true }
        try directory.write("precious", to: "victim")
        try FileManager.default.createSymbolicLink(
            atPath: cache.path(of: .token) + ".new", withDestinationPath: directory.path(of: "victim"))
        #expect(!cache.replace(.token, with: "new"))
        #expect(try directory.contents(of: "victim") == Array("precious".utf8))
    }

    @Test("one task at a time has the lock, of any number of caches")
    func exclusion() async {
        let room = Room()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    let mine = LicenseCache(directory: cache.directory)
                    _ = await mine.locked(before: soon) {
                        room.enter()
                        _ = mine.replace(.memory, with: "{}")
                        room.leave()
                    }
                }
            }
        }
        #expect(room.most == 1)
    }

    @Test("whoever cannot have the lock in time does without, and does not wait on")
    func deadline() async {
        _ = await cache.locked(before: soon) { true }
        let lock = HeldLock(cache)
        #expect(await cache.locked(before: ContinuousClock.now + .milliseconds(30)) { true } == nil)
        lock.release()
        #expect(await cache.locked(before: soon) { true } == true)
    }

    @Test("a path that is no directory gives no lock")
    func noDirectory() async throws {
        try directory.write("", to: "file")
        let cache = LicenseCache(directory: directory.path(of: "file"))
        #expect(await cache.locked(before: soon) { true } == nil)
        #expect(LicenseCache(directory: directory.path(of: "file") + "/x").isWritable == false)
    }
}

/// Counts who is in it.
private final class Room: Sendable {
    private let count = Mutex((inside: 0, most: 0))

    var most: Int { count.withLock { $0.most } }

    func enter() {
        count.withLock { count in
            count.inside += 1
            count.most = max(count.most, count.inside)
        }
    }

    func leave() { count.withLock { $0.inside -= 1 } }
}

/// The lock as another process holds it: by a descriptor of its own.
private struct HeldLock {
    private let descriptor: Int32

    init(_ cache: LicenseCache) {
        descriptor = open("\(cache.directory)/lock", O_RDWR)
        #expect(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
    }

    func release() { close(descriptor) }
}

@Suite("What is remembered")
struct CheckMemoryTests {
    private static func read(_ text: String) -> CheckMemory { CheckMemory(reading: .text(text), for: "me") }

    @Test("a memory is read back as it was written", arguments: SeededGenerator.seeds)
    func roundTrip(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let texts = ["", "VALID", "é \"quoted\" \\ \u{0} \n", String(repeating: "x", count: 500)]
        for _ in 0..<200 {
            var memory = CheckMemory(identity: "me")
            memory.provisionalSince = Int64(generator.number(0...1 << 53 - 1))
            memory.highestSeen = Int64(generator.number(0...1 << 53 - 1))
            memory.failures = Int64(generator.number(0...40))
            memory.nextAttempt = Int64(generator.number(0...1 << 53 - 1))
            memory.keysAsked = Int64(generator.number(0...1 << 53 - 1))
            memory.notice = generator.pick(texts)
            memory.refused = generator.pick(texts)
            memory.ended = generator.pick(texts)
            memory.message = generator.pick(texts)
            memory.notices = [LicenseNotice(code: "OVER_LIMIT", message: generator.pick(texts))]
            #expect(Self.read(memory.json) == memory)
        }
    }

    @Test(
        "a damaged file is a fresh memory that says so",
        arguments: [
            "", "{", "null", "[]", "\"x\"", "\u{FFFD}", #"{"failures":"many"}"#, #"{"next_attempt":{}}"#,
            #"{"ended":1}"#,
            #"{"failures":-1}"#, #"{"highest_seen":9223372036854775807}"#, #"{"failures":1,"failures":2}"#,
            #"{"failures":1.5}"#,
        ])
    func damage(text: String) {
        var fresh = CheckMemory(identity: "me")
        fresh.isDamaged = true
        #expect(Self.read(text) == fresh)
    }

    @Test("members that are missing or new are no damage")
    func otherReleases() {
        let memory = Self.read(#"{"for":"me","failures":2,"from_the_future":[1]}"#)
        #expect(memory.failures == 2)
        #expect(!memory.isDamaged)
    }

    @Test("of another key's memory only what must not start again is kept")
    func otherIdentity() {
        let memory = Self.read(#"{"for":"you","provisional_since":5,"highest_seen":6,"failures":7,"ended":"REVOKED"}"#)
        var expected = CheckMemory(identity: "me")
        expected.provisionalSince = 5
        expected.highestSeen = 6
        #expect(memory == expected)
    }

    @Test(
        "any change of one byte in a file is read or found to be damage, and nothing else",
        arguments: SeededGenerator.seeds)
    func anyByte(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var memory = CheckMemory(identity: "me")
        memory.failures = 3
        memory.nextAttempt = Fixtures.now
        let bytes = Array(memory.json.utf8)
        for index in bytes.indices {
            var changed = bytes
            changed[index] = UInt8(generator.number(0...255))
            let read = Self.read(String(decoding: changed, as: UTF8.self))
            #expect(read.identity == "me")
            #expect((0...(1 << 53 - 1)).contains(read.nextAttempt))
        }
    }
}
