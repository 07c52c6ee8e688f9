package import Primitives

/// Stands behind every answer to an installation: counts it, remembers it when it is a refusal, and keeps those waiting
/// who guess keys. A valid answer costs one addition.
package final class InstallerWatch: Sendable {
    /// Too many keys that open nothing came from one address; whether this one does is not told.
    package struct TooManyGuesses: Error {
        package let retryAfterSeconds: Int64

        package init(retryAfterSeconds: Int64) { self.retryAfterSeconds = retryAfterSeconds }
    }

    let verdicts = VerdictCounters()
    /// Malformed and unknown keys, answered or not.
    let unknownKeys = Counter()
    /// Valid installations that were refused though neither an event nor the clock explains it: zero, unless there is a
    /// defect.
    let unexplained = Counter()
    let refusals = RefusalLog()
    let guesses: GuessLimit
    private let unexplainedRefusals: UnexplainedRefusals

    init(guesses: GuessLimit, unexplainedRefusals: UnexplainedRefusals) {
        self.guesses = guesses
        self.unexplainedRefusals = unexplainedRefusals
    }

    /// The answer that `answer` gives to `request` of `client`, which is the observed address. Throws `TooManyGuesses`
    /// in its place when the key opens nothing and the client's budget is used up.
    package func guarded(
        _ request: ValidationRequest, from client: CanonicalAddress, at now: Timestamp,
        _ answer: () async throws -> ValidationAnswer
    ) async throws -> ValidationAnswer {
        let answer = try await answer()
        try note(answer.verdict, of: answer.license?.facts.id, request, from: client, at: now)
        return answer
    }

    /// The same for an explanation, which is no check: only the guesses among them count.
    package func guarded(
        _ request: ValidationRequest, from client: CanonicalAddress, at now: Timestamp,
        _ explain: () async throws -> Explanation
    ) async throws -> Explanation {
        let explanation = try await explain()
        if explanation.verdict.isGuess {
            try note(explanation.verdict, of: nil, request, from: client, at: now)
        }
        return explanation
    }

    /// The same for a deactivation, which is no check either.
    package func guarded(
        _ request: ValidationRequest, from client: CanonicalAddress, at now: Timestamp,
        _ deactivate: () async throws -> Deactivation
    ) async throws -> Deactivation {
        let deactivation = try await deactivate()
        let verdict = deactivation.answer.verdict
        if verdict.isGuess { try note(verdict, of: nil, request, from: client, at: now) }
        return deactivation
    }

    /// Takes note of an answer about to be given, for requests that are no checks too. `license` is nil when the key
    /// opened none. Throws `TooManyGuesses` when something else must be answered.
    package func note(
        _ verdict: Verdict, of license: LicenseID?, _ request: ValidationRequest, from client: CanonicalAddress,
        at now: Timestamp
    ) throws(TooManyGuesses) {
        if verdict.isGuess {
            unknownKeys.add()
            if let delay = guesses.delay(for: client, at: now) {
                throw TooManyGuesses(retryAfterSeconds: delay.wholeSeconds + 1)
            }
        }
        verdicts.count(verdict)
        if !verdict.isValid { remember(verdict, of: license, request, from: client, at: now) }
    }

    private func remember(
        _ verdict: Verdict, of license: LicenseID?, _ request: ValidationRequest, from client: CanonicalAddress,
        at now: Timestamp
    ) {
        let keys = verdict == .notFound ? unexplainedRefusals.keys(typed: request.licenseKey) : []
        let refusal = Refusal(
            verdict: verdict, installation: request.installation, client: client, at: now, unknownKeys: keys)
        refusals.append(refusal, of: license)
        guard let license, let installation = request.installation else { return }
        if unexplainedRefusals.notice(verdict, of: license, installation, at: now) { unexplained.add() }
    }
}

/// How often each verdict was answered.
final class VerdictCounters: Sendable {
    private let counters = Verdict.allCases.map { _ in Counter() }

    func count(_ verdict: Verdict) { counters[verdict.position].add() }

    /// In order of precedence.
    var values: [(verdict: Verdict, count: Int)] { Array(zip(Verdict.allCases, counters.map(\.value))) }
}

extension Verdict {
    /// Place in `allCases`, which is no search.
    var position: Int {
        switch self {
        case .keyMalformed: 0
        case .notFound: 1
        case .revoked: 2
        case .suspended: 3
        case .notYetValid: 4
        case .productMismatch: 5
        case .versionNotAllowed: 6
        case .expired: 7
        case .domainNotAllowed: 8
        case .ipNotAllowed: 9
        case .notActivated: 10
        case .addressLimit: 11
        case .activationLimit: 12
        case .deactivationLimit: 13
        case .expiredGrace: 14
        case .valid: 15
        }
    }
}
