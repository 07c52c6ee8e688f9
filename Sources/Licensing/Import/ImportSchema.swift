import Database

/// The tables of what came over from other systems.
enum ImportSchema {
    static let migrations = [
        Migration(
            version: 17, name: "imports", readableFrom: 16,
            sql: """
                -- What a thing of another system became here: an import that comes again changes what it made before.
                CREATE TABLE import_links (
                    source TEXT NOT NULL CHECK (source IN ('whmcs')),
                    kind TEXT NOT NULL CHECK (kind IN ('customer', 'product', 'license')),
                    -- As the other system calls it.
                    external_id TEXT NOT NULL,
                    -- The row of customers, products or licenses.
                    internal_id INTEGER NOT NULL,
                    -- What came last, part by part, as keyed hashes: a part that is the same again is left alone,
                    -- whatever became of it here.
                    digests TEXT NOT NULL,
                    -- What the endpoint for old clients tells besides, which has no other place here.
                    legacy TEXT NOT NULL,
                    version INTEGER NOT NULL CHECK (version > 0),
                    imported_at INTEGER NOT NULL,
                    PRIMARY KEY (source, kind, external_id)
                ) STRICT;
                CREATE INDEX import_links_by_subject ON import_links (kind, internal_id);

                -- What old clients of a product verify answers with.
                CREATE TABLE product_secrets (
                    source TEXT NOT NULL CHECK (source IN ('whmcs')),
                    -- The product there.
                    external_id TEXT NOT NULL,
                    product_id INTEGER NOT NULL REFERENCES products (id),
                    data_key_id INTEGER NOT NULL,
                    -- Under the data key.
                    sealed BLOB NOT NULL,
                    imported_at INTEGER NOT NULL,
                    PRIMARY KEY (source, external_id)
                ) STRICT;
                CREATE INDEX product_secrets_by_product ON product_secrets (product_id);

                -- Seats that an import took for where licenses were used: it may give them back, and no others.
                CREATE TABLE imported_seats (
                    activation_id INTEGER PRIMARY KEY REFERENCES activations (id)
                ) STRICT;

                CREATE INDEX license_keys_imported ON license_keys (license_id) WHERE kind = 'imported';
                """)
    ]

    static let rules = [
        ConsistencyRule(
            "import-links-lead-somewhere", whenBroken: "a link of an import to something that is not there",
            sql: """
                SELECT count(*) FROM import_links i WHERE NOT CASE kind
                    WHEN 'customer' THEN EXISTS (SELECT 1 FROM customers c WHERE c.id = i.internal_id)
                    WHEN 'product' THEN EXISTS (SELECT 1 FROM products p WHERE p.id = i.internal_id)
                    ELSE EXISTS (SELECT 1 FROM licenses l WHERE l.id = i.internal_id) END
                """),
        ConsistencyRule(
            "import-links-have-events", whenBroken: "a link of an import whose version is not that of its last event",
            sql: """
                SELECT count(*) FROM import_links i WHERE version <> coalesce((SELECT max(subject_version) FROM journal
                WHERE subject = 'import:' || i.source || ':' || i.kind || ':' || i.external_id), 0)
                """),
        ConsistencyRule(
            "imported-keys-are-linked", whenBroken: "a key of another system without the import that brought it",
            sql: """
                SELECT count(*) FROM license_keys k WHERE k.kind = 'imported' AND NOT EXISTS
                (SELECT 1 FROM import_links i WHERE i.kind = 'license' AND i.internal_id = k.license_id)
                """),
    ]
}
