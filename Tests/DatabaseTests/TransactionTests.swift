import Database
import Synchronization
import TestSupport
import Testing

@Suite("A transaction")
struct TransactionTests {
    @Test("is stored when its body returns")
    func commits() async throws {
        let notes = try await Notes()
        try await notes.insert("a")
        #expect(try await notes.texts == ["a"])
    }

    @Test("leaves nothing when its body throws, and the error arrives as it was thrown")
    func rollsBack() async throws {
        let notes = try await Notes()
        await #expect(throws: Refused()) {
            try await notes.database.write { transaction throws in
                try Notes.insert("a", in: transaction)
                throw Refused()
            }
        }
        #expect(try await notes.texts == [])
        try await notes.insert("b")
        #expect(try await notes.texts == ["b"])
    }

    @Test("as a dry run says what would be and leaves nothing")
    func dryRun() async throws {
        let notes = try await Notes()
        let count = try await notes.database.write(dryRun: true) { transaction in
            try Notes.insert("a", in: transaction)
            return try transaction.reading.count("SELECT count(*) FROM notes")
        }
        #expect(count == 1)
        #expect(try await notes.texts == [])
    }

    @Test("goes on after a savepoint whose body returned nil or threw, without that one's changes")
    func savepoints() async throws {
        let notes = try await Notes()
        try await notes.database.write { transaction throws in
            try Notes.insert("before", in: transaction)
            let refused: Bool? = try transaction.savepoint { inner in
                try Notes.insert("refused", in: inner)
                return nil
            }
            #expect(refused == nil)
            #expect(throws: Refused()) {
                try transaction.savepoint { inner -> Bool? in
                    try Notes.insert("thrown", in: inner)
                    throw Refused()
                }
            }
            let kept: Int? = try transaction.savepoint { inner in
                try Notes.insert("kept", in: inner)
                return 7
            }
            #expect(kept == 7)
            try Notes.insert("after", in: transaction)
        }
        #expect(try await notes.texts == ["before", "kept", "after"])
    }

    @Test("undoes an inner savepoint with the outer one")
    func nestedSavepoints() async throws {
        let notes = try await Notes()
        try await notes.database.write { transaction throws in
            let outer: Bool? = try transaction.savepoint { outer in
                let inner: Bool? = try outer.savepoint { inner in
                    try Notes.insert("inner", in: inner)
                    return true
                }
                #expect(inner == true)
                return nil
            }
            #expect(outer == nil)
        }
        #expect(try await notes.texts == [])
    }

    @Test("is finished although the task that asked for it was canceled")
    func cancellation() async throws {
        let notes = try await Notes()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await notes.insert("a")
        }
        try await task.value
        #expect(try await notes.texts == ["a"])
    }

    @Test("keeps each kind of value as it was")
    func values() async throws {
        let notes = try await Notes()
        let read = try await notes.database.write { transaction throws in
            try transaction.reading.first(
                "SELECT ?, ?, ?, ?, ?, ?", Int64.min, true, "ü 💩", [UInt8]([0, 255]), [UInt8](), String?.none
            ) { row in
                #expect(row.isNull(5) && row.optionalText(5) == nil && row.optionalInteger(5) == nil)
                #expect(row.bool(1))
                return (0..<6).map { row.value($0) }
            }
        }
        #expect(read == [.integer(.min), .integer(1), .text("ü 💩"), .blob([0, 255]), .blob([]), .null])
    }

    @Test("reads all rows, the first, or one after another")
    func reading() async throws {
        let notes = try await Notes()
        for text in ["a", "b", "c"] { try await notes.insert(text) }
        try await notes.database.read { transaction throws in
            let sql = "SELECT text FROM notes WHERE text >= ? ORDER BY text"
            #expect(try transaction.all(sql, "b") { $0.text(0) } == ["b", "c"])
            #expect(try transaction.all(sql, arguments: [.text("c")]) { $0.text(0) } == ["c"])
            #expect(try transaction.first(sql, "b") { $0.text(0) } == "b")
            #expect(try transaction.first(sql, "x") { $0.text(0) } == nil)
            #expect(try transaction.count("SELECT count(*) FROM notes") == 3)
            #expect(try transaction.count("SELECT id FROM notes WHERE text = ?", arguments: [.text("x")]) == 0)
            var seen = ""
            try transaction.forEach(sql, "a") { seen += $0.text(0) }
            #expect(seen == "abc")
        }
    }

    @Test("says how many rows a statement changed")
    func changedRows() async throws {
        let notes = try await Notes()
        for text in ["a", "b", "c"] { try await notes.insert(text) }
        try await notes.database.write { transaction throws in
            #expect(try transaction.execute("UPDATE notes SET size = 1 WHERE text > ?", "a") == 2)
            #expect(try transaction.execute("UPDATE notes SET size = 1 WHERE text > ?", "x") == 0)
        }
    }
}

@Suite("What follows a commit")
struct CommittedTests {
    @Test("comes in commit order, before the next transaction and before the writer has its answer")
    func order() async throws {
        let notes = try await Notes()
        let applied = Applied()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...100 {
                group.addTask {
                    let mine = try await notes.database.write { transaction throws in
                        try Notes.insert("\(number)", in: transaction)
                        let stored = try transaction.reading.count("SELECT count(*) FROM notes")
                        #expect(applied.all.count == Int(stored) - 1, "every earlier commit was followed up")
                        return stored
                    } committed: {
                        applied.append($0)
                    }
                    #expect(applied.all.contains(mine))
                }
            }
            try await group.waitForAll()
        }
        #expect(applied.all == Array(1...100))
    }

    @Test("does not come after a dry run, a refusal or a failed statement")
    func notCommitted() async throws {
        let notes = try await Notes()
        let applied = Applied()
        _ = try await notes.database.write(dryRun: true) { _ in
            1
        } committed: {
            applied.append($0)
        }
        await #expect(throws: Refused()) {
            _ = try await notes.database.write { _ -> Int64 in
                throw Refused()
            } committed: {
                applied.append($0)
            }
        }
        await #expect(throws: DatabaseError.self) {
            _ = try await notes.database.write { transaction -> Int64 in
                try transaction.execute("INSERT INTO notes (text) VALUES (NULL)")
                return 3
            } committed: {
                applied.append($0)
            }
        }
        #expect(applied.all == [])
    }

    private final class Applied: Sendable {
        private let numbers = Mutex([Int64]())
        var all: [Int64] { numbers.withLock { $0 } }
        func append(_ number: Int64) { numbers.withLock { $0.append(number) } }
    }
}
