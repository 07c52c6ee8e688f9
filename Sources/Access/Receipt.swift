package import Database

/// The answer to a request, kept in the very transaction that does the request's work: there is no moment at which the
/// work is done and its answer is not known. So the same request sent again gets the same answer, and nothing is done
/// twice.
package struct Receipt<Value: Sendable>: Sendable {
    private let check: @Sendable (WriteTransaction) throws -> Void
    private let keep: @Sendable (Value, WriteTransaction) throws -> Void

    /// `check` throws when the answer is there already; `keep` writes it down.
    init(
        check: @escaping @Sendable (WriteTransaction) throws -> Void,
        keep: @escaping @Sendable (Value, WriteTransaction) throws -> Void
    ) {
        self.check = check
        self.keep = keep
    }

    /// For a request that came without an Idempotency-Key: nothing is kept.
    package static var none: Receipt { Receipt(check: { _ in }, keep: { _, _ in }) }

    /// Does `work` in `transaction` and keeps what is answered. Throws `KeptAnswer` when it was done before, and
    /// `IdempotencyRefusal.keyReused` when another request was.
    package func covering(_ transaction: WriteTransaction, _ work: () throws -> Value) throws -> Value {
        try check(transaction)
        let value = try work()
        try keep(value, transaction)
        return value
    }
}

/// The answer that an earlier request with the same Idempotency-Key got. Thrown, because nothing else is left to do.
package struct KeptAnswer: Error, Equatable {
    /// An HTTP status, 2xx.
    package let status: Int
    package let body: [UInt8]
}

/// Why a request with an Idempotency-Key was not carried out.
package enum IdempotencyRefusal: Error, Equatable {
    /// The key came with another request before.
    case keyReused
    /// The first request with this key is being worked on.
    case inFlight
}
