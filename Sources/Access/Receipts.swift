import Crypto
package import Database
package import Primitives
package import Secrets
import Synchronization

/// A request with an Idempotency-Key, as it is known again: who sent it under which key, and what it asked.
package struct ReceiptClaim: Sendable, Equatable {
    let key: KeyedHash
    let request: KeyedHash
    let at: Timestamp
}

/// The answers that were given to requests with an Idempotency-Key.
package final class Receipts: Sendable {
    /// For how long an answer is kept at least.
    package static let keptFor = Duration.hours(24)
    /// Older answers removed with each new one, which keeps the table from growing.
    private static let removedWithEach = 100

    private let database: Database
    private let secrets: Secrets
    private let inFlight = Mutex<Set<KeyedHash>>([])

    package init(database: Database, secrets: Secrets) {
        self.database = database
        self.secrets = secrets
    }

    /// The claim of a request. `owner` is the actor: two of them may use the same key for different things.
    package func claim(
        _ key: String, owner: String, method: String, path: String, body: some Sequence<UInt8>, at now: Timestamp
    ) -> ReceiptClaim {
        var digest = SHA256()
        digest.update(data: Array(body))
        return ReceiptClaim(
            key: secrets.pepper.hash(.idempotencyKey, Array(owner.utf8), Array(key.utf8)),
            request: secrets.pepper.hash(
                .idempotentRequest, Array(method.utf8), Array(path.utf8), Array(digest.finalize())),
            at: now)
    }

    /// Throws `KeptAnswer` when this request was answered before, and `IdempotencyRefusal.keyReused` when another was.
    /// What is asked here may change until the work begins; the work asks again, in its own transaction.
    package func check(_ claim: ReceiptClaim) async throws {
        let secrets = secrets
        try await database.read { try Self.check(claim, secrets, in: $0) }
    }

    /// Does `work`, alone of all requests with this key. Throws `IdempotencyRefusal.inFlight` when it is not.
    package func alone<Value>(_ claim: ReceiptClaim, _ work: () async throws -> Value) async throws -> Value {
        guard inFlight.withLock({ $0.insert(claim.key).inserted }) else { throw IdempotencyRefusal.inFlight }
        defer { inFlight.withLock { _ = $0.remove(claim.key) } }
        return try await work()
    }

    /// The receipt of this request. `answer` gives the body for what the work made; it is asked inside the transaction.
    package func receipt<Value>(
        for claim: ReceiptClaim, status: Int, answer: @escaping @Sendable (Value) -> [UInt8]
    ) -> Receipt<Value> {
        let secrets = secrets
        return Receipt { transaction in
            try Self.check(claim, secrets, in: transaction.reading)
        } keep: { value, transaction in
            try Self.keep(answer(value), status: status, for: claim, secrets, in: transaction)
        }
    }

    private static func check(_ claim: ReceiptClaim, _ secrets: Secrets, in transaction: ReadTransaction) throws {
        let kept = try transaction.first(
            "SELECT request_hash, status, answer FROM receipts WHERE key_hash = ?", claim.key.bytes
        ) { (request: KeyedHash(bytes: $0.blob(0)), status: Int($0.integer(1)), sealed: $0.blob(2)) }
        guard let kept else { return }
        guard kept.request == claim.request else { throw IdempotencyRefusal.keyReused }
        guard let body = secrets.dataKey.open(kept.sealed, context: context(of: claim)) else {
            throw DatabaseError.corrupt(detail: "a receipt does not open")
        }
        throw KeptAnswer(status: kept.status, body: body)
    }

    private static func keep(
        _ body: [UInt8], status: Int, for claim: ReceiptClaim, _ secrets: Secrets, in transaction: WriteTransaction
    ) throws {
        try transaction.execute(
            """
            DELETE FROM receipts WHERE key_hash IN
                (SELECT key_hash FROM receipts WHERE created_at < ? ORDER BY created_at LIMIT ?)
            """,
            claim.at - keptFor, removedWithEach)
        try transaction.execute(
            "INSERT INTO receipts (key_hash, request_hash, status, answer, created_at) VALUES (?, ?, ?, ?, ?)",
            claim.key.bytes, claim.request.bytes, status,
            secrets.dataKey.seal(body, context: context(of: claim)), claim.at)
    }

    private static func context(of claim: ReceiptClaim) -> String {
        "receipts.answer:\(Base64URL.encode(claim.key.bytes))"
    }
}
