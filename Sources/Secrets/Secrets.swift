import Crypto
package import Database
package import Primitives

/// The installation's secrets, checked against its database.
package struct Secrets: Sendable {
    package let directory: SecretsDirectory
    package let pepper: Pepper
    /// Identifier of `dataKey`, as the database names it.
    package let dataKeyID: Int64
    /// Seals customers' keys and license keys.
    package let dataKey: SealingKey

    package static let migrations = [
        Migration(
            version: 1, name: "secrets", readableFrom: 1,
            sql: """
                -- One row a file in Keys/: enough to tell the right secret from a wrong one, not to learn it.
                CREATE TABLE secrets (
                    name TEXT PRIMARY KEY,
                    check_value BLOB NOT NULL CHECK (length(check_value) = 16),
                    created_at INTEGER NOT NULL
                ) STRICT;
                """)
    ]

    private static let pepperName = "pepper-1"
    private static let dataName = "data-1"

    /// Reads the secrets of `directory`. Beside a new database the missing ones are made, and those already there are
    /// taken over: a first start that was killed half-way is simply started again. Beside any other database each must
    /// be there and be the right one. Throws `SecretsError`.
    package static func open(
        _ directory: SecretsDirectory, database: Database, at now: Timestamp
    ) async throws -> Secrets {
        if try await database.read(Self.known).isEmpty { try await create(in: directory, database: database, at: now) }
        for (name, checkValue) in try await database.read(Self.known) {
            let secret = try required(name, in: directory)
            guard Self.checkValue(of: secret) == checkValue else {
                throw SecretsError.wrong(path: directory.path(of: name))
            }
        }
        return try load(from: directory)
    }

    @Sendable
    private static func known(in transaction: ReadTransaction) throws -> [(name: String, checkValue: [UInt8])] {
        try transaction.all("SELECT name, check_value FROM secrets ORDER BY name") { ($0.text(0), $0.blob(1)) }
    }

    /// Makes files and rows together, behind the write gate: of several nodes that start at once on a new database one
    /// makes them, and the others find them made. Files left by a transaction that failed are taken over by the next.
    private static func create(in directory: SecretsDirectory, database: Database, at now: Timestamp) async throws {
        try await database.write { transaction in
            guard try known(in: transaction.reading).isEmpty else { return }
            for name in [pepperName, dataName] {
                if try directory.read(name) == nil {
                    try directory.create(name, SymmetricKey(size: .bits256).withUnsafeBytes { [UInt8]($0) })
                }
                try transaction.execute(
                    "INSERT INTO secrets (name, check_value, created_at) VALUES (?, ?, ?)", name,
                    checkValue(of: try required(name, in: directory)), now)
            }
        }
    }

    private static func load(from directory: SecretsDirectory) throws -> Secrets {
        Secrets(
            directory: directory,
            pepper: Pepper(id: 1, secret: try required(pepperName, in: directory)),
            dataKeyID: 1,
            dataKey: SealingKey(secret: try required(dataName, in: directory)))
    }

    private static func required(_ name: String, in directory: SecretsDirectory) throws -> [UInt8] {
        guard let secret = try directory.read(name) else { throw SecretsError.missing(path: directory.path(of: name)) }
        return secret
    }

    /// The first 16 bytes of HMAC-SHA-256 of a fixed text under the secret.
    private static func checkValue(of secret: [UInt8]) -> [UInt8] {
        let text = [UInt8]("signet check value 1".utf8)
        return HMAC<SHA256>.authenticationCode(for: text, using: SymmetricKey(data: secret))
            .withUnsafeBytes { [UInt8]($0.prefix(16)) }
    }
}
