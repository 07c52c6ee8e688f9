import LicenseToken
import Primitives

/// What a status depends on.
struct StatusFacts: Sendable {
    var memory: CheckMemory
    /// Unix seconds.
    var now: Int64
    var problem: Problem?
    /// What the stored token is worth at ``time``.
    var held: HeldToken
    var isWritable = true
    /// Numbers of the signed key set and of the list of revoked licenses that are held; 0 for none.
    var sequences: (keySet: Int64, revocations: Int64) = (0, 0)

    /// The later of now and the highest time seen at a check: setting the clock back gains nothing.
    var time: Int64 { max(now, memory.highestSeen) }
}

/// What is known without a network: from values alone.
enum StatusDecision {
    static func status(_ facts: StatusFacts) -> LicenseStatus {
        let memory = facts.memory
        if !memory.ended.isEmpty {
            return make(facts, .ended, memory.ended, memory.message)
        }
        if let problem = facts.problem {
            let since = memory.unverifiableSince == 0 ? facts.time : memory.unverifiableSince
            let end = since + CheckLimits.provisionalSeconds
            return make(facts, .unverifiable, problem.code, problem.message, until: end)
        }
        switch facts.held {
        case .good(let license):
            return make(
                facts, memory.error.isEmpty ? .licensed : .outage, license: license,
                [memory.refused, memory.verdict].first { !$0.isEmpty }, memory.message, until: license.expiresAt)
        case .refused(.revoked):
            return make(facts, .ended, LicenseTokenError.Code.revoked.rawValue, "The vendor revoked this license.")
        case .none, .refused:
            return withoutToken(facts)
        }
    }

    private static func withoutToken(_ facts: StatusFacts) -> LicenseStatus {
        let memory = facts.memory
        let end = memory.provisionalSince + CheckLimits.provisionalSeconds
        if memory.refused.isEmpty, memory.provisionalSince > 0, facts.time < end {
            let text = "The license service was not reached yet; this runs until \(Timestamp(seconds: end))."
            return make(facts, .provisional, "provisional", text, until: end)
        }
        if !memory.refused.isEmpty { return make(facts, .unlicensed, memory.refused, memory.message) }
        let code = facts.held.refusal?.rawValue ?? (memory.provisionalSince > 0 ? "provisional_over" : "not_checked")
        return make(facts, .unlicensed, code, "There is no license token to work from: \(code).")
    }

    /// `until`: usable until then, if that is later than now.
    private static func make(
        _ facts: StatusFacts, _ state: LicenseState, license: VerifiedLicense? = nil, _ code: String?,
        _ message: String, until end: Int64? = nil
    ) -> LicenseStatus {
        let usableUntil = end.flatMap { facts.time < $0 ? $0 : nil }
        return LicenseStatus(
            state: state, isUsable: usableUntil != nil, code: code, message: message,
            actionURL: facts.memory.actionURL.isEmpty ? nil : facts.memory.actionURL, license: license,
            isStale: !facts.memory.error.isEmpty, usableUntil: usableUntil, nextCheckAt: facts.memory.nextAttempt,
            keySetSequence: facts.sequences.keySet, revocationSequence: facts.sequences.revocations,
            warnings: warnings(facts), notices: facts.memory.notices)
    }

    private static func warnings(_ facts: StatusFacts) -> [String] {
        var warnings: [String] = []
        if facts.now < facts.memory.highestSeen - CheckLimits.clockToleranceSeconds {
            warnings.append("clock_set_back")
        }
        if facts.memory.isDamaged { warnings.append("state_unreadable") }
        if !facts.isWritable { warnings.append("state_not_writable") }
        return warnings + [facts.memory.error, facts.memory.notice].filter { !$0.isEmpty }
    }
}
