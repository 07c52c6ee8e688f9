import Database
import Journal
import Primitives
import Secrets

/// Admin tokens in the database.
struct AdminTokenStore: Sendable {
    private let journal: Journal
    private let pepper: Pepper

    init(journal: Journal, pepper: Pepper) {
        self.journal = journal
        self.pepper = pepper
    }

    /// The hash by which a token is found. Looking a hash up takes no time that tells of the secret.
    func hash(of secret: AdminTokenSecret) -> KeyedHash { pepper.hash(.adminToken, secret.bytes) }

    /// Stores a new token under the hash of its secret. Throws `AccessRefusal.tokenExists`.
    func create(
        _ new: NewAdminToken, hash: KeyedHash, by provenance: Provenance, in transaction: WriteTransaction
    ) throws -> AdminToken {
        guard try find(new.name, in: transaction.reading) == nil else { throw AccessRefusal.tokenExists(new.name) }
        let token = AdminToken(
            name: new.name, scopes: new.scopes, version: 1, createdAt: provenance.at.wholeSeconds,
            expiresAt: new.expiresAt)
        try transaction.execute(
            """
            INSERT INTO admin_tokens (name, token_hash, pepper_id, scopes, version, created_at, expires_at)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            token.name.text, hash.bytes, pepper.id, token.scopes.names.joined(separator: " "), token.version,
            token.createdAt, token.expiresAt)
        try journal.append(Self.event("admin_token.created", token), by: provenance, in: transaction)
        return token
    }

    /// Ends a token for good; one that ended before stays as it is. Throws `AccessRefusal.tokenUnknown`.
    func revoke(_ name: Slug, by provenance: Provenance, in transaction: WriteTransaction) throws -> AdminToken {
        guard let token = try find(name, in: transaction.reading) else { throw AccessRefusal.tokenUnknown }
        guard token.revokedAt == nil else { return token }
        let revoked = AdminToken(
            name: token.name, scopes: token.scopes, version: token.version + 1, createdAt: token.createdAt,
            expiresAt: token.expiresAt, lastUsedAt: token.lastUsedAt, revokedAt: provenance.at.wholeSeconds)
        try transaction.execute(
            "UPDATE admin_tokens SET revoked_at = ?, version = ? WHERE name = ?", revoked.revokedAt, revoked.version,
            name.text)
        try journal.append(Self.event("admin_token.revoked", revoked), by: provenance, in: transaction)
        return revoked
    }

    /// Stores when tokens were last used. Not an event: nothing changed but a time.
    func recordLastUsed(_ uses: [(name: Slug, at: Timestamp)], in transaction: WriteTransaction) throws {
        for (name, at) in uses {
            try transaction.execute("UPDATE admin_tokens SET last_used_at = ? WHERE name = ?", at, name.text)
        }
    }

    /// The token of that name, or nil.
    func find(_ name: Slug, in transaction: ReadTransaction) throws -> AdminToken? {
        try transaction.first("SELECT \(Self.columns) FROM admin_tokens WHERE name = ?", name.text, as: Self.token)
    }

    /// One page of the tokens that all `conditions` let through, newest first.
    func list(
        _ page: Page, where conditions: [AdminTokenCondition], at now: Timestamp, in transaction: ReadTransaction
    ) throws -> Listing<AdminToken> {
        try transaction.listing(
            Self.columns, from: "admin_tokens", where: .all(conditions.map { $0.sql(at: now) }),
            orderedBy: "created_at DESC, name", page, as: Self.token)
    }

    /// Every token that was not revoked, by its hash.
    func live(in transaction: ReadTransaction) throws -> [(KeyedHash, AdminToken)] {
        try transaction.all("SELECT \(Self.columns), token_hash FROM admin_tokens WHERE revoked_at IS NULL") { row in
            (KeyedHash(bytes: row.blob(7)), try Self.token(row))
        }
    }

    private static let columns = "name, scopes, version, created_at, expires_at, last_used_at, revoked_at"

    private static func token(_ row: any SQLRow) throws -> AdminToken {
        AdminToken(
            name: try Slug(row.text(0), member: "name"),
            // A scope that this version does not know permits nothing here.
            scopes: Set(row.text(1).split(separator: " ").compactMap { Scope(rawValue: String($0)) }),
            version: row.integer(2), createdAt: row.timestamp(3), expiresAt: row.optionalTimestamp(4),
            lastUsedAt: row.optionalTimestamp(5), revokedAt: row.optionalTimestamp(6))
    }

    private static func event(_ kind: String, _ token: AdminToken) -> Event {
        Event(Event.Kind(kind), subject: "admin_token:\(token.name)", subjectVersion: token.version) { facts in
            facts.member("scopes", token.scopes.names)
            facts.member("expires_at", token.expiresAt?.description)
        }
    }
}
