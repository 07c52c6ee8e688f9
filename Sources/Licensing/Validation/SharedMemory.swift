import Primitives

/// Brings memory up to date about licenses, and what they need, from the database. Throws `DatabaseError`.
package typealias MemoryRefresh = @Sendable (Set<LicenseID>) async throws -> Void

/// The memory of a node has not followed the database for so long that nothing it knows is worth saying.
package struct MemoryTooOld: Error {
    package let retryAfterSeconds: Int64

    package init(retryAfterSeconds: Int64 = 30) { self.retryAfterSeconds = retryAfterSeconds }
}

/// What stands behind memory where other nodes write to the same database (DESIGN D11).
struct SharedMemory: Sendable {
    let refresh: MemoryRefresh
    let misses: MissConfirmation
    let feed: FeedProgress

    /// Throws `MemoryTooOld`.
    func checkAge() throws(MemoryTooOld) {
        if feed.isUnusable { throw MemoryTooOld() }
    }
}

extension Validator {
    /// Until the next check after a stale answer, before jitter: nodes are behind for minutes, not for days.
    private static let staleCheckIntervalSeconds: Int64 = 900

    /// Whether memory may lack what others changed lately.
    var isStale: Bool { shared?.feed.isStale ?? false }

    /// The license that the key of `request` opens, or the answer that there is none, which the database confirmed
    /// where others write to it. Throws `MemoryTooOld`, `SeatQueue.Overloaded`, `DatabaseError`.
    func find(_ request: ValidationRequest, at now: Timestamp) async throws -> Found {
        try shared?.checkAge()
        let found = look(for: request, at: now)
        guard let shared, case .unknownKey = found else { return found }
        try await shared.misses.confirm(request.licenseKey)
        return look(for: request, at: now)
    }

    /// A valid answer from knowledge that may be old: it extends nothing, so it has no token.
    func staleAnswer(
        _ verdict: Verdict, _ seat: ValidationAnswer.Seat, _ request: ValidationRequest,
        _ license: ValidationAnswer.License, at now: Timestamp
    ) -> ValidationAnswer {
        let wait = TokenMint.jittered(
            Self.staleCheckIntervalSeconds, spread: license.facts.id.rawValue ^ UInt64(bitPattern: now.milliseconds))
        return ValidationAnswer(
            verdict: verdict, license: license, seat: seat, token: nil,
            nextCheckAt: min(now.wholeSeconds + .seconds(wait), license.graceEnd), serverTime: now.wholeSeconds,
            nonce: request.nonce, isStale: true)
    }
}
