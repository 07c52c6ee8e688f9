import Database
import Primitives
import Secrets
import Synchronization

/// Asks the database about keys that memory does not know, before anybody is told that there is no such license:
/// another node may have issued it this instant (DESIGN D11).
///
/// One read at a time, for all that wait; whoever comes meanwhile shares the next. What was asked is not asked again
/// for a second, so that a flood of one wrong key costs a read a second.
final class MissConfirmation: Sendable {
    /// Checks that wait for a read at most.
    static let waitingMax = 1024
    /// How long an answer of the database is good for.
    static let life = Duration.seconds(1)
    /// Keys that were asked for lately.
    static let rememberedMax = 16_384

    fileprivate struct State: Sendable {
        var waiting: [(text: String, answer: CheckedContinuation<Void, any Error>)] = []
        var isReading = false
        /// Until when memory is known to be right about a key.
        var remembered: [KeyedHash: ContinuousClock.Instant] = [:]
        /// The same for how keys look.
        var formsUntil: ContinuousClock.Instant?
    }

    /// Reads, since the start.
    let reads = Counter()
    /// Checks that found too many waiting.
    let refused = Counter()
    private let lookup: KeyLookup
    private let refresh: MemoryRefresh
    private let state = Mutex(State())

    init(_ lookup: KeyLookup, refresh: @escaping MemoryRefresh) {
        self.lookup = lookup
        self.refresh = refresh
    }

    /// Returns once memory knows what the database knows of the typed key `text`. Throws `DatabaseError` when it could
    /// not be asked, and `SeatQueue.Overloaded`.
    func confirm(_ text: String) async throws {
        let identity = lookup.identity(of: text)
        if state.withLock({ $0.isKnown(identity, looksLikeKey: lookup.looksLikeKey(text), at: .now) }) { return }
        try await withCheckedThrowingContinuation { continuation in
            switch enqueue(text, continuation) {
            case .refused:
                refused.add()
                continuation.resume(throwing: SeatQueue.Overloaded.standard)
            case .queued: return
            case .first: Task { await work() }
            }
        }
    }

    private enum Enqueued { case refused, queued, first }

    private func enqueue(_ text: String, _ continuation: CheckedContinuation<Void, any Error>) -> Enqueued {
        state.withLock { state in
            guard state.waiting.count < Self.waitingMax else { return .refused }
            state.waiting.append((text, continuation))
            defer { state.isReading = true }
            return state.isReading ? .queued : .first
        }
    }

    /// Reads until nobody waits.
    private func work() async {
        while true {
            let waiting = state.withLock { state in
                defer { state.waiting.removeAll() }
                if state.waiting.isEmpty { state.isReading = false }
                return state.waiting
            }
            if waiting.isEmpty { return }
            let result = await confirmed(Set(waiting.map(\.text)))
            for waiter in waiting { waiter.answer.resume(with: result) }
        }
    }

    private func confirmed(_ texts: Set<String>) async -> Result<Void, any Error> {
        // What is committed after this instant may be missing from the answer.
        let until = ContinuousClock.now.advanced(by: Self.life)
        reads.add()
        do {
            let found = try await lookup.licenses(of: Array(texts))
            if !found.isEmpty { try await refresh(found) }
        } catch {
            return .failure(error)
        }
        let identities = texts.compactMap(lookup.identity(of:))
        state.withLock { $0.remember(identities, until: until, max: Self.rememberedMax) }
        return .success(())
    }
}

extension MissConfirmation.State {
    /// Whether memory is right about a key. One that looks like none of those known is only asked for because a new
    /// look of keys may be there.
    fileprivate func isKnown(
        _ identity: KeyedHash?, looksLikeKey: Bool, at now: ContinuousClock.Instant
    ) -> Bool {
        guard let identity else { return true }
        if !looksLikeKey, let formsUntil, now < formsUntil { return true }
        return remembered[identity].map { now < $0 } ?? false
    }

    /// A full table forgets what is over, and everything when nothing is.
    fileprivate mutating func remember(_ identities: [KeyedHash], until: ContinuousClock.Instant, max: Int) {
        formsUntil = until
        if remembered.count + identities.count > max {
            let now = ContinuousClock.now
            remembered = remembered.filter { $0.value > now }
        }
        if remembered.count + identities.count > max { remembered.removeAll() }
        for identity in identities { remembered[identity] = until }
    }
}
