import LicenseToken
import Primitives

/// How a verdict came about, rule by rule, for the holder of the key: nothing here tells more of the license than its
/// own answers do, but which part of it decides.
package struct Explanation: Sendable {
    /// How a rule turned out.
    package enum Outcome: String, Sendable {
        case passed
        case failed
        /// One before it failed.
        case notReached = "not_reached"
    }

    /// A rule and how it turned out.
    package struct Step: Sendable {
        /// `LicenseRule`, `SeatRule`, or one of the key: lower case with underscores.
        package let rule: String
        package let outcome: Outcome
        /// What the verdict is when it fails.
        package let refusal: Verdict
        /// What it compared, by name: of the question always, of the license only when its key is known.
        package let values: [(name: StaticString, value: String?)]
    }

    /// How the installation is counted.
    package struct Counting: Sendable {
        package let countedBy: SeatCounting
        /// The domain, network or identifier that a seat would belong to; nil when what counts is missing.
        package let identity: String?
        /// The location of the address.
        package let network: String
        package let isDevelopment: Bool
    }

    package let verdict: Verdict
    /// In order of precedence.
    package let steps: [Step]
    /// Nil when the key opened nothing.
    package let license: ValidationAnswer.License?
    /// As the service read it.
    package let installation: Installation?
    package let counting: Counting?
    /// The grants that let the installation in, where the license names any.
    package let domainGrant: HostPattern?
    package let networkGrant: AddressRange?

    /// The first rule that failed; nil when the verdict is valid.
    package var failed: Step? { steps.first { $0.outcome == .failed } }
}

/// What a key must be before there is a license.
enum KeyRule: String, CaseIterable {
    case wellFormed = "key_well_formed"
    case known = "key_known"

    var refusal: Verdict {
        switch self {
        case .wellFormed: .keyMalformed
        case .known: .notFound
        }
    }
}

extension Explanation {
    /// For a key that opens nothing: `verdict` is `KEY_MALFORMED` or `NOT_FOUND`, and no more is told.
    init(refusingKey verdict: Verdict, _ installation: Installation?) {
        var steps = StepList()
        for rule in KeyRule.allCases { steps.add(rule.rawValue, rule.refusal, holds: rule.refusal != verdict) }
        for rule in LicenseRule.inOrder { steps.add(rule.rawValue, rule.refusal, holds: true) }
        for rule in SeatRule.inOrder { steps.add(rule.rawValue, rule.refusal, holds: true) }
        self.init(
            verdict: verdict, steps: steps.steps, license: nil, installation: installation, counting: nil,
            domainGrant: nil, networkGrant: nil)
    }

    /// The rules over `license` and `seat`, asked in the order in which a check asks them; of an offline key also what
    /// it is bound to.
    init(
        _ license: ValidationAnswer.License, _ question: Question, _ seat: SeatStanding,
        under offline: OfflineKey? = nil, at now: Timestamp
    ) {
        let installation = question.installation
        var steps = StepList()
        for rule in KeyRule.allCases { steps.add(rule.rawValue, rule.refusal, holds: true) }
        for rule in LicenseRule.inOrder {
            let holds = rule.holds(for: license.facts, under: license.policy, question, at: now)
            steps.add(rule.rawValue, rule.refusal, holds: holds, rule.values(license, question))
        }
        if let offline {
            let holds = offline.objection(to: installation) == nil
            steps.add(OfflineKey.boundHere, .domainNotAllowed, holds: holds, [("bound_to", offline.boundTo)])
        }
        for rule in SeatRule.inOrder {
            let holds = rule.holds(for: license.facts, seat, at: now)
            steps.add(rule.rawValue, rule.refusal, holds: holds, rule.values(license, seat))
        }
        let verdict =
            steps.failed?.refusal ?? Rules.verdict(on: license.facts, for: seat, at: now)
        self.init(
            verdict: verdict, steps: steps.steps, license: license, installation: installation,
            counting: installation.map { Counting($0, under: license.policy) },
            domainGrant: installation?.domain.flatMap { license.policy.grant(for: $0.ascii) },
            networkGrant: installation.flatMap { license.policy.grant(for: $0.address) })
    }
}

