package import Database

/// The tables of signing keys and of the key sets that a root signed.
package enum SigningKeySchema {
    /// Version 6.
    package static let migrations = [
        Migration(
            version: 6, name: "key rotation", readableFrom: 6,
            sql: """
                -- States now follow from instants. Version 4 knew one key that signs and others that will.
                ALTER TABLE signing_keys RENAME COLUMN created_at TO published_at;
                ALTER TABLE signing_keys ADD COLUMN listed_at INTEGER;
                ALTER TABLE signing_keys ADD COLUMN signs_from INTEGER;
                ALTER TABLE signing_keys ADD COLUMN signs_until INTEGER;
                ALTER TABLE signing_keys ADD COLUMN files_until INTEGER;
                ALTER TABLE signing_keys ADD COLUMN revoked_at INTEGER;
                ALTER TABLE signing_keys ADD COLUMN destroyed_at INTEGER;
                ALTER TABLE signing_keys ADD COLUMN version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0);
                UPDATE signing_keys SET signs_from = published_at WHERE state = 'current';
                UPDATE signing_keys SET revoked_at = published_at WHERE state IN ('retired', 'revoked');
                DROP INDEX signing_keys_only_one_signs;
                ALTER TABLE signing_keys DROP COLUMN state;
                CREATE UNIQUE INDEX signing_keys_take_turns ON signing_keys (signs_from) WHERE revoked_at IS NULL;

                -- Public halves of the roots whose sets were published; their private halves are nowhere near.
                CREATE TABLE root_keys (
                    kid TEXT PRIMARY KEY,
                    public_key BLOB NOT NULL CHECK (length(public_key) = 32),
                    trusted_at INTEGER NOT NULL
                ) STRICT;

                CREATE TABLE signed_key_sets (
                    sequence INTEGER PRIMARY KEY CHECK (sequence > 0),
                    root_kid TEXT NOT NULL REFERENCES root_keys (kid),
                    document TEXT NOT NULL,
                    issued_at INTEGER NOT NULL,
                    expires_at INTEGER NOT NULL CHECK (expires_at > issued_at),
                    published_at INTEGER NOT NULL
                ) STRICT;
                """)
    ]
}
