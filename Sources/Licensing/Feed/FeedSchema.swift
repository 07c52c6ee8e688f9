import Database
import Primitives

/// What the feed needs besides the journal.
enum FeedSchema {
    /// How long it is noted that a place is gone. A node that was away for longer reads everything again.
    static let removalsKept = Duration.hours(23)
    private static let removalsKeptMore = Duration.hours(2)

    static let migrations = [
        Migration(
            version: 18, name: "feed", readableFrom: 16,
            sql: """
                -- Places that are gone, for memory on other nodes, which finds no row of them. They stay a day: a
                -- keyed hash of domain and address has no business in the journal, which forgets nothing.
                CREATE TABLE memory_removals (
                    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                    xid INTEGER NOT NULL,
                    place_key BLOB NOT NULL CHECK (length(place_key) = 16),
                    at INTEGER NOT NULL
                ) STRICT;
                CREATE INDEX memory_removals_in_commit_order ON memory_removals (xid);
                CREATE INDEX memory_removals_by_age ON memory_removals (at);
                CREATE INDEX journal_in_commit_order ON journal (xid, sequence);
                """,
            onPostgreSQL: """
                ALTER TABLE journal ALTER COLUMN xid SET DEFAULT pg_current_xact_id()::text::bigint;
                ALTER TABLE memory_removals ALTER COLUMN xid SET DEFAULT pg_current_xact_id()::text::bigint;
                ALTER TABLE memory_removals ALTER COLUMN at
                    SET DEFAULT (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
                CREATE FUNCTION note_removed_place() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN INSERT INTO memory_removals (place_key) VALUES (OLD.place_key); RETURN NULL; END';
                CREATE TRIGGER seat_addresses_leave_a_note AFTER DELETE ON seat_addresses
                    FOR EACH ROW EXECUTE FUNCTION note_removed_place();
                """),
        Migration(
            version: 20, name: "feed_seats", readableFrom: 16,
            sql: """
                -- The seat that the place was of: another one may have it by now. NULL in notes of before.
                ALTER TABLE memory_removals ADD COLUMN activation_id INTEGER;
                """,
            onPostgreSQL: """
                CREATE OR REPLACE FUNCTION note_removed_place() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN INSERT INTO memory_removals (place_key, activation_id)
                    VALUES (OLD.place_key, OLD.activation_id); RETURN NULL; END';
                CREATE TRIGGER seat_addresses_leave_a_note_when_they_move
                    AFTER UPDATE OF activation_id ON seat_addresses FOR EACH ROW
                    WHEN (OLD.activation_id IS DISTINCT FROM NEW.activation_id)
                    EXECUTE FUNCTION note_removed_place();
                """),
    ]

    /// Forgets what every node knows that still follows.
    static func prune(at now: Timestamp, in transaction: WriteTransaction) throws {
        try transaction.execute("DELETE FROM memory_removals WHERE at < ?", now - removalsKept - removalsKeptMore)
    }
}
