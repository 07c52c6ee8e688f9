import Database
import TestSupport
import Testing

@Suite("The lock of a data directory")
struct DataDirectoryLockTests {
    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.path(of: "signet.lock")
    }

    @Test("is held by one, and tells the next who that is")
    func held() throws {
        let first = try DataDirectoryLock(path: path, holder: "process 42 (signet serve)")
        let refusal = #expect(throws: DataDirectoryLock.Held.self) {
            try DataDirectoryLock(path: path, holder: "process 43")
        }
        #expect(refusal?.holder == "process 42 (signet serve)")
        #expect(refusal?.path == path)
        withExtendedLifetime(first) {}
        #expect(try directory.permissions(of: "signet.lock") == 0o600)
        #expect(try directory.contents(of: "signet.lock") == [UInt8]("process 42 (signet serve)\n".utf8))
    }

    @Test("is free again once its holder is gone")
    func letGo() throws {
        var first: DataDirectoryLock? = try DataDirectoryLock(path: path, holder: "a name that is rather long")
        #expect(throws: DataDirectoryLock.Held.self) { try DataDirectoryLock(path: path, holder: "second") }
        withExtendedLifetime(first) {}
        first = nil
        let second = try DataDirectoryLock(path: path, holder: "short")
        #expect(try directory.contents(of: "signet.lock") == [UInt8]("short\n".utf8))
        withExtendedLifetime(second) {}
    }

    @Test("is free again once it is released, and says nothing of the earlier holder")
    func released() throws {
        let first = try DataDirectoryLock(path: path, holder: "first")
        first.release()
        #expect(try directory.contents(of: "signet.lock") == [])
        _ = try DataDirectoryLock(path: path, holder: "second")
        withExtendedLifetime(first) {}
    }

    @Test("that was left behind by a process that was killed is no lock")
    func stale() throws {
        try directory.write("process 1 (gone)\n", to: "signet.lock")
        let lock = try DataDirectoryLock(path: path, holder: "me")
        #expect(try directory.contents(of: "signet.lock") == [UInt8]("me\n".utf8))
        withExtendedLifetime(lock) {}
    }

    @Test("of a directory that does not exist is unavailable, not held")
    func noDirectory() {
        #expect(throws: DatabaseError.self) {
            try DataDirectoryLock(path: directory.path(of: "absent/signet.lock"), holder: "me")
        }
    }
}

@Suite("A page")
struct PageTests {
    @Test("has a number from 1 and 1 to 500 items")
    func range() {
        #expect(Page(number: 1, perPage: 500)?.offset == 0)
        #expect(Page(number: 3, perPage: 20)?.offset == 40)
        #expect(Page() == Page(number: 1, perPage: 50))
        for (number, perPage) in [(0, 50), (-1, 50), (1, 0), (1, 501), (1, -1), (Int(Int32.max) + 1, 1), (.max, 500)] {
            #expect(Page(number: number, perPage: perPage) == nil)
        }
        #expect(Page(number: Int(Int32.max), perPage: 500)?.offset == (Int(Int32.max) - 1) * 500)
    }
}