/// Steps as they are asked: after the first that fails no other is reached.
private struct StepList {
    private(set) var steps: [Explanation.Step] = []
    private(set) var failed: Explanation.Step?

    mutating func add(
        _ rule: String, _ refusal: Verdict, holds: Bool, _ values: [(name: StaticString, value: String?)] = []
    ) {
        let outcome: Explanation.Outcome = failed != nil ? .notReached : holds ? .passed : .failed
        let told = outcome == .notReached ? [] : values
        let step = Explanation.Step(rule: rule, outcome: outcome, refusal: refusal, values: told)
        steps.append(step)
        if outcome == .failed { failed = step }
    }
}

extension Explanation.Counting {
    init(_ installation: Installation, under policy: Policy) {
        countedBy = policy.countedBy
        identity = installation.identity(under: policy)?.text
        network = installation.address.network(under: policy).description
        isDevelopment = installation.isFree(under: policy)
    }
}

extension OfflineKey {
    /// The rule that an offline key is used where it may be.
    fileprivate static let boundHere = "key_bound_here"

    /// What it is bound to; of the thing itself it holds a hash.
    fileprivate var boundTo: String {
        switch binding?.member {
        case .some(.domain): "domain"
        case .some(.installation): "installation_id"
        default: "nothing"
        }
    }
}

extension SeatIdentity {
    fileprivate var text: String {
        switch self {
        case .domain(let domain): domain.ascii
        case .network(let network): network.description
        case .installationID(let id): id.text
        }
    }
}

// MARK: - What each rule compared

extension LicenseRule {
    fileprivate func values(
        _ license: ValidationAnswer.License, _ question: Question
    ) -> [(name: StaticString, value: String?)] {
        let (facts, policy) = (license.facts, license.policy)
        switch self {
        case .notRevoked, .notSuspended: return [("state", facts.state.rawValue)]
        case .begun: return [("not_before", facts.notBefore == .distantPast ? nil : facts.notBefore.description)]
        case .product: return [("license_product", license.product.code.text)]
        case .version:
            return [("version", question.version?.description), ("max_version", policy.maxVersion.text)]
        case .notExpired:
            return [("expires_at_time", facts.expiresAt.boundText), ("grace_until", license.graceEnd.boundText)]
        case .domainAllowed:
            return [
                ("domain", question.installation?.domain?.ascii),
                ("restricted", policy.allowedDomains.isEmpty ? "no" : "yes"),
            ]
        case .addressAllowed:
            return [
                ("ip_address", question.installation?.address.description),
                ("restricted", policy.allowedNetworks.isEmpty ? "no" : "yes"),
                ("observed_address_counts", policy.checksPeer ? "yes" : "no"),
            ]
        }
    }
}

extension SeatRule {
    fileprivate func values(
        _ license: ValidationAnswer.License, _ seat: SeatStanding
    ) -> [(name: StaticString, value: String?)] {
        switch self {
        case .newcomerAdmitted: [("expires_at_time", license.facts.expiresAt.boundText)]
        case .activated: [("standing", seat.rawValue)]
        case .addressFits: [("addresses_per_seat", String(license.policy.addressesPerSeat))]
        case .seatFree:
            [
                ("current_activations", String(license.facts.used)),
                ("max_activations", String(license.policy.maxActivations)),
            ]
        }
    }
}

extension VersionLimit {
    fileprivate var text: String? { if case .upTo(let version) = self { version.description } else { nil } }
}

extension Timestamp {
    /// Nil for an instant that never comes.
    fileprivate var boundText: String? { self == .distantFuture ? nil : description }
}
