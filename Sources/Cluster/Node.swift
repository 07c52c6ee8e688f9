package import Primitives

/// What a `NodeID` names.
package enum NodeEntity: RandomlyIdentified {
    /// As in `nod_0Q5SZ3MHT8V1D`.
    package static let idPrefix = "nod_"
}

/// Names a process that serves a database, and the next one with the same data directory.
package typealias NodeID = RandomID<NodeEntity>

/// How far a node has followed the journal.
package struct FeedPosition: Sendable, Equatable {
    /// The transaction before which it knows everything.
    package let transaction: Int64
    /// How long ago that was everything there was.
    package let age: Duration

    package init(transaction: Int64, age: Duration) {
        self.transaction = transaction
        self.age = age
    }
}

/// A process that serves the database, as it told of itself last. Instants are the database's.
package struct Node: Sendable, Equatable {
    /// Without a word for so long, a node counts as dead.
    package static let liveFor = Duration.seconds(30)
    /// After which nobody looks for a dead node any more.
    package static let rememberedFor = Duration.days(1)

    package let id: NodeID
    /// Its machine, and where installations reach it: for people.
    package let name: String
    /// Of the program.
    package let version: String
    package let startedAt: Timestamp
    package let seenAt: Timestamp
    /// The ids of the signing keys whose private files it holds.
    package let keyIDs: [String]
    /// Nil for one that follows nothing: it is the only one.
    package let feed: FeedPosition?

    package func isLive(at now: Timestamp) -> Bool { now - seenAt <= Self.liveFor }

    package func holds(_ keyID: String) -> Bool { keyIDs.contains(keyID) }
}

extension [Node] {
    /// The names of those that do not hold the private file of `keyID`.
    package func lacking(_ keyID: String) -> [String] { filter { !$0.holds(keyID) }.map(\.name) }
}
