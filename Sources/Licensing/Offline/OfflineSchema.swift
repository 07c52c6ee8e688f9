package import Database

/// The tables of what works without a network.
package enum OfflineSchema {
    package static let migrations = [
        Migration(
            version: 12, name: "offline", readableFrom: 12,
            sql: """
                -- The numbers that offline keys hold in place of names. Only ever added to: software that was shipped
                -- with yesterday's numbers reads tomorrow's keys.
                CREATE TABLE product_codes (
                    product_id INTEGER NOT NULL REFERENCES products (id),
                    kind TEXT NOT NULL CHECK (kind IN ('type', 'feature')),
                    name TEXT NOT NULL,
                    number INTEGER NOT NULL,
                    created_at INTEGER NOT NULL,
                    PRIMARY KEY (product_id, kind, name),
                    CHECK (number BETWEEN CASE kind WHEN 'type' THEN 1 ELSE 0 END
                        AND CASE kind WHEN 'type' THEN 255 ELSE 63 END)
                ) STRICT;
                CREATE UNIQUE INDEX product_codes_numbers_mean_one_name ON product_codes (product_id, kind, number);

                -- Each .lic file: its seat is not free before it ends, whether or not the installation is ever seen.
                CREATE TABLE license_files (
                    id INTEGER PRIMARY KEY,
                    license_id INTEGER NOT NULL REFERENCES licenses (id),
                    activation_id INTEGER NOT NULL REFERENCES activations (id),
                    -- Of the request that it answers.
                    nonce TEXT,
                    issued_at INTEGER NOT NULL CHECK (issued_at % 1000 = 0),
                    ends_at INTEGER NOT NULL CHECK (ends_at % 1000 = 0),
                    CHECK (ends_at > issued_at)
                ) STRICT;
                CREATE INDEX license_files_by_activation ON license_files (activation_id, ends_at);
                CREATE INDEX license_files_by_end ON license_files (ends_at);

                -- What the newest list of revoked licenses says, as a hash, and its number. No row: nobody was revoked.
                CREATE TABLE revocation_lists (
                    id INTEGER PRIMARY KEY CHECK (id = 1),
                    sequence INTEGER NOT NULL CHECK (sequence > 0),
                    content_hash BLOB NOT NULL CHECK (length(content_hash) = 32),
                    changed_at INTEGER NOT NULL
                ) STRICT;
                CREATE INDEX licenses_revoked ON licenses (status_index) WHERE state = 'revoked';
                CREATE INDEX license_keys_offline ON license_keys (license_id) WHERE kind = 'offline';
                """)
    ]
}
