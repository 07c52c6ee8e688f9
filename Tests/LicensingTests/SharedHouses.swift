import Database
import Foundation
import Journal
import TestSupport
import Testing

@testable import Licensing

extension Trait where Self == ConditionTrait {
    /// For what only a database has that other nodes write to.
    static var onSharedDatabase: Self {
        .enabled(if: TestDatabase.isShared, "One process writes to SQLite: there are no other nodes.")
    }
}

/// Several nodes over one database: each with its own connections and its own memory, which follows when it is told to.
struct SharedHouses {
    let nodes: [TestHouse]

    var first: TestHouse { nodes[0] }

    init(_ count: Int, settings: LicensingService.Settings = TestHouse.settings) async throws {
        let (directory, clock) = (try TemporaryDirectory(), ManualClock())
        var nodes: [TestHouse] = []
        for _ in 0..<count {
            nodes.append(
                try await TestHouse(
                    path: directory.path(of: "shared"), keys: nodes.first?.secretsDirectory ?? TemporaryDirectory(),
                    clock: clock, settings: settings))
        }
        self.nodes = nodes
    }

    subscript(number: Int) -> TestHouse { nodes[number % nodes.count] }

    /// Lets a node follow until everything that was committed before is in its memory; the subjects that changed.
    @discardableResult
    func follow(_ number: Int) async throws -> Set<String> { try await self[number].followOthers() }

    /// What every license and seat must be after anything: the rules between rows, and no version given twice.
    func expectSound(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        #expect(try await first.inconsistencies() == [], sourceLocation: sourceLocation)
        let doubled = try await first.texts(
            """
            SELECT subject || ' ' || subject_version FROM journal
            WHERE type IN ('activation.created', 'activation.moved', 'activation.address_added')
            GROUP BY subject, subject_version HAVING count(*) > 1
            """)
        #expect(doubled == [], "versions given twice", sourceLocation: sourceLocation)
        let miscounted = try await first.texts(
            """
            SELECT l.id || ' ' || l.used FROM licenses l WHERE l.used <> (SELECT count(*) FROM activations a
            WHERE a.license_id = l.id AND a.released_at IS NULL AND a.kind <> 'staging')
            """)
        #expect(miscounted == [], "seats that are taken are those that are counted", sourceLocation: sourceLocation)
    }
}

extension TestHouse {
    /// Steps of the follower of `service`, or of the house's own, until everything that was committed before this call
    /// is in its memory; the subjects that changed. What holds the feed back are the transactions of all tests on the
    /// server, which end. Throws `InVain`.
    @discardableResult
    func followOthers(in service: LicensingService? = nil) async throws -> Set<String> {
        let follower = MemoryFollower(service ?? licensing)
        let mark = "mark:\(UUID().uuidString)"
        try await database.write(gate: .shared) { transaction in
            let event = Event(Event.Kind("test.marked"), subject: mark, subjectVersion: 1) { _ in }
            try self.journal.append(event, by: self.provenance(), in: transaction)
        }
        var subjects: Set<String> = []
        try await eventually("the feed comes to a mark") {
            subjects.formUnion(try await follower.poll(at: clock.now()))
            return subjects.contains(mark) || subjects.contains(MemoryFollower.everything)
        }
        return subjects.filter { !$0.hasPrefix("mark:") }
    }
}
