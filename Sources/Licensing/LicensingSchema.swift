package import Database

/// The tables of licensing. The schema carries the invariants: what it refuses cannot happen.
package enum LicensingSchema {
    package static let migrations =
        tables + OfflineSchema.migrations + LicenseKeySchema.migrations + ImportSchema.migrations
        + FeedSchema.migrations

    private static let tables = [
        Migration(
            version: 4, name: "licensing", readableFrom: 4,
            sql: """
                CREATE TABLE products (
                    id INTEGER PRIMARY KEY,
                    code TEXT NOT NULL,
                    name TEXT NOT NULL,
                    license_type TEXT NOT NULL,
                    features TEXT NOT NULL,
                    max_activations INTEGER NOT NULL CHECK (max_activations >= 0),
                    addresses_per_seat INTEGER NOT NULL CHECK (addresses_per_seat >= 1),
                    token_days INTEGER NOT NULL CHECK (token_days BETWEEN 1 AND 90),
                    counts_development INTEGER NOT NULL CHECK (counts_development IN (0, 1)),
                    version INTEGER NOT NULL CHECK (version > 0),
                    created_at INTEGER NOT NULL
                ) STRICT;
                CREATE UNIQUE INDEX products_codes_are_unique ON products (code);

                CREATE TABLE licenses (
                    id INTEGER PRIMARY KEY,
                    customer_id INTEGER NOT NULL REFERENCES customers (id),
                    product_id INTEGER NOT NULL REFERENCES products (id),
                    license_type TEXT NOT NULL,
                    features TEXT NOT NULL,
                    -- 0 is unlimited.
                    max_activations INTEGER NOT NULL CHECK (max_activations >= 0),
                    addresses_per_seat INTEGER NOT NULL CHECK (addresses_per_seat >= 1),
                    state TEXT NOT NULL CHECK (state IN ('active', 'suspended', 'revoked')),
                    -- License instants are whole seconds.
                    not_before INTEGER CHECK (not_before % 1000 = 0),
                    expires_at INTEGER CHECK (expires_at % 1000 = 0),
                    grace_seconds INTEGER NOT NULL CHECK (grace_seconds >= 0),
                    -- The number of unreleased activations, kept by the statement that takes a seat.
                    used INTEGER NOT NULL CHECK (used >= 0),
                    status_index INTEGER NOT NULL CHECK (status_index >= 0),
                    version INTEGER NOT NULL CHECK (version > 0),
                    created_at INTEGER NOT NULL
                ) STRICT;
                CREATE UNIQUE INDEX licenses_status_indexes_are_unique ON licenses (status_index);
                CREATE INDEX licenses_by_customer ON licenses (customer_id);
                CREATE INDEX licenses_by_product ON licenses (product_id);

                CREATE TABLE license_keys (
                    -- HMAC under the pepper; the first 16 bytes are the index key.
                    key_hash BLOB PRIMARY KEY CHECK (length(key_hash) = 16),
                    pepper_id INTEGER NOT NULL,
                    license_id INTEGER NOT NULL REFERENCES licenses (id),
                    kind TEXT NOT NULL CHECK (kind IN ('native', 'offline', 'imported')),
                    -- Sealed under the data key, for an operator who may see it again.
                    encrypted BLOB NOT NULL,
                    last4 TEXT NOT NULL,
                    created_at INTEGER NOT NULL,
                    revoked_at INTEGER
                ) STRICT;
                CREATE INDEX license_keys_by_license ON license_keys (license_id);

                CREATE TABLE activations (
                    id INTEGER PRIMARY KEY,
                    license_id INTEGER NOT NULL REFERENCES licenses (id),
                    seat_key BLOB NOT NULL CHECK (length(seat_key) = 16),
                    -- What the seat belongs to: exactly one of the two.
                    domain TEXT,
                    installation_id TEXT,
                    -- Which of the seats of that domain: a fourth live address takes a second one.
                    ordinal INTEGER NOT NULL CHECK (ordinal >= 1),
                    first_seen INTEGER NOT NULL,
                    last_seen INTEGER NOT NULL,
                    released_at INTEGER,
                    released_by TEXT,
                    CHECK ((domain IS NULL) <> (installation_id IS NULL))
                ) STRICT;
                CREATE UNIQUE INDEX activations_one_holder_per_seat ON activations (seat_key)
                    WHERE released_at IS NULL;
                CREATE INDEX activations_by_license ON activations (license_id, domain, installation_id);

                CREATE TABLE seat_addresses (
                    -- The keyed hash of license, identity and network.
                    place_key BLOB PRIMARY KEY CHECK (length(place_key) = 16),
                    activation_id INTEGER NOT NULL REFERENCES activations (id),
                    network TEXT NOT NULL,
                    -- The first address seen there, and where that request came from.
                    address TEXT NOT NULL,
                    peer TEXT,
                    first_seen INTEGER NOT NULL,
                    last_seen INTEGER NOT NULL
                ) STRICT;
                CREATE INDEX seat_addresses_by_activation ON seat_addresses (activation_id);

                -- Public halves and states; private halves are files in Keys/.
                CREATE TABLE signing_keys (
                    kid TEXT PRIMARY KEY,
                    public_key BLOB NOT NULL CHECK (length(public_key) = 32),
                    state TEXT NOT NULL CHECK (state IN ('current', 'next', 'retired', 'revoked')),
                    created_at INTEGER NOT NULL
                ) STRICT;
                CREATE UNIQUE INDEX signing_keys_only_one_signs ON signing_keys (state) WHERE state = 'current';
                """),
        Migration(
            version: 5, name: "policies", readableFrom: 5,
            sql: """
                -- A product sets defaults and a license overrides some of them, or none: what it leaves open it has
                -- from its product, also when that changes later. What statements ask for has columns.
                ALTER TABLE products ADD COLUMN policy TEXT NOT NULL DEFAULT '{}';
                ALTER TABLE products ADD COLUMN grace_days INTEGER NOT NULL DEFAULT 0 CHECK (grace_days >= 0);
                ALTER TABLE products ADD COLUMN key_groups INTEGER NOT NULL DEFAULT 4
                    CHECK (key_groups BETWEEN 4 AND 7);
                ALTER TABLE products ADD COLUMN key_prefix TEXT;
                ALTER TABLE products ADD COLUMN action_url TEXT;
                ALTER TABLE licenses ADD COLUMN policy TEXT NOT NULL DEFAULT '{}';
                -- NULL is the product's.
                ALTER TABLE licenses ADD COLUMN seats_max INTEGER CHECK (seats_max >= 0);
                ALTER TABLE licenses ADD COLUMN grace_days INTEGER CHECK (grace_days >= 0);
                ALTER TABLE licenses ADD COLUMN payment_grace_until INTEGER CHECK (payment_grace_until % 1000 = 0);
                ALTER TABLE licenses ADD COLUMN over_limit_until INTEGER CHECK (over_limit_until % 1000 = 0);
                ALTER TABLE licenses ADD COLUMN started_at INTEGER CHECK (started_at % 1000 = 0);
                ALTER TABLE licenses ADD COLUMN batch TEXT;
                CREATE INDEX licenses_by_batch ON licenses (batch) WHERE batch IS NOT NULL;

                UPDATE licenses SET
                    seats_max = CASE WHEN max_activations = (SELECT p.max_activations FROM products p
                        WHERE p.id = licenses.product_id) THEN NULL ELSE max_activations END,
                    grace_days = CASE WHEN grace_seconds = 0 THEN NULL ELSE grace_seconds / 86400 END,
                    policy = CASE WHEN EXISTS (SELECT 1 FROM products p WHERE p.id = licenses.product_id
                        AND p.license_type = licenses.license_type AND p.features = licenses.features
                        AND p.addresses_per_seat = licenses.addresses_per_seat) THEN '{}'
                        ELSE '{"license_type":"' || license_type || '","features":' || features
                            || ',"addresses_per_seat":' || addresses_per_seat || '}' END;
                UPDATE products SET policy = '{"license_type":"' || license_type || '","features":' || features
                    || ',"addresses_per_seat":' || addresses_per_seat || ',"token_days":' || token_days
                    || ',"counts_development":' || CASE counts_development WHEN 1 THEN 'true' ELSE 'false' END || '}';

                ALTER TABLE licenses DROP COLUMN license_type;
                ALTER TABLE licenses DROP COLUMN features;
                ALTER TABLE licenses DROP COLUMN addresses_per_seat;
                ALTER TABLE licenses DROP COLUMN max_activations;
                ALTER TABLE licenses DROP COLUMN grace_seconds;
                ALTER TABLE licenses RENAME COLUMN seats_max TO max_activations;
                ALTER TABLE products DROP COLUMN license_type;
                ALTER TABLE products DROP COLUMN features;
                ALTER TABLE products DROP COLUMN addresses_per_seat;
                ALTER TABLE products DROP COLUMN token_days;
                ALTER TABLE products DROP COLUMN counts_development;
                """),
        seats,
        Migration(
            version: 14, name: "license search", readableFrom: 5,
            sql: """
                CREATE INDEX activations_by_domain ON activations (domain) WHERE released_at IS NULL;
                CREATE INDEX license_keys_by_last4 ON license_keys (last4);
                """),
        states,
    ]
}
