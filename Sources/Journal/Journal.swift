package import Database
package import Primitives
import Secrets

/// The append-only log of everything that changed (DESIGN D3). Each change appends its event in its own transaction, so
/// there is no change without an event and no event without its change.
package struct Journal: Sendable {
    private let customerKeys: CustomerKeys

    package init(customerKeys: CustomerKeys) { self.customerKeys = customerKeys }

    package static let migrations = [
        Migration(
            version: 2, name: "journal", readableFrom: 2,
            sql: """
                CREATE TABLE journal (
                    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                    id INTEGER NOT NULL,
                    -- The writing transaction where commit order differs from sequence order; 0 with one writer.
                    xid INTEGER NOT NULL DEFAULT 0,
                    type TEXT NOT NULL,
                    type_version INTEGER NOT NULL,
                    subject TEXT NOT NULL,
                    subject_version INTEGER NOT NULL,
                    data TEXT NOT NULL,
                    actor TEXT NOT NULL,
                    request_id TEXT NOT NULL,
                    at INTEGER NOT NULL
                ) STRICT;
                CREATE UNIQUE INDEX journal_ids_are_unique ON journal (id);
                CREATE INDEX journal_by_subject ON journal (subject, subject_version);

                CREATE TRIGGER journal_events_never_change BEFORE UPDATE ON journal
                BEGIN SELECT RAISE(ABORT, 'journal events never change'); END;
                CREATE TRIGGER journal_events_never_vanish BEFORE DELETE ON journal
                BEGIN SELECT RAISE(ABORT, 'journal events never vanish'); END;

                -- Every follower reloads when the epoch grows: after a restore, and after some migrations.
                CREATE TABLE journal_feed (
                    id INTEGER PRIMARY KEY CHECK (id = 1),
                    feed_epoch INTEGER NOT NULL
                ) STRICT;
                INSERT INTO journal_feed (id, feed_epoch) VALUES (1, 1);

                -- The hash chain over what is stored, added behind the writers.
                CREATE TABLE journal_chain (
                    sequence INTEGER PRIMARY KEY REFERENCES journal (sequence),
                    hash BLOB NOT NULL CHECK (length(hash) = 32)
                ) STRICT;

                -- A customer's sealing key, wrapped under the data key. Deleting the row makes everything sealed
                -- under it unreadable for ever, which is how a person is erased without breaking the chain.
                CREATE TABLE customer_keys (
                    customer_id INTEGER PRIMARY KEY,
                    data_key_id INTEGER NOT NULL,
                    wrapped BLOB NOT NULL,
                    created_at INTEGER NOT NULL
                ) STRICT;
                """),
        Migration(
            version: 21, name: "journal_stays", readableFrom: 2, sql: "",
            onPostgreSQL: """
                CREATE FUNCTION journal_is_never_emptied() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN RAISE EXCEPTION USING MESSAGE = ''journal events never vanish''; END';
                CREATE TRIGGER journal_is_never_emptied BEFORE TRUNCATE ON journal
                    FOR EACH STATEMENT EXECUTE FUNCTION journal_is_never_emptied();
                """),
    ]

    /// Appends `event` in the transaction that makes the change it tells of.
    package func append(_ event: Event, by provenance: Provenance, in transaction: WriteTransaction) throws {
        let id = RandomID<EventEntity>.random()
        let box = try event.personal.map { personal in
            try customerKeys.key(of: personal.customer, in: transaction.reading)
                .seal(personal.json, context: Self.context(of: id))
        }
        let data = JSONWriter.object { writer in
            event.facts(&writer)
            if let reason = provenance.reason { writer.member("reason", reason) }
            if let box, let personal = event.personal {
                writer.member("sealed") { sealed in
                    sealed.member("customer", personal.customer)
                    sealed.member("box", Base64URL.encode(box))
                }
            }
        }
        try transaction.execute(
            """
            INSERT INTO journal
                (id, type, type_version, subject, subject_version, data, actor, request_id, at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            id, event.kind.name, event.kind.version, event.subject, event.subjectVersion,
            String(decoding: data, as: UTF8.self), provenance.actor, provenance.requestID, provenance.at)
    }

    /// The personal part of a stored event as a JSON object, or nil when it has none or its customer was erased.
    package func personalData(
        of id: RandomID<EventEntity>, data: String, in transaction: ReadTransaction
    ) throws -> [UInt8]? {
        guard let sealed = try JSONReader.read(data.utf8).objectValue?["sealed"]?.objectValue,
            let customer = sealed["customer"]?.integerValue,
            let box = sealed["box"]?.stringValue.flatMap(Base64URL.decode),
            let key = try customerKeys.storedKey(of: customer, in: transaction)
        else { return nil }
        return key.open(box, context: Self.context(of: id))
    }

    /// The number of the last event; 0 without one.
    package static func lastSequence(in transaction: ReadTransaction) throws -> Int64 {
        try transaction.count("SELECT coalesce(max(sequence), 0) FROM journal")
    }

    private static func context(of id: RandomID<EventEntity>) -> String { "journal.data:\(id)" }
}
