import Customers
import Database
import Foundation
import Journal
import Primitives
import Secrets
import TestSupport

/// A journal of `count` sealed events in a file, of which copies may be manipulated.
struct ChainDesk: Sendable {
    static let count: Int64 = 12

    let database: Database
    let chain: JournalChain
    private let directory: TemporaryDirectory
    private let journal: Journal

    init(events: Int64 = count) async throws {
        directory = try TemporaryDirectory()
        database = try await TestDatabase.open(path: directory.path(of: "signet.db"))
        try await database.migrate(
            Secrets.migrations + Journal.migrations + CustomerStore.migrations, at: ManualClock.start)
        let secrets = try await Secrets.open(
            SecretsDirectory(path: directory.path(of: "keys")), database: database, at: ManualClock.start)
        journal = Journal(customerKeys: CustomerKeys(secrets: secrets))
        chain = JournalChain(database: database)
        try await append(events)
    }

    func append(_ count: Int64) async throws {
        let journal = journal
        try await database.write { transaction in
            for number in 0..<count {
                let event = Event(Event.Kind("sample.changed"), subject: "sample:\(number)", subjectVersion: 1) {
                    facts in
                    facts.member("number", number)
                }
                let provenance = Provenance(
                    actor: "uid:0", requestID: "req-\(number)", at: ManualClock.start + .seconds(number))
                try journal.append(event, by: provenance, in: transaction)
            }
        }
    }

    /// What a check finds in a copy of the file after `sql` was run on it. `resealed` lets the sealer go over it first.
    func report(
        after sql: String, from first: Int64? = nil, anchor: ChainLink? = nil, resealed: Bool = false
    ) async throws -> ChainReport {
        let copy = directory.path(of: "copy-\(UUID().uuidString).db")
        try await database.backUp(to: copy, migrations: [])
        guard try RawFile(copy).run(sql) > 0 else { throw Unchanged(sql: sql) }
        let database = Database(driver: try SQLiteDriver.open(path: copy))
        let chain = JournalChain(database: database)
        if resealed { try await chain.sealAll() }
        let report = try await chain.verify(from: first, anchor: anchor)
        try database.close()
        return report
    }

    /// A manipulation that did nothing proves nothing.
    struct Unchanged: Error {
        let sql: String
    }
}
