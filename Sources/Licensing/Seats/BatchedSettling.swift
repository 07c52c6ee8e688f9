import Database

/// Where one process writes: many claims in a transaction, each in its savepoint, so that they share one fsync.
struct BatchedSettling: SeatSettling {
    /// Enough to share one fsync among many, few enough to answer soon.
    let batchMax = 256
    let workersMax = 1

    let database: Database
    let claims: SeatTransactions

    func settle(_ batch: [WaitingClaim]) async {
        let (claims, wishes) = (claims, batch.map(\.claim))
        do {
            let results = try await database.write { transaction in
                try wishes.map { try Self.attempt($0, claims, in: transaction) }
            } committed: { results in
                for case .success(let claimed) in results { claims.committed(claimed) }
            }
            for (waiting, result) in zip(batch, results) { waiting.answer.resume(with: result.map(\.outcome)) }
        } catch {
            for waiting in batch { waiting.answer.resume(throwing: error) }
        }
    }

    /// One claim in its savepoint: what goes wrong with it alone is its own failure. A database that cannot write at
    /// all fails the whole batch.
    private static func attempt(
        _ claim: SeatClaim, _ claims: SeatTransactions, in transaction: WriteTransaction
    ) throws -> Result<SeatStore.Claimed, any Error> {
        do {
            let claimed = try transaction.savepoint { transaction -> SeatStore.Claimed? in
                try claims.claim(claim, in: transaction)
            }
            guard let claimed else { preconditionFailure("a savepoint whose body returned a value has one") }
            return .success(claimed)
        } catch let error as DatabaseError {
            guard case .conflict = error else { throw error }
            return .failure(error)
        } catch {
            return .failure(error)
        }
    }
}
