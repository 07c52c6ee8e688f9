import Database
import Journal
package import Primitives

extension LicensingService {
    /// One consistent view of all that validation asks.
    func fillMemory(at now: Timestamp) async throws {
        let begun = feed.begin()
        let (position, epoch) = try await fill(index, at: now)
        feed.restart(at: position, epoch: epoch, begun: begun)
    }

    /// Reads everything again, beside the memory that goes on answering, and puts it in its place. What is committed
    /// meanwhile comes with the next step of the follower.
    func reloadMemory(at now: Timestamp) async throws {
        try await storeLastSeen()
        let begun = feed.begin()
        let fresh = LicenseIndex(policies: index.policies)
        let (position, epoch) = try await fill(fresh, at: now)
        database.follow(before: position, anew: true) { index.take(over: fresh) }
        feed.restart(at: position, epoch: epoch, begun: begun)
        try await keys.reload(at: now)
        try await keySets.reload()
    }

    /// Forgets which places are gone, once every node that follows knows it.
    package func pruneRemovals(at now: Timestamp) async throws {
        try await database.write { try FeedSchema.prune(at: now, in: $0) }
    }

    private func fill(_ index: LicenseIndex, at now: Timestamp) async throws -> (TransactionID, Int64) {
        let (products, licenses, seats, catalog) = (products, licenses, seats, catalog)
        return try await database.read { transaction in
            let all = try products.all(in: transaction)
            for product in all {
                catalog.apply(product)
                index.apply([.product(product)])
            }
            catalog.apply(keyPrefixes: try products.keyPrefixes(of: all, in: transaction))
            let counts = try licenses.counts(in: transaction)
            index.reserve(
                LicenseIndex.Sizes(
                    licenses: counts.licenses, keys: counts.keys, places: try seats.placeCount(in: transaction)))
            try licenses.forEachFacts(in: transaction, policy: index.policyID(of:choosing:)) { index.put($0) }
            try licenses.forEachKey(endingFrom: now - EndingKeys.keptAfterEnd, in: transaction) { hash, license, end in
                index.put(license, under: hash)
                if let end { index.apply([.keyEnds(hash, end)]) }
            }
            if try licenses.hasImportedKeys(in: transaction) { catalog.admitImportedKeys() }
            try seats.forEachPlace(in: transaction) { index.put($1, at: $0) }
            return (try JournalFeed.position(in: transaction), try JournalFeed.epoch(in: transaction))
        }
    }
}
