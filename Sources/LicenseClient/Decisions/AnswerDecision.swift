import LicenseToken

/// What an answer, or its absence, changes: decided under the lock, from values alone.
///
/// Only an answer under status 200 that says `valid: false` with one of ``CheckLimits/endingCodes`` ends a token;
/// whatever else comes leaves it working until it expires.
struct AnswerDecision: Equatable, Sendable {
    /// What happens to the stored token.
    enum TokenChange: Equatable, Sendable {
        case keep
        case replace(String)
        case remove
    }

    var memory: CheckMemory
    var token: TokenChange
    var outcome: RefreshOutcome

    /// What the decision depends on.
    struct Facts: Sendable {
        var memory: CheckMemory
        /// Unix seconds.
        var now: Int64
        var answer: Result<ValidateAnswer, CheckFailure>
        /// What the answer's token is worth at `now`.
        var offered: HeldToken
        /// What the stored token is worth at `now`: an answer to our nonce proves that this is the time, whatever was
        /// seen before.
        var held: HeldToken
        /// What was sent.
        var nonce: String
        /// The domain that was sent, if one was.
        var domain: String?
        /// What went wrong beside the answer, empty if nothing did.
        var notice = ""
    }

    static func decide(_ facts: Facts) -> AnswerDecision {
        switch facts.answer {
        case .failure(let failure): failed(facts.memory, failure.reason)
        case .success(let answer) where answer.isValid: confirmed(by: answer, facts)
        case .success(let answer): refused(by: answer, facts)
        }
    }

    private static func failed(_ memory: CheckMemory, _ reason: String) -> AnswerDecision {
        var memory = memory
        memory.error = reason.shortened
        return AnswerDecision(memory: memory, token: .keep, outcome: .failed)
    }

    private static func refused(by answer: ValidateAnswer, _ facts: Facts) -> AnswerDecision {
        var memory = facts.memory
        memory.note(answer, facts.notice)
        memory.error = ""
        if CheckLimits.endingCodes.contains(answer.code) {
            memory.ended = answer.code
            return AnswerDecision(memory: memory, token: .remove, outcome: .ended)
        }
        memory.refused = answer.code.shortened
        return AnswerDecision(memory: memory, token: .keep, outcome: .refused)
    }

    private static func confirmed(by answer: ValidateAnswer, _ facts: Facts) -> AnswerDecision {
        var memory = facts.memory
        memory.note(answer, facts.notice)
        guard let text = answer.token, let offered = facts.offered.license else {
            let why = answer.token == nil ? "none" : facts.offered.refusal?.rawValue ?? "unverifiable"
            return failed(memory, "the answer holds no token for us: \(why)")
        }
        if let why = stranger(offered, facts) {
            return failed(memory, "the answer holds no token for us: \(why)")
        }
        let replaces = replaces(offered, facts.held.license, verdictChanged: answer.code != memory.verdict)
        memory.failures = 0
        memory.nextAttempt = next(after: facts.now, asked: offered.nextCheckAt)
        memory.refused = ""
        memory.ended = ""
        memory.error = ""
        memory.verdict = answer.code.shortened
        // A fresh signature over our nonce also says what time it is: it may correct a clock that ran ahead.
        memory.highestSeen = facts.now
        return AnswerDecision(
            memory: memory, token: replaces ? .replace(text) : .keep, outcome: replaces ? .updated : .kept)
    }

    /// What tells that a good token is not the answer to this question, or nil.
    private static func stranger(_ offered: VerifiedLicense, _ facts: Facts) -> String? {
        if offered.nonce != facts.nonce { return "another nonce" }
        if let domain = facts.domain, offered.domain != domain { return "another domain" }
        return nil
    }

    /// A token is not replaced by one that ends sooner, unless the verdict or the license changed.
    private static func replaces(
        _ offered: VerifiedLicense, _ held: VerifiedLicense?, verdictChanged: Bool
    ) -> Bool {
        guard let held else { return true }
        return verdictChanged || offered.expiresAt >= held.expiresAt || offered.licenseVersion != held.licenseVersion
    }

    /// The next check is when the service says, which has spread it by a fifth of a day either way.
    private static func next(after now: Int64, asked: Int64) -> Int64 {
        max(now + CheckLimits.backoffMinSeconds, min(asked, now + CheckLimits.checkLatestSeconds))
    }
}

extension CheckMemory {
    /// What an answer tells people, and what went wrong beside it.
    fileprivate mutating func note(_ answer: ValidateAnswer, _ notice: String) {
        self.notice = notice.shortened
        message = answer.message.shortened
        actionURL = answer.actionURL ?? ""
        notices = answer.notices
    }
}
