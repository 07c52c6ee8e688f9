extension FeedProgress {
    /// Beyond this age answers say that they are stale, and extend nothing.
    static let staleAgeMax = readyAgeMax
    /// Beyond this age there are no answers.
    static let unusableAgeMax = Duration.seconds(24 * 3600)

    var isStale: Bool { age > Self.staleAgeMax }

    var isUnusable: Bool { age > Self.unusableAgeMax }
}
