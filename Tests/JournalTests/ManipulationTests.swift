import Journal
import TestSupport
import Testing

/// Each way to manipulate the journal (reliability notes §6, row 26), on the file itself.
@Suite("The journal's hash chain finds", .enabled(if: !TestDatabase.isShared, "alters a file"))
struct ManipulationTests {
    private let desk: ChainDesk

    init() async throws {
        desk = try await ChainDesk()
        try await desk.chain.sealAll()
    }

    @Test(
        "a change of any column of any event",
        arguments: [
            "id = id + 1", "xid = 1", "type = type || 'x'", "type_version = 2", "subject = 'sample:x'",
            "subject_version = 2", "data = replace(data, '}', ' }')", "actor = 'uid:1'", "request_id = ''",
            "at = at - 1",
            // Bytes that a reader of texts could overlook.
            "data = data || char(0) || 'x'", "data = CAST(CAST(data AS BLOB) || x'ff' AS TEXT)",
            // The same bytes in a row, parted elsewhere: what a hash without lengths cannot tell.
            "data = substr(data, 1, length(data) - 1), actor = substr(data, -1) || actor",
            "actor = substr(actor, 1, 4), request_id = substr(actor, 5) || request_id",
        ])
    func change(assignment: String) async throws {
        for sequence in 1...ChainDesk.count {
            let report = try await desk.report(after: "UPDATE journal SET \(assignment) WHERE sequence = \(sequence)")
            #expect(report.flaw == ChainFlaw(kind: .changed, sequence: sequence), "\(assignment) of \(sequence)")
            #expect(report.checked == sequence - 1)
        }
    }

    @Test("an event with another number, or another time of any event, or a changed seal")
    func numbersAndSeals() async throws {
        for sequence in 1...ChainDesk.count {
            let moved = try await desk.report(
                after: "UPDATE journal SET sequence = 1000 WHERE sequence = \(sequence)")
            #expect(moved.flaw == ChainFlaw(kind: .missing, sequence: sequence))
            let seal = try await desk.report(
                after: "UPDATE journal_chain SET hash = zeroblob(32) WHERE sequence = \(sequence)")
            #expect(seal.flaw == ChainFlaw(kind: .changed, sequence: sequence))
        }
    }

    @Test("an event that was taken away, with its seal or without", arguments: [1, 2, 7, 11, 12])
    func deletion(sequence: Int64) async throws {
        let event = "DELETE FROM journal WHERE sequence = \(sequence);"
        let seal = "DELETE FROM journal_chain WHERE sequence = \(sequence);"
        let missing = ChainFlaw(kind: .missing, sequence: sequence)
        #expect(try await desk.report(after: event).flaw == missing)
        let isLast = sequence == ChainDesk.count
        let both = try await desk.report(after: event + seal)
        #expect(both.flaw == (isLast ? nil : missing), "the last one with its seal needs an anchor")
        let anchored = try await desk.report(after: event + seal, anchor: try await desk.chain.head())
        #expect(anchored.flaw == (isLast ? ChainFlaw(kind: .cut, sequence: sequence) : missing))
        let unsealed = try await desk.report(after: seal)
        #expect(unsealed.flaw == (isLast ? nil : ChainFlaw(kind: .unsealed, sequence: sequence)))
    }

    @Test(
        "two events in each other's place, with their seals or without", arguments: [(1, 2), (3, 9), (11, 12), (1, 12)])
    func swap(first: Int64, second: Int64) async throws {
        func swapped(_ table: String) -> String {
            """
            UPDATE \(table) SET sequence = -1 WHERE sequence = \(first);
            UPDATE \(table) SET sequence = \(first) WHERE sequence = \(second);
            UPDATE \(table) SET sequence = \(second) WHERE sequence = -1;
            """
        }
        let flaw = ChainFlaw(kind: .changed, sequence: first)
        #expect(try await desk.report(after: swapped("journal")).flaw == flaw)
        #expect(try await desk.report(after: swapped("journal_chain")).flaw == flaw)
        #expect(try await desk.report(after: swapped("journal") + swapped("journal_chain")).flaw == flaw)
    }

    @Test(
        "an event that was put in, unless it is the next one: that is what every writer does",
        arguments: [
            (0, ChainFlaw(kind: .inserted, sequence: 0)), (-7, ChainFlaw(kind: .inserted, sequence: -7)),
            (14, ChainFlaw(kind: .missing, sequence: 13)), (.max, ChainFlaw(kind: .missing, sequence: 13)), (13, nil),
        ] as [(Int64, ChainFlaw?)])
    func insertion(sequence: Int64, flaw: ChainFlaw?) async throws {
        let insert = """
            INSERT INTO journal
                (sequence, id, type, type_version, subject, subject_version, data, actor, request_id, at)
            SELECT \(sequence), id + 1, type, type_version, subject, subject_version, data, actor, request_id, at
            FROM journal WHERE sequence = 12;
            """
        let report = try await desk.report(after: insert)
        #expect(report.flaw == flaw)
        #expect(report.unsealed == (flaw == nil ? 1 : 0))
    }

    @Test("a journal without its end, by an anchor", arguments: [0, 1, 8, 11])
    func cut(kept: Int64) async throws {
        let anchor = try await desk.chain.head()
        let seals = "DELETE FROM journal_chain WHERE sequence > \(kept);"
        let events = "DELETE FROM journal WHERE sequence > \(kept);"
        #expect(try await desk.report(after: seals + events).flaw == nil, "what is left is whole")
        let cut = try await desk.report(after: seals + events, anchor: anchor)
        #expect(cut.flaw == ChainFlaw(kind: .cut, sequence: kept + 1))
        let seal = try await desk.report(after: seals, anchor: anchor)
        #expect(seal.flaw == ChainFlaw(kind: .unsealed, sequence: kept + 1))
    }

    @Test("a journal that was changed and sealed anew, by an anchor", arguments: [1, 6, 12])
    func sealedAnew(sequence: Int64) async throws {
        let anchor = try await desk.chain.head()
        let sql = """
            DELETE FROM journal_chain WHERE sequence >= \(sequence);
            UPDATE journal SET actor = 'uid:1' WHERE sequence = \(sequence);
            """
        #expect(try await desk.report(after: sql, resealed: true).flaw == nil)
        let report = try await desk.report(after: sql, anchor: anchor, resealed: true)
        #expect(report.flaw == ChainFlaw(kind: .anchorDiffers, sequence: ChainDesk.count))
        let later = try await desk.report(after: sql, from: ChainDesk.count + 1, anchor: anchor, resealed: true)
        #expect(later.flaw == ChainFlaw(kind: .anchorDiffers, sequence: ChainDesk.count))
    }
}
