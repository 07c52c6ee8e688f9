import Database

extension LicensingSchema {
    /// Who holds a license back, and why one was revoked; `licenses.state` follows in the same transaction.
    static let states = Migration(
        version: 15, name: "license states", readableFrom: 15,
        sql: """
            CREATE TABLE license_holds (
                license_id INTEGER NOT NULL REFERENCES licenses (id),
                holder TEXT NOT NULL CHECK (holder IN ('operator', 'billing')),
                reason TEXT,
                -- Who set it, or gave the reason last.
                actor TEXT NOT NULL,
                since INTEGER NOT NULL CHECK (since % 1000 = 0),
                PRIMARY KEY (license_id, holder)
            ) STRICT;

            -- A row is never taken away: revoked is final.
            CREATE TABLE license_revocations (
                license_id INTEGER PRIMARY KEY REFERENCES licenses (id),
                holder TEXT NOT NULL CHECK (holder IN ('operator', 'billing')),
                reason TEXT,
                actor TEXT NOT NULL,
                revoked_at INTEGER NOT NULL CHECK (revoked_at % 1000 = 0)
            ) STRICT;

            -- Nothing before this told who did it, or when: no earlier than the license was made.
            INSERT INTO license_holds (license_id, holder, reason, actor, since)
            SELECT id, 'operator', NULL, 'signet', created_at - created_at % 1000 FROM licenses
            WHERE state = 'suspended';
            INSERT INTO license_revocations (license_id, holder, reason, actor, revoked_at)
            SELECT id, 'operator', NULL, 'signet', created_at - created_at % 1000 FROM licenses
            WHERE state = 'revoked';
            """)
}
