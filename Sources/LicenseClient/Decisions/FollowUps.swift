/// What to fetch after an answer: decided under the lock, from values alone.
struct FollowUps: Equatable, Sendable {
    /// The signed key set. The attempt is written down before it is made.
    var keySet: Bool
    /// The list of revoked licenses. Answers name it, and there is one a day.
    var list: Bool

    static let none = FollowUps(keySet: false, list: false)

    /// What the decision depends on.
    struct Facts: Sendable {
        /// When the key set was last asked for, in unix seconds; 0 for never.
        var keysAsked: Int64
        /// Unix seconds.
        var now: Int64
        /// Whether a root is pinned: without one no key set is taken.
        var hasRoot: Bool
        /// Whether the answer's token names a key that is not known: perhaps it is new.
        var meetsUnknownKey: Bool
        /// The number of the list that is held; 0 for none.
        var heldSequence: Int64
        /// The number of the newest list, as the answer names it.
        var namedSequence: Int64?
    }

    static func due(_ facts: Facts) -> FollowUps {
        FollowUps(
            keySet: facts.hasRoot && isKeySetDue(facts),
            list: facts.namedSequence.map { $0 > facts.heldSequence } ?? false)
    }

    /// The regular request is a day's; a key that is not known makes it due after a quarter of an hour. An instant in
    /// the future was written by a clock that ran ahead: it stops nothing.
    private static func isKeySetDue(_ facts: Facts) -> Bool {
        let seconds = facts.meetsUnknownKey ? CheckLimits.unknownKeySeconds : CheckLimits.keySetSeconds
        return facts.now < facts.keysAsked || facts.now - facts.keysAsked >= seconds
    }
}
