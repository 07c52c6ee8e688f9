package import Database

/// The tables of the processes that serve one database.
package enum ClusterSchema {
    /// Version 19. A database in one file has the tables too, and nothing in them: there is one process.
    package static let migrations = [
        Migration(
            version: 19, name: "nodes", readableFrom: 16,
            sql: """
                -- The processes that serve this database, each as it told of itself last.
                CREATE TABLE nodes (
                    id INTEGER PRIMARY KEY,
                    -- Its machine, and where installations reach it.
                    name TEXT NOT NULL,
                    -- Of the program.
                    version TEXT NOT NULL,
                    started_at INTEGER NOT NULL,
                    seen_at INTEGER NOT NULL CHECK (seen_at >= started_at),
                    -- The signing keys whose private files it holds: ids separated by spaces.
                    key_ids TEXT NOT NULL,
                    -- How far it has followed the journal, and how many milliseconds that was behind; NULL if unknown.
                    feed_position INTEGER,
                    feed_age INTEGER CHECK (feed_age >= 0)
                ) STRICT;
                CREATE INDEX nodes_by_time ON nodes (seen_at);

                -- Work that one node does for all.
                CREATE TABLE leases (
                    name TEXT PRIMARY KEY,
                    -- The node; it may be gone.
                    holder INTEGER NOT NULL,
                    ends_at INTEGER NOT NULL,
                    -- Grows with each holder: who had an earlier term writes nothing more.
                    term INTEGER NOT NULL CHECK (term > 0)
                ) STRICT;
                """)
    ]
}
