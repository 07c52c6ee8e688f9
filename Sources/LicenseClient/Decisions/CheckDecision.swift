/// Whether to ask the service now: decided under the lock, from values alone.
enum CheckDecision: Equatable, Sendable {
    /// Nothing to do.
    case rest(RefreshOutcome)
    /// Nothing to ask, and `CheckMemory` to write down.
    case note(CheckMemory, RefreshOutcome)
    /// An attempt, which counts from the moment this memory is written down.
    case ask(CheckMemory)

    /// What the decision depends on.
    struct Facts: Sendable {
        var memory: CheckMemory
        /// Unix seconds.
        var now: Int64
        /// What the stored token is worth at `now`.
        var held: HeldToken
        var isForced: Bool
        var problem: Problem?
        var hasServers: Bool
        var isKeyWellFormed: Bool
    }

    static func decide(_ facts: Facts, using generator: inout some RandomNumberGenerator) -> CheckDecision {
        var memory = facts.memory
        let now = facts.now
        if facts.problem != nil {
            if memory.unverifiableSince == 0 { memory.unverifiableSince = now }
            return .note(memory, .unverifiable)
        }
        guard facts.hasServers else { return noteTime(facts) }
        guard facts.isForced || isDue(facts) else { return .rest(.notDue) }
        if memory.provisionalSince == 0, facts.isKeyWellFormed { memory.provisionalSince = now }
        memory.failures += 1
        memory.nextAttempt = now + CheckLimits.backoff(failures: memory.failures, using: &generator)
        memory.highestSeen = max(memory.highestSeen, now)
        memory.unverifiableSince = 0
        return .ask(memory)
    }

    /// Without a network there is nothing to ask; what is worth keeping is the time, which only goes forward.
    private static func noteTime(_ facts: Facts) -> CheckDecision {
        guard facts.now > facts.memory.highestSeen || facts.memory.unverifiableSince != 0 else {
            return .rest(.offline)
        }
        var memory = facts.memory
        memory.highestSeen = max(memory.highestSeen, facts.now)
        memory.unverifiableSince = 0
        return .note(memory, .offline)
    }

    /// A check is due at its time; at once if the token was there and is not, unless that was just tried; and if its
    /// time is so far away that a clock must have been wrong when it was set.
    private static func isDue(_ facts: Facts) -> Bool {
        let memory = facts.memory
        let isLost = facts.held.license == nil && memory.failures == 0
        let waits =
            facts.now < memory.nextAttempt
            && memory.nextAttempt <= facts.now + CheckLimits.checkLatestSeconds
        return isLost || !waits
    }
}
