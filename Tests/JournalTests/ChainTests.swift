import Database
import Primitives
import TestSupport
import Testing

@testable import Journal

@Suite("The journal's hash chain")
struct ChainTests {
    @Test("seals every event, and finds a sound journal sound")
    func sound() async throws {
        let desk = try await ChainDesk()
        #expect(try await desk.chain.verify().unsealed == ChainDesk.count)
        try await desk.chain.sealAll()
        let report = try await desk.chain.verify()
        #expect(report.flaw == nil)
        #expect(report.checked == ChainDesk.count)
        #expect(report.head?.sequence == ChainDesk.count)
        #expect(report.unsealed == 0)
        #expect(try await desk.chain.head() == report.head)
        try await desk.append(2)
        #expect(try await desk.chain.verify().unsealed == 2)
        #expect(try await desk.chain.verify(anchor: report.head).flaw == nil)
    }

    @Test("is that of another program, which knows the documented layout only")
    func vector() async throws {
        let desk = try await ChainDesk(events: 0)
        try await desk.database.write { transaction in
            let insert = """
                INSERT INTO journal
                    (id, type, type_version, subject, subject_version, data, actor, request_id, at)
                VALUES (?, ?, ?, 'lic_0000000000001', ?, ?, ?, ?, ?)
                """
            try transaction.execute(
                insert, -2, "license.created", 1, 1, #"{"name":"Müller"}"#, "uid:0/login:1000", "req-1",
                1_795_435_200_000)
            try transaction.execute(insert, Int.max, "license.suspended", 2, 2, "{}", "signet", "", -1)
        }
        #expect(try await desk.chain.seal() == 2)
        let first = "cbfbcf2f43e999c48b1b1063533df3dbd47e83d6d490a0469ed9bbc2e41932cf"
        let second = "0eb1c8ae67c8cdd41bdcd6dfd981257a2152d3238e328cb8dba617ff286f9b3b"
        #expect(try await desk.chain.verify().head?.description == "2:\(second)")
        let stored = try await desk.database.read { try $0.all("SELECT hash FROM journal_chain") { $0.blob(0) } }
        #expect(stored.map(Hexadecimal.encode) == [first, second])
    }

    @Test("covers every column that the journal has")
    func columns() async throws {
        let desk = try await ChainDesk(events: 0)
        let names = try await desk.database.read { transaction in
            try transaction.all(
                TestDatabase.isShared
                    ? "SELECT attname FROM pg_attribute WHERE attrelid = 'journal'::regclass AND attnum > 0"
                        + " ORDER BY attnum"
                    : "SELECT name FROM pragma_table_info('journal') ORDER BY cid"
            ) { $0.text(0) }
        }
        #expect(names.map { "j.\($0)" }.joined(separator: ", ") == ChainedEvent.columns)
        #expect(names.count == ChainedEvent.columnCount)
    }

    @Test("is added in bounded transactions, and in none when there is nothing to seal")
    func batches() async throws {
        let desk = try await ChainDesk(events: 1200)
        var sealed: [Int] = []
        repeat { sealed.append(try await desk.chain.seal()) } while sealed.last != 0
        #expect(sealed == [JournalChain.batchMax, JournalChain.batchMax, 200, 0])
        #expect(try await desk.chain.verify().checked == 1200)
    }

    @Test("is checked in parts with the same result", arguments: [1, 5, 12, 13])
    func parts(eventsMax: Int) async throws {
        let desk = try await ChainDesk()
        try await desk.chain.sealAll()
        let anchor = try await desk.chain.head()
        try await desk.append(3)
        var (next, checked): (Int64?, Int64) = (nil, 0)
        var last = ChainReport()
        repeat {
            last = try await desk.chain.verify(from: next, anchor: anchor, eventsMax: eventsMax)
            #expect(last.checked <= Int64(eventsMax))
            checked += last.checked
            next = last.next
        } while next != nil && last.flaw == nil
        #expect(last.flaw == nil)
        #expect(checked == ChainDesk.count)
        #expect(last.unsealed == 3)
    }

    @Test("may be checked from any event on; what lies before is taken as it is")
    func fromTheMiddle() async throws {
        let desk = try await ChainDesk()
        try await desk.chain.sealAll()
        #expect(try await desk.chain.verify(from: 5).checked == 8)
        #expect(try await desk.chain.verify(from: 12).checked == 1)
        let end = try await desk.chain.verify(from: 13)
        #expect(end.flaw == nil)
        #expect(end.checked == 0)
        #expect(end.head?.sequence == 12)
        #expect(try await desk.chain.verify(from: 99).flaw == nil)
    }

    @Test(
        "from an event on does not see what was changed before", .enabled(if: !TestDatabase.isShared, "alters a file"))
    func changedBefore() async throws {
        let desk = try await ChainDesk()
        try await desk.chain.sealAll()
        let change = "UPDATE journal SET actor = 'nobody' WHERE sequence = 4"
        #expect(try await desk.report(after: change, from: 4).flaw == ChainFlaw(kind: .changed, sequence: 4))
        #expect(try await desk.report(after: change, from: 5).flaw == nil)
    }

    @Test(
        "is written as an anchor and read back, and nothing else is",
        arguments: [
            "", "1", "1:", ":00", "0:\(String(repeating: "0", count: 64))", "1:\(String(repeating: "0", count: 63))",
            "1:\(String(repeating: "A", count: 64))", "1:\(String(repeating: "0", count: 64)):", "-1:00",
        ])
    func anchorText(bad: String) async throws {
        let desk = try await ChainDesk(events: 1)
        try await desk.chain.seal()
        let head = try #require(try await desk.chain.head())
        #expect(ChainLink(text: head.description) == head)
        #expect(ChainLink(text: bad) == nil)
    }
}
