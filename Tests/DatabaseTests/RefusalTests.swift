import Database
import TestSupport
import Testing

@Suite("A constraint")
struct ConstraintTests {
    @Test(
        "that refuses a change is a conflict that names it, and nothing remains",
        arguments: [
            (
                "INSERT INTO notes (text) VALUES ('taken')", .unique,
                TestDatabase.isShared ? "notes_texts_are_unique" : "notes.text"
            ),
            ("INSERT INTO notes (text) VALUES (NULL)", .notNull, TestDatabase.isShared ? "\"text\"" : "notes.text"),
            ("INSERT INTO notes (text, size) VALUES ('x', 0)", .check, "sizes_are_positive"),
            ("UPDATE notes SET text = 'guarded'", nil, "no guarded notes"),
        ] as [(String, DatabaseError.ConstraintKind?, String)])
    func conflict(sql: String, kind: DatabaseError.ConstraintKind?, name: String) async throws {
        let notes = try await Notes()
        try await notes.insert("taken")
        try await notes.database.write { transaction throws in
            let trigger = TestDatabase.trigger(
                "guard", "BEFORE UPDATE ON notes", when: "new.text = 'guarded'", says: "no guarded notes")
            for sql in trigger { try transaction.execute(sql) }
        }
        let error = await #expect(throws: DatabaseError.self) {
            try await notes.database.write { transaction throws in
                try Notes.insert("before", in: transaction)
                try transaction.execute(sql)
            }
        }
        guard case .conflict(let detail) = error else {
            Issue.record("not a conflict: \(String(describing: error))")
            return
        }
        #expect(detail.contains(name))
        #expect(error?.constraintKind == kind)
        #expect(try await notes.texts == ["taken"])
    }

    @Test("of a foreign key refuses at once")
    func foreignKey() async throws {
        let notes = try await Notes()
        let error = await #expect(throws: DatabaseError.self) {
            try await notes.database.write { _ = try $0.execute("INSERT INTO notes (text, parent) VALUES ('x', 99)") }
        }
        guard case .conflict = error else {
            Issue.record("not a conflict: \(String(describing: error))")
            return
        }
    }

    @Test("that a savepoint runs into undoes that savepoint alone")
    func inSavepoint() async throws {
        let notes = try await Notes()
        try await notes.insert("taken")
        try await notes.database.write { transaction throws in
            try Notes.insert("before", in: transaction)
            #expect(throws: DatabaseError.self) {
                try transaction.savepoint { inner -> Bool? in
                    try Notes.insert("inner", in: inner)
                    try Notes.insert("taken", in: inner)
                    return true
                }
            }
            try Notes.insert("after", in: transaction)
        }
        #expect(try await notes.texts == ["taken", "before", "after"])
    }

    @Test("has nothing to do with a wrong statement, which is a defect of ours")
    func wrongStatement() async throws {
        let notes = try await Notes()
        let error = await #expect(throws: DatabaseError.self) {
            try await notes.database.read { _ = try $0.count("SELECT nothing FROM notes") }
        }
        guard case .statement = error else {
            Issue.record("not a wrong statement: \(String(describing: error))")
            return
        }
    }
}
