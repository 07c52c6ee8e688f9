import Database
import Journal
import Primitives

extension LicensingService {
    /// What licensing counted since it was opened, and how full it is now: what is watched from outside.
    package struct Statistics: Sendable {
        package let verdicts: [(verdict: Verdict, count: Int)]
        package let unknownKeys: Int
        package let guessesLimited: Int
        package let unexplainedInvalid: Int
        package let refusalsDropped: Int
        /// Seats taken.
        package let activations: Int
        package let newcomersLimited: Int
        /// Newcomers waiting for the writer.
        package let queueDepth: Int
        package let queueRefused: Int
        package let writeTransactions: Int
        package let tokenSignatures: Int
        package let tokenCacheHits: Int
        package let index: LicenseIndex.Sizes
        /// How memory follows other nodes; nil where there are none.
        package let feed: FeedStatus?
    }

    /// As of now. Takes a few locks for a moment each.
    package var statistics: Statistics {
        Statistics(
            verdicts: watch.verdicts.values, unknownKeys: watch.unknownKeys.value,
            guessesLimited: watch.guesses.limited.value, unexplainedInvalid: watch.unexplained.value,
            refusalsDropped: watch.refusals.dropped.value, activations: queue.activations.value,
            newcomersLimited: validator.newcomersLimited, queueDepth: queue.depth, queueRefused: queue.refused.value,
            writeTransactions: database.writeTransactions, tokenSignatures: mint.signatures.value,
            tokenCacheHits: mint.cacheHits.value, index: index.sizes, feed: feedStatus)
    }

    /// How memory follows other nodes; nil where there are none.
    package var feedStatus: FeedStatus? {
        database.isShared ? FeedStatus(position: feed.position.rawValue, age: feed.age, events: feed.events) : nil
    }

    /// The number of the last event. Throws `DatabaseError`.
    package func journalSequence() async throws -> Int64 {
        try await database.read { try Journal.lastSequence(in: $0) }
    }
}
