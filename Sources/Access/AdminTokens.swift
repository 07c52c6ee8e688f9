package import Database
package import Journal
package import Primitives
package import Secrets
import Synchronization

/// The admin tokens: who may operate from outside the machine. A request's token is recognized in memory.
package final class AdminTokens: Sendable {
    /// A token just made, and the secret that is told now and never again.
    package struct Made: Sendable {
        package let token: AdminToken
        package let secret: AdminTokenSecret
    }

    /// What a text shown as a token is.
    package enum Recognition: Sendable, Equatable {
        case valid(AdminToken)
        case expired
        /// No token, or one that was revoked.
        case unknown
    }

    /// How exactly the time of last use is kept: one write a token in this time, not one a request.
    package static let lastUsedPrecision = Duration.seconds(60)

    private struct Known: Sendable {
        var token: AdminToken
        /// Whether its time of last use is newer than the stored one.
        var isTouched = false
    }

    private let database: Database
    private let store: AdminTokenStore
    private let known: Mutex<[KeyedHash: Known]>

    /// Reads the tokens of `database`, which is migrated already.
    package init(database: Database, secrets: Secrets, journal: Journal) async throws {
        self.database = database
        let store = AdminTokenStore(journal: journal, pepper: secrets.pepper)
        self.store = store
        let live = try await database.read { try store.live(in: $0) }
        known = Mutex(Dictionary(uniqueKeysWithValues: live.map { ($0, Known(token: $1)) }))
    }

    /// Takes over what another node made, changed or revoked. Times of last use that are not stored yet stay.
    package func reload() async throws {
        let store = store
        let live = try await database.read { try store.live(in: $0) }
        known.withLock { known in
            let before = known
            known = Dictionary(
                uniqueKeysWithValues: live.map { hash, token in
                    guard let used = before[hash], used.isTouched else { return (hash, Known(token: token)) }
                    var touched = Known(token: token, isTouched: true)
                    touched.token.lastUsedAt = used.token.lastUsedAt
                    return (hash, touched)
                })
        }
    }

    /// Whose token `text` is, and notes its use.
    package func recognize(_ text: some StringProtocol, at now: Timestamp) -> Recognition {
        guard let secret = AdminTokenSecret(text: text) else { return .unknown }
        let hash = store.hash(of: secret)
        return known.withLock { known in
            guard let token = known[hash]?.token else { return .unknown }
            guard token.status(at: now) == .active else { return .expired }
            if token.lastUsedAt.map({ now - $0 >= Self.lastUsedPrecision }) ?? true {
                known[hash]?.token.lastUsedAt = now
                known[hash]?.isTouched = true
            }
            return .valid(token)
        }
    }

    /// Makes a token. Throws `AccessRefusal.tokenExists`.
    package func create(
        _ new: NewAdminToken, dryRun: Bool, by provenance: Provenance, receipt: Receipt<Made> = .none
    ) async throws -> Made {
        var generator = SystemRandomNumberGenerator()
        let secret = AdminTokenSecret(using: &generator)
        let (store, hash) = (store, store.hash(of: secret))
        return try await database.write(dryRun: dryRun) { transaction in
            try receipt.covering(transaction) {
                let token = try store.create(new, hash: hash, by: provenance, in: transaction)
                return Made(token: token, secret: secret)
            }
        } committed: { [self] made in
            known.withLock { $0[hash] = Known(token: made.token) }
        }
    }

    /// Ends a token: the next request that shows it is refused. Throws `AccessRefusal.tokenUnknown`.
    package func revoke(_ name: Slug, dryRun: Bool, by provenance: Provenance) async throws -> AdminToken {
        let store = store
        return try await database.write(dryRun: dryRun) { transaction in
            try store.revoke(name, by: provenance, in: transaction)
        } committed: { [self] revoked in
            known.withLock { known in known = known.filter { $0.value.token.name != revoked.name } }
        }
    }

    /// The token of that name, or nil.
    package func token(_ name: Slug) async throws -> AdminToken? {
        let store = store
        return try await database.read { try store.find(name, in: $0) }
    }

    /// One page of the tokens that all `conditions` let through, newest first.
    package func list(
        _ page: Page, where conditions: [AdminTokenCondition] = [], at now: Timestamp
    ) async throws -> Listing<AdminToken> {
        let store = store
        return try await database.read { try store.list(page, where: conditions, at: now, in: $0) }
    }

    /// Stores when tokens were last used. Called every few seconds and before a clean end: losing the last of these
    /// times is allowed.
    package func storeLastUsed() async throws {
        let uses = takeUses()
        guard !uses.isEmpty else { return }
        let store = store
        do {
            try await database.write { try store.recordLastUsed(uses, in: $0) }
        } catch {
            known.withLock { known in
                for hash in known.keys where uses.contains(where: { $0.name == known[hash]?.token.name }) {
                    known[hash]?.isTouched = true
                }
            }
            throw error
        }
    }

    private func takeUses() -> [(name: Slug, at: Timestamp)] {
        known.withLock { known in
            var uses: [(name: Slug, at: Timestamp)] = []
            for (hash, entry) in known where entry.isTouched {
                known[hash]?.isTouched = false
                if let at = entry.token.lastUsedAt { uses.append((entry.token.name, at)) }
            }
            return uses
        }
    }
}
