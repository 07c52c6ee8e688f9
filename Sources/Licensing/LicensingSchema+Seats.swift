import Database

extension LicensingSchema {
    /// What a seat belongs to, what became of it, and where its installations call from.
    ///
    /// The two tables are made anew, the child's copy first bound to the parent's, so that foreign keys hold all along.
    static let seats = Migration(
        version: 10, name: "seats", readableFrom: 10,
        sql: """
            CREATE TABLE activations_v2 (
                id INTEGER PRIMARY KEY,
                license_id INTEGER NOT NULL REFERENCES licenses (id),
                seat_key BLOB NOT NULL CHECK (length(seat_key) = 16),
                -- What the seat belongs to: exactly one of the three.
                domain TEXT,
                network TEXT,
                installation_id TEXT,
                -- What its installation said of itself besides.
                carried_domain TEXT,
                carried_installation_id TEXT,
                -- Which of the seats of that identity: a fourth live address takes a second one.
                ordinal INTEGER NOT NULL CHECK (ordinal >= 1),
                -- A staging seat is not counted in licenses.used.
                kind TEXT NOT NULL CHECK (kind IN ('production', 'staging', 'file')),
                -- The end of a license file that was made for it: until then nobody else gets the seat.
                held_until INTEGER,
                -- Minutes without a call after which it frees itself; 0 for never.
                lease_minutes INTEGER NOT NULL DEFAULT 0 CHECK (lease_minutes >= 0),
                first_seen INTEGER NOT NULL,
                last_seen INTEGER NOT NULL,
                released_at INTEGER,
                released_by TEXT,
                release_kind TEXT CHECK (release_kind IN ('self', 'operator', 'moved', 'merged', 'dormant', 'lease',
                    'over_limit', 'recount', 'file_ended', 'transfer')),
                CHECK (CASE WHEN domain IS NULL THEN 0 ELSE 1 END + CASE WHEN network IS NULL THEN 0 ELSE 1 END
                    + CASE WHEN installation_id IS NULL THEN 0 ELSE 1 END = 1),
                CHECK ((released_at IS NULL) = (release_kind IS NULL))
            ) STRICT;
            INSERT INTO activations_v2 (id, license_id, seat_key, domain, installation_id, ordinal, kind, first_seen,
                last_seen, released_at, released_by, release_kind)
            SELECT id, license_id, seat_key, domain, installation_id, ordinal, 'production', first_seen, last_seen,
                released_at, released_by, CASE WHEN released_at IS NULL THEN NULL ELSE 'operator' END
            FROM activations;

            CREATE TABLE seat_addresses_v2 (
                -- The keyed hash of license, identity and network.
                place_key BLOB PRIMARY KEY CHECK (length(place_key) = 16),
                activation_id INTEGER NOT NULL REFERENCES activations_v2 (id),
                network TEXT NOT NULL,
                -- The first address seen there, and where that request came from.
                address TEXT NOT NULL,
                peer TEXT,
                first_seen INTEGER NOT NULL,
                last_seen INTEGER NOT NULL
            ) STRICT;
            INSERT INTO seat_addresses_v2 (place_key, activation_id, network, address, peer, first_seen, last_seen)
            SELECT place_key, activation_id, network, address, peer, first_seen, last_seen FROM seat_addresses;

            DROP TABLE seat_addresses;
            DROP TABLE activations;
            ALTER TABLE activations_v2 RENAME TO activations;
            ALTER TABLE seat_addresses_v2 RENAME TO seat_addresses;

            CREATE UNIQUE INDEX activations_one_holder_per_seat ON activations (seat_key)
                WHERE released_at IS NULL;
            -- Who holds what: the seats of an identity.
            CREATE INDEX activations_taken ON activations (license_id, domain, network, installation_id)
                WHERE released_at IS NULL;
            -- Which seats could be freed: those not seen for long.
            CREATE INDEX activations_unseen ON activations (license_id, kind, last_seen) WHERE released_at IS NULL;
            -- Whose seat may move.
            CREATE INDEX activations_carried ON activations (license_id, carried_installation_id)
                WHERE released_at IS NULL AND carried_installation_id IS NOT NULL;
            -- Who left lately, and how often.
            CREATE INDEX activations_released ON activations (license_id, released_at) WHERE released_at IS NOT NULL;
            -- What the keeper looks for.
            CREATE INDEX activations_leased ON activations (last_seen + lease_minutes * 60000)
                WHERE released_at IS NULL AND lease_minutes > 0;
            CREATE INDEX activations_held ON activations (held_until)
                WHERE released_at IS NULL AND held_until IS NOT NULL;
            CREATE INDEX licenses_over_limit ON licenses (over_limit_until) WHERE over_limit_until IS NOT NULL;
            CREATE INDEX seat_addresses_by_activation ON seat_addresses (activation_id);

            -- How many networks asked on a day, as 64 bits of linear counting; no address can be read from it.
            CREATE TABLE seat_spread (
                activation_id INTEGER NOT NULL REFERENCES activations (id),
                -- Days since 1970-01-01.
                day INTEGER NOT NULL,
                sketch INTEGER NOT NULL,
                PRIMARY KEY (activation_id, day)
            ) STRICT;
            CREATE INDEX seat_spread_by_day ON seat_spread (day);
            """)
}
