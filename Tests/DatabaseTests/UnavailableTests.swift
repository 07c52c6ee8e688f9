import Database
import TestSupport
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

@Suite("A database file that cannot be written", .enabled(if: !TestDatabase.isShared, "files are SQLite's"))
struct UnavailableTests {
    @Test("because it is full says so, keeps what it had and takes changes again when there is room")
    func full() async throws {
        let notes = try await Notes()
        try await notes.insert("before")
        try await notes.limitPages(to: { $0 })
        let error = await #expect(throws: DatabaseError.self) {
            try await notes.database.write { transaction throws in
                for number in 0..<1000 { try Notes.insert("\(number) \(Self.long)", in: transaction) }
            }
        }
        #expect(error?.isUnavailable == true)
        #expect(try await notes.texts == ["before"])
        try await notes.limitPages(to: { _ in 1_000_000 })
        try await notes.insert("after")
        #expect(try await notes.texts == ["before", "after"])
    }

    @Test("because another program holds it says so, after waiting, and changes nothing")
    func locked() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path(of: "notes.db")
        let notes = try await Notes(path: path)
        try await notes.insert("before")
        let shell = try Shell(path)
        try shell.run("BEGIN EXCLUSIVE")
        let error = await #expect(throws: DatabaseError.self) { try await notes.insert("refused") }
        #expect(error?.isUnavailable == true)
        await #expect(throws: DatabaseError.self) { try await notes.database.checkWritable() }
        try shell.run("ROLLBACK")
        try await notes.database.checkWritable()
        try await notes.insert("after")
        #expect(try await notes.texts == ["before", "after"])
    }

    @Test("because another program held it when it was opened says so")
    func lockedAtOpening() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path(of: "notes.db")
        let shell = try Shell(path)
        try shell.run("CREATE TABLE t (a); BEGIN EXCLUSIVE")
        let error = #expect(throws: DatabaseError.self) { try SQLiteDriver.open(path: path) }
        #expect(error?.isUnavailable == true)
        try shell.run("ROLLBACK")
    }

    @Test("because its directory does not exist says so")
    func noDirectory() throws {
        let directory = try TemporaryDirectory()
        let error = #expect(throws: DatabaseError.self) {
            try SQLiteDriver.open(path: directory.path(of: "absent/notes.db"))
        }
        #expect(error?.isUnavailable == true)
    }

    /// In a process of its own, since the limit on the size of files holds for the whole process.
    @Test("after an output error is given up for good, and says so once to whoever ends the process")
    func outputError() async {
        await #expect(processExitsWith: .exitCode(7)) { exit(try await exitCodeAfterOutputError()) }
    }

    private static let long = String(repeating: "x", count: 2000)
}

/// 7 when everything was as it must be.
private func exitCodeAfterOutputError() async throws -> Int32 {
    let directory = try TemporaryDirectory()
    let told = StatementRecorder()
    let driver = try SQLiteDriver.open(path: directory.path(of: "notes.db"), onFailure: { told.record("\($0)") })
    let database = Database(driver: driver)
    try await database.migrate([Notes.migration], at: ManualClock.start)
    signal(SIGXFSZ, SIG_IGN)
    let usual = limitFileSize(to: 1)
    guard await failsForGood(database) else { return 1 }
    _ = limitFileSize(to: usual)
    // The disk is well again, but what it holds is unknown: no further write is tried.
    guard await failsForGood(database), told.take().count == 1 else { return 2 }
    return 7
}

/// Whether a write fails with `DatabaseError.failed`.
private func failsForGood(_ database: Database) async -> Bool {
    do {
        try await database.write { try Notes.insert("lost", in: $0) }
    } catch DatabaseError.failed {
        return true
    } catch {}
    return false
}

/// Makes every write that goes beyond `bytes` of any file fail with EFBIG; the limit that held before.
private func limitFileSize(to bytes: rlim_t) -> rlim_t {
    #if canImport(Glibc)
    let size = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
    #else
    let size = RLIMIT_FSIZE
    #endif
    var limit = rlimit()
    getrlimit(size, &limit)
    let usual = limit.rlim_cur
    limit.rlim_cur = bytes
    setrlimit(size, &limit)
    return usual
}

extension Notes {
    /// Lets the database have as many pages as `limit` makes of those it has.
    fileprivate func limitPages(to limit: @escaping @Sendable (Int64) -> Int64) async throws {
        try await database.write { transaction throws in
            let pages = try transaction.reading.count("PRAGMA page_count")
            _ = try transaction.reading.count("PRAGMA max_page_count = \(limit(pages))")
        }
    }
}

extension DatabaseError {
    fileprivate var isUnavailable: Bool { if case .unavailable = self { true } else { false } }
}
