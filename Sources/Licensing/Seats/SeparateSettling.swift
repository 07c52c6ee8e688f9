import Database

/// Where other nodes write too: each claim is a transaction of its own that locks its license first. Many in one
/// transaction would hold many licenses at once, and wait for each other in rings (decision 0024).
struct SeparateSettling: SeatSettling {
    let batchMax = 1
    /// Half of the connections that a node has: operators' work and reads need theirs.
    let workersMax = 8

    let database: Database
    let claims: SeatTransactions
    /// Brings memory up to date about licenses.
    let refresh: MemoryRefresh

    func settle(_ batch: [WaitingClaim]) async {
        for waiting in batch {
            do {
                waiting.answer.resume(returning: try await outcome(of: waiting))
            } catch {
                waiting.answer.resume(throwing: error)
            }
        }
    }

    /// A claim whose commit may have happened is made again: it finds the seat that it took, if it did. Memory learns
    /// what the first attempt changed before anything is said (DESIGN D4), and so it does of a seat that another node
    /// took, or an attempt that was given up.
    private func outcome(of waiting: WaitingClaim) async throws -> SeatOutcome {
        let claim = waiting.claim
        var isRepeated = false
        while true {
            do {
                let claimed = try await attempt(claim)
                if isRepeated || Self.isFound(claimed) { try await refresh([claim.license]) }
                return claimed.outcome
            } catch DatabaseError.unknownOutcome {
                guard .now < waiting.until else { throw SeatQueue.Overloaded.standard }
                isRepeated = true
            }
        }
    }

    private func attempt(_ claim: SeatClaim) async throws -> SeatStore.Claimed {
        let claims = claims
        return try await database.change(claim.license) { transaction in
            let claimed = try claims.claim(claim, in: transaction)
            if Self.isFound(claimed) { try Self.awaitStandby(of: claim, in: transaction) }
            return claimed
        } committed: {
            claims.committed($0)
        }
    }

    /// A seat that is found may be one whose commit has not reached the standby, and never will if its primary is lost
    /// now. A transaction that changes something is confirmed after all that the standby got before it; one that only
    /// read would be confirmed at once.
    private static func awaitStandby(of claim: SeatClaim, in transaction: WriteTransaction) throws {
        try transaction.execute("UPDATE licenses SET version = version WHERE id = ?", claim.license)
    }

    /// Whether the seat was there already, so that nothing of its license changed.
    private static func isFound(_ claimed: SeatStore.Claimed) -> Bool {
        guard case .held = claimed.outcome else { return false }
        return !claimed.changes.contains { if case .license = $0 { true } else { false } }
    }
}
