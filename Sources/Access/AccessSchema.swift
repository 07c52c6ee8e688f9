package import Database

/// The tables of access from outside the machine.
package enum AccessSchema {
    package static let migrations = [
        Migration(
            version: 7, name: "access", readableFrom: 5,
            sql: """
                CREATE TABLE admin_tokens (
                    -- Never used again, so that an actor in the journal is one token.
                    name TEXT PRIMARY KEY,
                    -- HMAC under the pepper: what a stolen database holds opens nothing.
                    token_hash BLOB NOT NULL CHECK (length(token_hash) = 16),
                    pepper_id INTEGER NOT NULL,
                    -- Names separated by spaces.
                    scopes TEXT NOT NULL,
                    version INTEGER NOT NULL CHECK (version > 0),
                    created_at INTEGER NOT NULL,
                    expires_at INTEGER CHECK (expires_at % 1000 = 0),
                    last_used_at INTEGER,
                    revoked_at INTEGER
                ) STRICT;
                CREATE UNIQUE INDEX admin_tokens_hashes_are_unique ON admin_tokens (token_hash);

                -- The answers to requests that came with an Idempotency-Key, written in the transaction of their work.
                CREATE TABLE receipts (
                    -- HMAC of who asked and under which key.
                    key_hash BLOB PRIMARY KEY CHECK (length(key_hash) = 16),
                    -- HMAC of method, path and body: the same key may not be used for another request.
                    request_hash BLOB NOT NULL CHECK (length(request_hash) = 16),
                    status INTEGER NOT NULL CHECK (status BETWEEN 200 AND 299),
                    -- The body, sealed under the data key: it may hold a license key.
                    answer BLOB NOT NULL,
                    created_at INTEGER NOT NULL
                ) STRICT;
                CREATE INDEX receipts_by_age ON receipts (created_at);
                """)
    ]
}
