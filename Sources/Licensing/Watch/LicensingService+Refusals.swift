package import Database
package import Primitives

extension LicensingService {
    /// Refusals stored in one transaction, about: newcomers wait for it.
    private static let refusalBatchMax = 256

    /// Stores the refusals of the last seconds. Called every few seconds and before a clean end: losing the last of
    /// them is allowed.
    package func storeRefusals(at now: Timestamp) async throws {
        var waiting = watch.refusals.take().flatMap { $0.split(max: Self.refusalBatchMax) }[...]
        do {
            while !waiting.isEmpty {
                var size = 0
                let batch = waiting.prefix { group in
                    size += group.refusals.count
                    return size <= Self.refusalBatchMax
                }
                try await store(Array(batch), at: now)
                waiting = waiting.dropFirst(batch.count)
            }
        } catch {
            watch.refusals.giveBack(Array(waiting))
            throw error
        }
    }

    private func store(_ batch: [RefusalLog.Group], at now: Timestamp) async throws {
        let (refusals, index, unexplained) = (refusals, index, watch.unexplained)
        // Inside the write transaction of the only writer memory has all that was committed before, so a key that it
        // lacks is lost. Where others write, the database itself said that it knew none.
        let isShared = database.isShared
        _ = try await database.write { transaction in
            try refusals.record(
                batch, isKnown: { isShared || index.license(forKey: $0) != nil }, at: now, in: transaction)
        } committed: {
            unexplained.add($0)
        }
    }

    /// One page of refusals, newest first, up to now.
    package func refusals(
        _ filter: RefusalFilter, _ page: Page, at now: Timestamp
    ) async throws -> Listing<RefusalRecord> {
        try await storeRefusals(at: now)
        let refusals = refusals
        return try await database.read { try refusals.list(filter, page, in: $0) }
    }
}

extension RefusalLog.Group {
    /// The same in groups of at most `max`.
    fileprivate func split(max: Int) -> [Self] {
        stride(from: 0, to: refusals.count, by: max).map { start in
            Self(license: license, refusals: Array(refusals[start..<min(start + max, refusals.count)]))
        }
    }
}
