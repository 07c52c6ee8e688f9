import Database

/// What the database knows of license keys besides their table, which came with licensing.
enum LicenseKeySchema {
    static let migrations = [
        // A program that does not know the column would let ended keys in.
        Migration(
            version: 16, name: "ending keys", readableFrom: 16,
            sql: """
                -- The instant from which the key opens nothing; NULL for never.
                ALTER TABLE license_keys ADD COLUMN valid_until INTEGER CHECK (valid_until % 1000 = 0);
                """)
    ]
}
