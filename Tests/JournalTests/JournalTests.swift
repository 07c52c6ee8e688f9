import Customers
import Database
import Journal
import Primitives
import Secrets
import TestSupport
import Testing

/// The journal over a database in memory, with one customer whose personal data may be sealed.
private struct Desk {
    static let acme: Int64 = 123
    static let email = "erika@acme.example"

    let database: Database
    let keys: CustomerKeys
    let journal: Journal
    private let directory: TemporaryDirectory

    init() async throws {
        directory = try TemporaryDirectory()
        database = try await TestDatabase.open()
        try await database.migrate(
            Secrets.migrations + Journal.migrations + CustomerStore.migrations, at: ManualClock.start)
        let secrets = try await Secrets.open(
            SecretsDirectory(path: directory.path), database: database, at: ManualClock.start)
        let keys = CustomerKeys(secrets: secrets)
        self.keys = keys
        journal = Journal(customerKeys: keys)
        try await database.write { try keys.create(for: Self.acme, at: ManualClock.start, in: $0) }
    }

    static func event(_ subject: String = "lic_1", version: Int64 = 1, customer: Int64 = acme) -> Event {
        let personal = JSONWriter.object { $0.member("email", email) }
        return Event(
            Event.Kind("contact.changed", version: 2), subject: subject, subjectVersion: version,
            personal: Event.Personal(customer: customer, json: personal)
        ) { facts in
            facts.member("seats", Int64(5))
        }
    }

    static func provenance(reason: String? = nil) -> Provenance {
        Provenance(actor: "uid:0/login:1000", requestID: "req-7", at: ManualClock.start, reason: reason)
    }

    func append(_ event: Event, reason: String? = nil) async throws {
        let journal = journal
        try await database.write { try journal.append(event, by: Self.provenance(reason: reason), in: $0) }
    }

    struct Stored: Sendable {
        let id: RandomID<EventEntity>
        let data: String
    }

    var stored: [Stored] {
        get async throws {
            try await database.read { transaction in
                try transaction.all("SELECT id, data FROM journal ORDER BY sequence") {
                    Stored(id: $0.randomID(0), data: $0.text(1))
                }
            }
        }
    }

    /// The personal part of a stored event as text.
    func personal(_ stored: Stored) async throws -> String? {
        let journal = journal
        return try await database.read { try journal.personalData(of: stored.id, data: stored.data, in: $0) }
            .map { String(decoding: $0, as: UTF8.self) }
    }
}

@Suite("An event")
struct JournalTests {
    @Test("says what changed, at which version, by whom, through which request, when and why")
    func columns() async throws {
        let desk = try await Desk()
        try await desk.append(Desk.event("lic_9", version: 4), reason: "refund \"48\"")
        let row = try await desk.database.read { transaction in
            try transaction.first(
                """
                SELECT type || '|' || type_version || '|' || subject || '|' || subject_version || '|' || actor
                    || '|' || request_id || '|' || at || '|' || xid FROM journal
                """
            ) { $0.text(0) }
        }
        let at = ManualClock.start.milliseconds
        #expect(row == "contact.changed|2|lic_9|4|uid:0/login:1000|req-7|\(at)|0")
        let data = try #require(try await desk.stored.first?.data)
        let object = try #require(try JSONReader.read(data.utf8).objectValue)
        #expect(object.members.map(\.name) == ["seats", "reason", "sealed"])
        #expect(object["seats"] == .integer(5))
        #expect(object["reason"] == .string("refund \"48\""))
    }

    @Test("without a reason or personal data has neither member")
    func plain() async throws {
        let desk = try await Desk()
        try await desk.append(
            Event(Event.Kind("signing_key.created"), subject: "signing_key:abc", subjectVersion: 1) { _ in })
        let stored = try #require(try await desk.stored.first)
        #expect(stored.data == "{}")
        #expect(try await desk.personal(stored) == nil)
    }

