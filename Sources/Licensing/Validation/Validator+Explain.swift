package import Journal
import LicenseToken
import Primitives

extension Validator {
    /// How the verdict on `request` comes about. Takes no seat and marks nothing as seen: what a newcomer would get is
    /// found out by a claim that is undone. Throws what `answer` throws.
    package func explain(_ request: ValidationRequest, by provenance: Provenance) async throws -> Explanation {
        let license: ValidationAnswer.License
        let offline: OfflineKey?
        switch try await find(request, at: provenance.at) {
        case .unknownKey(let answer): return Explanation(refusingKey: answer.verdict, request.installation)
        case .found(let found, let key): (license, offline) = (found, key)
        }
        let question = question(request)
        let objection =
            Rules.objection(to: license.facts, under: license.policy, question, at: provenance.at)
            ?? offline?.objection(to: request.installation)
        let seat = try await objection == nil ? standing(of: request, license, by: provenance) : .notAsked
        return Explanation(license, question, seat, under: offline, at: provenance.at)
    }

    /// How the installation stands to the seats, or would when it asked.
    private func standing(
        of request: ValidationRequest, _ license: ValidationAnswer.License, by provenance: Provenance
    ) async throws -> SeatStanding {
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
        if let delay = explanations.delay(for: license.facts.id, at: provenance.at) {
            throw NewcomersLimited(retryAfterSeconds: delay.wholeSeconds + 1)
        }
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
        case .notInForce, .outdated:
            try await shared?.refresh([claim.license])
            throw SeatQueue.Overloaded.standard
        }
    }
}
