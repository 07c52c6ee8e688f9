import Database
import Journal
package import Primitives
import Secrets

/// Brings this process's memory up to what all nodes committed, step by step (DESIGN D11).
package struct MemoryFollower: Sendable {
    /// How long the server may take for one statement of a step: the next step is due soon.
    private static let patience = Duration.seconds(2)
    /// Batches in one step at most; the next step goes on.
    private static let batchesMax = 50

    /// Stands for all subjects, after everything was read again.
    package static let everything = "*"

    private let licensing: LicensingService
    private let reader: LicenseReader

    package init(_ licensing: LicensingService) {
        self.licensing = licensing
        reader = LicenseReader(licenses: licensing.licenses, seats: licensing.seats)
    }

    /// One view of the database beyond a position.
    private enum Reading: Sendable {
        case changes(MemoryChanges)
        /// Everything has to be read again: what memory holds may have nothing to do with what the database holds.
        case newEpoch
    }

    /// One step: everything that was committed when it began, or a good part of it. The subjects that changed, for
    /// others who keep some of them in memory. Called by one task at a time. Throws `DatabaseError`, `SecretsError`.
    @discardableResult
    package func poll(at now: Timestamp) async throws -> Set<String> {
        var subjects: Set<String> = []
        for _ in 0..<Self.batchesMax {
            let begun = licensing.feed.begin()
            switch try await read(at: now) {
            case .newEpoch:
                try await licensing.reloadMemory(at: now)
                return [Self.everything]
            case .changes(let changes):
                try await apply(changes, begun: begun)
                subjects.formUnion(changes.batch.subjects)
                if changes.batch.isLast { return subjects }
            }
        }
        return subjects
    }

    private func read(at now: Timestamp) async throws -> Reading {
        let (licensing, reader, feed) = (licensing, reader, licensing.feed)
        return try await licensing.database.read(patience: Self.patience) { transaction in
            guard try JournalFeed.epoch(in: transaction) == feed.epoch, feed.age < FeedSchema.removalsKept else {
                return .newEpoch
            }
            let batch = try JournalFeed.batch(from: feed.position, in: transaction)
            return .changes(
                try MemoryChanges(batch, from: feed.position, licensing, reader, at: now, in: transaction))
        }
    }

    private func apply(_ changes: MemoryChanges, begun: ContinuousClock.Instant) async throws {
        let licensing = licensing
        licensing.database.follow(before: changes.end) { licensing.apply(changes) }
        // Before the position moves: keys that could not be taken over are tried again in the next step.
        if changes.touchesKeys { try await licensing.followKeys(at: changes.at) }
        licensing.feed.reach(
            changes.end, events: changes.batch.events, isLast: changes.batch.isLast, changes.batch.horizon, begun: begun
        )
    }
}

/// What one step brings to memory, all from one view of the database.
struct MemoryChanges: Sendable {
    let batch: JournalFeed.Batch
    /// Everything before this transaction was read: its events, and the places that are gone.
    let end: TransactionID
    let products: [Product]
    let licenses: [LicenseRows]
    let removed: [IndexChange]
    let hasImportedKeys: Bool
    let at: Timestamp

    init(
        _ batch: JournalFeed.Batch, from position: TransactionID, _ licensing: LicensingService,
        _ reader: LicenseReader, at now: Timestamp, in transaction: ReadTransaction
    ) throws {
        self.batch = batch
        at = now
        products = batch.touches("product:") ? try licensing.products.all(in: transaction) : []
        licenses = try reader.rows(
            of: batch.subjects.compactMap { LicenseID(text: $0) }, in: transaction,
            policy: licensing.index.policyID(of:choosing:))
        let gone = try RemovedPlaces.noted(
            from: position, before: batch.isLast ? batch.horizon.settled : batch.end, in: transaction)
        removed = gone.changes
        end = max(batch.end, gone.end ?? batch.end)
        hasImportedKeys = try batch.touches("import:") && licensing.licenses.hasImportedKeys(in: transaction)
    }

    var touchesKeys: Bool { batch.touches("signing_key:") || batch.touches("key_set:") }
}

extension JournalFeed.Batch {
    func touches(_ prefix: String) -> Bool { subjects.contains { $0.hasPrefix(prefix) } }
}

extension LicensingService {
    /// Brings memory up to `changes`; places that are gone first: those that came back have rows.
    fileprivate func apply(_ changes: MemoryChanges) {
        for product in changes.products {
            catalog.apply(product)
            index.apply([.product(product)])
        }
        if changes.hasImportedKeys { catalog.admitImportedKeys() }
        index.apply(changes.removed)
        for rows in changes.licenses { index.apply(rows) }
    }

    /// Takes over signing keys and key sets that another node changed.
    fileprivate func followKeys(at now: Timestamp) async throws {
        try await keys.reload(at: now)
        try await keySets.reload()
    }
}
