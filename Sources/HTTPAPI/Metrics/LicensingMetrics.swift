import Licensing

extension LicensingService.Statistics {
    /// Everything that licensing has to tell a monitor; docs/monitoring.md says what to make of it.
    var metrics: [MetricFamily] { answers + writes + memory + (feed.map(Self.following) ?? []) }

    private static func following(_ feed: FeedStatus) -> [MetricFamily] {
        [
            MetricFamily(
                "signet_feed_age_seconds", .gauge, "Time since memory had everything that all nodes committed.",
                seconds: feed.age),
            MetricFamily(
                "signet_feed_position", .gauge, "Transaction of the database up to which memory has everything.",
                Int(feed.position)),
            MetricFamily(
                "signet_feed_events_total", .counter, "Events of the journal that memory followed.", feed.events),
        ]
    }

    private var answers: [MetricFamily] {
        [
            MetricFamily(
                "signet_validations_total", .counter, "Checks of installations answered, by verdict.", by: "code",
                verdicts.map { ($0.verdict.rawValue, $0.count) }),
            MetricFamily(
                "signet_unknown_keys_total", .counter, "Checks with a malformed or unknown key, answered or not.",
                unknownKeys),
            MetricFamily(
                "signet_guesses_limited_total", .counter, "Checks with such a key that were answered 429.",
                guessesLimited),
            MetricFamily(
                "signet_unexplained_invalid_total", .counter,
                "Valid installations refused though neither an event nor the clock explains it; should stay 0.",
                unexplainedInvalid),
            MetricFamily(
                "signet_refusals_dropped_total", .counter, "Refusals that found no room in the log.", refusalsDropped),
        ]
    }

    private var writes: [MetricFamily] {
        [
            MetricFamily("signet_activations_total", .counter, "Seats taken.", activations),
            MetricFamily(
                "signet_newcomers_limited_total", .counter,
                "New installations answered 429, for too many of one license.", newcomersLimited),
            MetricFamily(
                "signet_write_queue_depth", .gauge, "New installations that wait for the writer.", queueDepth),
            MetricFamily(
                "signet_write_queue_refused_total", .counter,
                "New installations answered 503, for too many at once.", queueRefused),
            MetricFamily(
                "signet_write_transactions_total", .counter, "Transactions committed.", writeTransactions),
        ]
    }

    private var memory: [MetricFamily] {
        [
            MetricFamily("signet_token_signatures_total", .counter, "License tokens signed.", tokenSignatures),
            MetricFamily(
                "signet_token_cache_hits_total", .counter, "License tokens given again within their hour.",
                tokenCacheHits),
            MetricFamily("signet_index_licenses", .gauge, "Licenses in memory.", index.licenses),
            MetricFamily("signet_index_keys", .gauge, "License keys in memory.", index.keys),
            MetricFamily(
                "signet_index_places", .gauge, "Installations in memory, one for each of their addresses.",
                index.places),
            MetricFamily(
                "signet_last_seen_backlog", .gauge, "Times of last use that wait to be stored.", index.touched),
        ]
    }
}

extension ConnectionCensus {
    /// How many are connected.
    package var metrics: [MetricFamily] {
        let open = open
        return [
            MetricFamily("signet_connections", .gauge, "Open connections of installations.", open.connections),
            MetricFamily("signet_clients", .gauge, "Addresses that they come from; an IPv6 /64 is one.", open.clients),
        ]
    }
}
