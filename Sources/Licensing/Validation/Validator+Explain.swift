package import Journal
import LicenseToken
import Primitives

extension Validator {
    /// How the verdict on `request` comes about. Takes no seat and marks nothing as seen: what a newcomer would get is
    /// found out by a claim that is undone, after memory learned what the database knows of its license. Throws what
    /// `answer` throws.
    package func explain(_ request: ValidationRequest, by provenance: Provenance) async throws -> Explanation {
        if isStale, case .found(let license, _) = try await find(request, at: provenance.at) {
            try await shared?.refresh([license.facts.id])
        }
        for attempt in 0..<Self.claimsMax {
            switch try await find(request, at: provenance.at) {
            case .unknownKey(let answer): return Explanation(refusingKey: answer.verdict, request.installation)
            case .found(let license, let offline):
                if let told = try await explain(request, license, offline, isFresh: attempt > 0, by: provenance) {
                    return told
                }
                try await shared?.refresh([license.facts.id])
            }
        }
        throw SeatQueue.Overloaded.standard
    }

    /// Nil when memory has to learn first what the database knows; `isFresh` says that it just did.
    private func explain(
        _ request: ValidationRequest, _ license: ValidationAnswer.License, _ offline: OfflineKey?,
        isFresh: Bool, by provenance: Provenance
    ) async throws -> Explanation? {
        let question = question(request)
        let objection =
            Rules.objection(to: license.facts, under: license.policy, question, at: provenance.at)
            ?? offline?.objection(to: request.installation)
        guard objection == nil else {
            return Explanation(license, question, .notAsked, under: offline, at: provenance.at)
        }
        return try await standing(of: request, license, isFresh: isFresh, by: provenance).map {
            Explanation(license, question, $0, under: offline, at: provenance.at)
        }
    }

    /// How the installation stands to the seats, or would when it asked; nil as above.
    private func standing(
        of request: ValidationRequest, _ license: ValidationAnswer.License, isFresh: Bool, by provenance: Provenance
    ) async throws -> SeatStanding? {
        guard let installation = request.installation else { return .notAsked }
        if installation.isFree(under: license.policy) { return .development }
        guard let identity = installation.identity(under: license.policy) else { return .newcomer }
        let network = installation.address.network(under: license.policy)
        let place = hashes.place(license.facts.id, identity, network)
        let known = index.place(place)
        let policy = license.policy
        if known?.counts(addressesPerSeat: policy.addressesPerSeat, lease: policy.lease, at: provenance.at) == true {
            return .holds
        }
        if !isFresh, let delay = explanations.delay(for: license.facts.id, at: provenance.at) {
            throw NewcomersLimited(retryAfterSeconds: delay.wholeSeconds + 1)
        }
        if shared != nil, !isFresh { return nil }
        let newcomer = Rules.verdict(on: license.facts, for: .newcomer, at: provenance.at)
        var proof = SeatProof.absent
        if let token = request.token { proof = try prover.proof(of: token, for: license) }
        let claim = SeatClaim(
            license: license.facts.id, installation: installation, identity: identity, network: network, place: place,
            refusal: newcomer == .notActivated ? nil : newcomer, isExplicit: request.isExplicit, proof: proof,
            provenance: provenance)
        switch try await queue.tried(claim) {
        case .held: return claim.refusal == nil ? .granted : .holds
        case .refused(.addressLimit, _): return .addressRefused
        case .refused(.activationLimit, _): return .seatRefused
        case .refused: return .newcomer
        case .notInForce, .outdated: return nil
        }
    }
}