    @Test("is part of the transaction that makes the change, and goes with it")
    func rolledBack() async throws {
        let desk = try await Desk()
        let journal = desk.journal
        await #expect(throws: CustomerKeys.Missing.self) {
            try await desk.database.write { transaction in
                try journal.append(Desk.event(), by: Desk.provenance(), in: transaction)
                try journal.append(Desk.event(customer: 404), by: Desk.provenance(), in: transaction)
            }
        }
        #expect(try await desk.stored.isEmpty)
    }

    @Test("is read in the order of appending, by a sequence without reuse")
    func order() async throws {
        let desk = try await Desk()
        for number in 1...20 { try await desk.append(Desk.event("lic_\(number)")) }
        let subjects = try await desk.database.read { transaction in
            try transaction.all("SELECT subject FROM journal ORDER BY sequence") { $0.text(0) }
        }
        #expect(subjects == (1...20).map { "lic_\($0)" })
        #expect(Set(try await desk.stored.map(\.id)).count == 20)
    }

    @Test(
        "once written never changes and never vanishes",
        arguments: [
            "UPDATE journal SET data = '{}'", "UPDATE journal SET actor = 'nobody' WHERE sequence = 1",
            "DELETE FROM journal", "DELETE FROM journal WHERE sequence = 1",
            "TRUNCATE journal", "TRUNCATE journal CASCADE", "TRUNCATE journal, journal_chain RESTART IDENTITY",
            (TestDatabase.isShared ? "INSERT" : "INSERT OR REPLACE")
                + " INTO journal SELECT sequence, id, xid, type, type_version, subject, subject_version, "
                + "'{}', actor, request_id, at FROM journal",
            "INSERT INTO journal"
                + " (sequence, id, type, type_version, subject, subject_version, data, actor, request_id, at)"
                + " SELECT sequence, id, type, type_version, subject, subject_version, data, actor, request_id, at"
                + " FROM journal WHERE true ON CONFLICT (sequence) DO UPDATE SET data = '{}'",
        ])
    func immutable(sql: String) async throws {
        let desk = try await Desk()
        try await desk.append(Desk.event())
        let before = try await desk.stored.map(\.data)
        await #expect(throws: DatabaseError.self) { try await desk.database.write { _ = try $0.execute(sql) } }
        #expect(try await desk.stored.map(\.data) == before)
    }
}

@Suite("Personal data in an event")
struct PersonalDataTests {
    @Test("is nowhere in the database in clear, and opens for its customer")
    func sealed() async throws {
        let desk = try await Desk()
        try await desk.append(Desk.event())
        let stored = try #require(try await desk.stored.first)
        #expect(!stored.data.contains("erika") && !stored.data.contains("acme.example"))
        #expect(try await desk.personal(stored) == "{\"email\":\"\(Desk.email)\"}")
    }

    @Test("does not open in the place of another event")
    func moved() async throws {
        let desk = try await Desk()
        try await desk.append(Desk.event())
        try await desk.append(Desk.event())
        let stored = try await desk.stored
        #expect(try await desk.personal(Desk.Stored(id: stored[1].id, data: stored[0].data)) == nil)
    }

    @Test("is gone for ever with its customer's key, while the event stays")
    func erased() async throws {
        let desk = try await Desk()
        try await desk.append(Desk.event())
        try await desk.database.write { _ = try $0.execute("DELETE FROM customer_keys") }
        let stored = try #require(try await desk.stored.first)
        #expect(try await desk.personal(stored) == nil)
        #expect(stored.data.contains("\"seats\":5"))
        // Not even a new key of the same customer opens it.
        let keys = desk.keys
        try await desk.database.write { try keys.create(for: Desk.acme, at: ManualClock.start, in: $0) }
        #expect(try await desk.personal(stored) == nil)
    }

    @Test("of a customer without a key is not written at all, and neither is the change")
    func noKey() async throws {
        let desk = try await Desk()
        let refusal = await #expect(throws: CustomerKeys.Missing.self) {
            try await desk.append(Desk.event(customer: 404))
        }
        #expect(refusal?.customer == 404)
        #expect(try await desk.stored.isEmpty)
    }

    @Test("is not opened with a key that was put in another customer's row")
    func swappedKey() async throws {
        let desk = try await Desk()
        let keys = desk.keys
        try await desk.database.write { transaction in
            try keys.create(for: 124, at: ManualClock.start, in: transaction)
            try transaction.execute(
                "UPDATE customer_keys SET wrapped = (SELECT wrapped FROM customer_keys WHERE customer_id = 124)")
        }
        await #expect(throws: DatabaseError.corrupt(detail: "the key of customer 123 does not open")) {
            try await desk.append(Desk.event())
        }
    }
}
