import Database
import Primitives

/// How claims that wait become seats or refusals.
protocol SeatSettling: Sendable {
    /// Claims settled by one call at most.
    var batchMax: Int { get }
    /// Calls at once at most.
    var workersMax: Int { get }

    /// Gives each of `batch` its outcome or its error, after the commit that covers it.
    func settle(_ batch: [WaitingClaim]) async
}

/// What a claim does inside a transaction, and in memory after its commit.
struct SeatTransactions: Sendable {
    let store: SeatStore
    let index: LicenseIndex
    /// Seats taken.
    let activations: Counter

    func claim(_ claim: SeatClaim, in transaction: WriteTransaction) throws -> SeatStore.Claimed {
        let index = index
        return try store.claim(claim, lastSeen: { index.place($0)?.lastSeen }, in: transaction)
    }

    func committed(_ claimed: SeatStore.Claimed) {
        if index.gainsSeat(from: claimed.changes) { activations.add() }
        index.apply(claimed.changes)
    }
}

extension Database {
    /// Runs `body` in a transaction that reads and changes one license, what belongs to it, and nothing else that a
    /// claim could change: beside others of other licenses, and after those of the same one. A client waits for it.
    func change<Value: Sendable>(
        _ license: LicenseID, dryRun: Bool = false,
        _ body: @escaping @Sendable (WriteTransaction) throws -> Value,
        committed: @escaping @Sendable (Value) -> Void = { _ in }
    ) async throws -> Value {
        try await write(
            dryRun: dryRun, gate: .shared, patience: .claimPatience,
            { transaction in
                try transaction.lock("licenses", "id", license)
                return try body(transaction)
            }, committed: committed)
    }
}
