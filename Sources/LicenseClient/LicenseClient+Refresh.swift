import LicenseToken

extension LicenseClient {
    /// What was learned is worth waiting this much longer for the lock than for an answer.
    private static let recordingTime: Duration = .milliseconds(250)

    /// Asks the service if a check is due, or if an administrator asks for it (`force`). For a background task, never
    /// for a request that someone waits for: it can take ``Configuration/timeout``. Never throws.
    ///
    /// The attempt is written down under a lock before it is made, so that no number of processes makes two, and one
    /// that is killed has used its attempt. If it cannot be written down, nothing is asked.
    @discardableResult
    public func refreshIfDue(force: Bool = false) async -> RefreshOutcome {
        let deadline = Deadline(after: configuration.timeout)
        let now = clock()
        let begun = await cache.locked(before: deadline.instant) { begin(force: force, at: now) }
        guard let begun else { return .notRecorded }
        guard case .ask = begun else { return begun.outcome }
        let nonce = makeNonce()
        let conversation = Conversation(transport: transport, servers: configuration.servers, deadline: deadline)
        let reply = await conversation.ask(question(nonce: nonce, at: now))
        var notice = ""
        if case .success(let reply) = reply { notice = await follow(reply, in: conversation, at: now) }
        let end = max(deadline.instant, ContinuousClock.now + Self.recordingTime)
        let outcome = await cache.locked(before: end) {
            learn(reply.map(\.answer), nonce: nonce, notice: notice, at: now)
        }
        return outcome ?? .notRecorded
    }

    /// Decides and writes down; under the lock.
    private func begin(force: Bool, at now: Int64) -> CheckDecision {
        let facts = CheckDecision.Facts(
            memory: readMemory(), now: now, held: held(at: now), isForced: force, problem: problem,
            hasServers: !configuration.servers.isEmpty,
            isKeyWellFormed: Self.isWellFormed(licenseKey: configuration.licenseKey))
        var generator = RandomSource(draw: random)
        let decision = CheckDecision.decide(facts, using: &generator)
        guard let memory = decision.memory else { return decision }
        return remember(memory) ? decision : .rest(.notRecorded)
    }

    private func question(nonce: String, at now: Int64) -> ValidateQuestion {
        var question = ValidateQuestion(
            licenseKey: configuration.licenseKey, installation: installation, product: configuration.product,
            applicationVersion: configuration.applicationVersion, nonce: nonce)
        if installation.installationID != nil, held(at: now).refusal == .wrongDomain {
            question.token = cache.read(.token).text?.trimmed
        }
        return question
    }

    /// Decides what an answer changes, and does it; under the lock.
    private func learn(
        _ answer: Result<ValidateAnswer, CheckFailure>, nonce: String, notice: String, at now: Int64
    ) -> RefreshOutcome {
        let memory = readMemory()
        let decision = AnswerDecision.decide(
            AnswerDecision.Facts(
                memory: memory, now: now, answer: answer, offered: offered(by: answer, at: now),
                held: held(at: now), nonce: nonce, domain: installation.domain, notice: notice))
        if case .replace(let token) = decision.token, !cache.replace(.token, with: token) { return .notRecorded }
        let isWritten = remember(decision.memory)
        // In this order: a crash between the two leaves a token beside the memory of its end, which comes first.
        if decision.token == .remove { cache.remove(.token) }
        return isWritten ? decision.outcome : .notRecorded
    }

    private func offered(by answer: Result<ValidateAnswer, CheckFailure>, at now: Int64) -> HeldToken {
        guard case .success(let answer) = answer, let token = answer.token else { return .none }
        return verify(LicenseToken(token), at: now)
    }

    func remember(_ memory: CheckMemory) -> Bool { cache.replace(.memory, with: memory.json) }

    /// 16 fresh random bytes in base64url.
    func makeNonce() -> String {
        var generator = RandomSource(draw: random)
        return LicenseRequest.nonce(using: &generator)
    }
}

extension CheckDecision {
    /// What is to be written down before anything else happens.
    fileprivate var memory: CheckMemory? {
        switch self {
        case .rest: nil
        case .note(let memory, _): memory
        case .ask(let memory): memory
        }
    }

    /// What became of a call that asks nothing.
    fileprivate var outcome: RefreshOutcome {
        switch self {
        case .rest(let outcome), .note(_, let outcome): outcome
        case .ask: .failed
        }
    }
}
