package import Journal
import LicenseToken
import Primitives
import Secrets

/// Answers checks. A repeat from a known installation is answered from memory, without SQL and without suspending;
/// only a newcomer goes to the writer (DESIGN D4).
package struct Validator: Sendable {
    /// Too many newcomers of one license.
    package struct NewcomersLimited: Error {
        package let retryAfterSeconds: Int64
    }

    let hashes: KeyedHashes
    let index: LicenseIndex
    let catalog: Catalog
    let mint: TokenMint
    let queue: SeatQueue
    let prover: SeatProver
    /// Nil where no other process writes to the database: then memory knows all there is.
    let shared: SharedMemory?
    /// Stands in for an absent `product`; nil accepts any.
    private let defaultProduct: String?
    private let newcomers = NewcomerLimit()
    /// Newcomers that were told to wait, since the start.
    var newcomersLimited: Int { newcomers.limited.value }
    /// The same for explanations, which try a claim and undo it.
    let explanations = NewcomerLimit()
    private let refusals = RefusalMemory()

    init(
        hashes: KeyedHashes, index: LicenseIndex, catalog: Catalog, mint: TokenMint, queue: SeatQueue,
        prover: SeatProver, shared: SharedMemory?, defaultProduct: String?
    ) {
        self.hashes = hashes
        self.index = index
        self.catalog = catalog
        self.mint = mint
        self.queue = queue
        self.prover = prover
        self.shared = shared
        self.defaultProduct = defaultProduct
    }

    /// What memory alone can say.
    private enum Recalled {
        case answer(ValidationAnswer)
        /// The answer unless the database knows the key.
        case unknownKey(ValidationAnswer)
        case newcomer(SeatClaim, ValidationAnswer.License)
    }

    /// How often a claim is made anew because seats are counted in another way meanwhile.
    static let claimsMax = 3

    /// The answer to `request`. Throws `NewcomersLimited`, `SeatQueue.Overloaded`, `MemoryTooOld`, or `DatabaseError`
    /// when the database had to be asked and could not be: then nothing is said about the license.
    package func answer(
        _ request: ValidationRequest, by provenance: Provenance
    ) async throws -> ValidationAnswer {
        try shared?.checkAge()
        var (proof, claims, isKeyConfirmed) = (SeatProof.absent, 0, false)
        while claims < Self.claimsMax {
            switch try recall(request, proof, by: provenance) {
            case .answer(let answer): return answer
            case .unknownKey(let answer):
                guard let shared, !isKeyConfirmed else { return answer }
                try await shared.misses.confirm(request.licenseKey)
                isKeyConfirmed = true
            case .newcomer(var claim, let license):
                if claims == 0, let token = request.token { proof = try prover.proof(of: token, for: license) }
                claim = claim.proven(by: proof)
                let outcome = try await queue.claim(claim)
                if let answer = try await answer(request, outcome, claim, license) { return answer }
                claims += 1
            }
        }
        throw SeatQueue.Overloaded.standard
    }

    /// The part of a check that memory decides: everything, for all but newcomers.
    private func recall(
        _ request: ValidationRequest, _ proof: SeatProof, by provenance: Provenance
    ) throws -> Recalled {
        let now = provenance.at
        let license: ValidationAnswer.License
        let offline: OfflineKey?
        switch look(for: request, at: now) {
        case .unknownKey(let answer): return .unknownKey(answer)
        case .found(let found, let key):
            license = found
            offline = key
        }
        if let objection = objection(to: license, request, at: now)
            ?? offline?.objection(to: request.installation)
        {
            return .answer(seatless(objection, request, license, at: now))
        }
        guard let installation = request.installation else {
            let verdict = Rules.verdict(on: license.facts, for: .notAsked, at: now)
            return .answer(seatless(verdict, request, license, at: now))
        }
        return try recall(installation, request, license, proof, by: provenance)
    }

    /// What a key says before anything is looked at but itself.
    enum Found {
        case unknownKey(ValidationAnswer)
        case found(ValidationAnswer.License, OfflineKey?)
    }

    /// The license that the key of `request` opens, or the answer that there is none.
    func look(for request: ValidationRequest, at now: Timestamp) -> Found {
        let key = KeyReading(request.licenseKey, forms: catalog.keyForms)
        guard let license = license(under: key, at: now) else {
            let verdict: Verdict = key.isMalformed ? .keyMalformed : .notFound
            return .unknownKey(seatless(verdict, request, spread: spread(of: key), at: now))
        }
        return .found(license, key.offline)
    }

    private func recall(
        _ installation: Installation, _ request: ValidationRequest, _ license: ValidationAnswer.License,
        _ proof: SeatProof, by provenance: Provenance
    ) throws -> Recalled {
        let now = provenance.at
        let isFree = installation.isFree(under: license.policy)
        let ownIdentity = installation.identity(under: license.policy)
        // A free host needs no identifier: nothing is counted by it.
        guard let identity = ownIdentity ?? (isFree ? installation.domain.map(SeatIdentity.domain) : nil) else {
            let verdict = Rules.verdict(on: license.facts, for: .newcomer, at: now)
            var answer = seatless(verdict, request, license, at: now)
            if verdict == .notActivated { answer.lack = .installationID }
            return .answer(answer)
        }
        let network = installation.address.network(under: license.policy)
        let place = hashes.place(license.facts.id, identity, network)
        if isFree {
            let seat = ValidationAnswer.Seat(place: nil, installation: installation)
            return .answer(try answer(.development, seat, place, request, license, isStale: isStale, at: now))
        }
        let sighting = Sighting(
            network: SpreadSketch(of: installation.peer), carried: CarriedIdentity(installation, beside: identity))
        if let known = index.confirm(
            place, addressesPerSeat: license.policy.addressesPerSeat, lease: license.policy.lease, at: now, sighting)
        {
            let seat = ValidationAnswer.Seat(place: known, installation: installation)
            // Its seat may have been taken since the license was looked up: no answer says that none is.
            let license = license.facts.used == 0 ? current(license) : license
            return .answer(try answer(.holds, seat, place, request, license, isStale: isStale, at: now))
        }
        // In grace a newcomer is refused, but a further address of a domain that holds a seat is no newcomer, and only
        // the database knows which of the two this is.
        let newcomer = Rules.verdict(on: license.facts, for: .newcomer, at: now)
        guard request.activates else { return .answer(seatless(newcomer, request, license, at: now)) }
        let key = SeatClaim.refusalKey(place, sighting.carried)
        if let verdict = refusals.refusal(of: key, version: license.version, at: now),
            verdict != .notActivated || !request.isExplicit
        {
            return .answer(seatless(verdict, request, license, at: now))
        }
        // A place that memory knows only has to be renewed: those may all come back at once after an outage.
        if index.place(place) == nil, let delay = newcomers.delay(for: license.facts.id, at: now) {
            throw NewcomersLimited(retryAfterSeconds: delay.wholeSeconds + 1)
        }
        let claim = SeatClaim(
            license: license.facts.id, installation: installation, identity: identity, network: network, place: place,
            refusal: newcomer == .notActivated ? nil : newcomer, isExplicit: request.isExplicit, proof: proof,
            provenance: provenance)
        return .newcomer(claim, license)
    }

    /// The answer once the database has decided, with the license as it stands now; nil when the claim has to be made
    /// anew, because memory learned only now what the database knows.
    private func answer(
        _ request: ValidationRequest, _ outcome: SeatOutcome, _ claim: SeatClaim, _ before: ValidationAnswer.License
    ) async throws -> ValidationAnswer? {
        let now = claim.provenance.at
        if isStale || outcome.isBeyondMemory { try await shared?.refresh([claim.license]) }
        let license = current(before)
        if let objection = objection(to: license, request, at: now) {
            return seatless(objection, request, license, at: now)
        }
        switch outcome {
        case .held(let place):
            let seat = ValidationAnswer.Seat(place: place, installation: claim.installation)
            let standing: SeatStanding = claim.refusal == nil ? .granted : .holds
            // What the database said this instant is not stale.
            return try answer(standing, seat, claim.place, request, license, isStale: false, at: now)
        case .refused(let verdict, let version):
            let version = RefusalMemory.Version(license: version, product: license.product.version)
            refusals.remember(verdict, of: claim.refusalKey, version: version, at: now)
            return seatless(verdict, request, license, at: now)
        case .outdated: return nil
        case .notInForce:
            if shared != nil { return nil }
            // The database knows of a change that memory does not know yet: nothing true can be said now.
            throw SeatQueue.Overloaded.standard
        }
    }
}

// MARK: - Parts of an answer

extension Validator {
    func view(of facts: LicenseFacts) -> ValidationAnswer.License? { view(of: facts, keyEndsAt: nil) }

    /// The license as the holder of a key may know it, which ends at `keyEndsAt`.
    private func view(of facts: LicenseFacts, keyEndsAt: Timestamp?) -> ValidationAnswer.License? {
        catalog.product(facts.productID).map {
            ValidationAnswer.License(
                facts: facts, policy: index.policy(facts.policy), product: $0, keyEndsAt: keyEndsAt)
        }
    }

    /// Something of a key that opens nothing by which the next checks of many are spread; nil for no key at all.
    private func spread(of key: KeyReading) -> UInt64? { key.firstHash(hashes)?.low }

    /// The license that one of the readings of a typed key opens.
    func license(under key: KeyReading, at now: Timestamp) -> ValidationAnswer.License? {
        let opened = key.first(hashes) { index.license(forKey: $0, at: now) }
        return opened.flatMap { view(of: $0.facts, keyEndsAt: $0.keyEndsAt) }
    }

    /// The license as memory knows it now, opened by the same key.
    private func current(_ license: ValidationAnswer.License) -> ValidationAnswer.License {
        index.license(license.facts.id).flatMap { view(of: $0, keyEndsAt: license.keyEndsAt) } ?? license
    }

    /// What the license is asked about.
    func question(_ request: ValidationRequest) -> Question {
        let asked = request.product ?? defaultProduct
        let id = asked.flatMap(catalog.productID(code:))
        return Question(
            product: id, isProductKnown: asked == nil || id != nil, version: request.version,
            installation: request.installation)
    }

    private func objection(
        to license: ValidationAnswer.License, _ request: ValidationRequest, at now: Timestamp
    ) -> Verdict? {
        Rules.objection(to: license.facts, under: license.policy, question(request), at: now)
    }

    private func answer(
        _ standing: SeatStanding, _ seat: ValidationAnswer.Seat, _ place: KeyedHash, _ request: ValidationRequest,
        _ license: ValidationAnswer.License, isStale: Bool, at now: Timestamp
    ) throws -> ValidationAnswer {
        let verdict = Rules.verdict(on: license.facts, for: standing, at: now)
        guard verdict.isValid else { return seatless(verdict, request, license, at: now) }
        if isStale { return staleAnswer(verdict, seat, request, license, at: now) }
        let minted = try mint.token(for: seat, place: place, of: license, nonce: request.nonce, at: now)
        return ValidationAnswer(
            verdict: verdict, license: license, seat: seat, token: minted?.token,
            nextCheckAt: minted?.nextCheckAt ?? TokenMint.nextCheckAfterRefusal(at: now, spread: place.low),
            serverTime: now.wholeSeconds, nonce: request.nonce)
    }

    /// An answer that gives no seat: a refusal, or one about the license alone.
    func seatless(
        _ verdict: Verdict, _ request: ValidationRequest, _ license: ValidationAnswer.License? = nil,
        spread: UInt64? = nil, at now: Timestamp
    ) -> ValidationAnswer {
        let spread = spread ?? license?.facts.id.rawValue ?? UInt64(bitPattern: now.milliseconds)
        return ValidationAnswer(
            verdict: verdict, license: license, seat: nil, token: nil,
            nextCheckAt: TokenMint.nextCheckAfterRefusal(at: now, spread: spread), serverTime: now.wholeSeconds,
            nonce: request.nonce, isStale: isStale)
    }
}

extension SeatOutcome {
    /// Whether the database knows what memory does not.
    fileprivate var isBeyondMemory: Bool {
        switch self {
        case .notInForce, .outdated: true
        case .held, .refused: false
        }
    }
}

extension ValidationAnswer.License {
    /// What a refusal is remembered at.
    fileprivate var version: RefusalMemory.Version { .init(license: facts.version, product: product.version) }
}

extension OfflineKey {
    /// What a key that is bound says to an installation it is not bound to.
    func objection(to installation: Installation?) -> Verdict? {
        guard let installation, let binding else { return nil }
        let isElsewhere =
            binding.member == .domain && installation.domain.map { .domain($0.ascii) } != binding
            || binding.member == .installation
                && installation.installationID.map { .installation($0.text) } != binding
        return isElsewhere ? .domainNotAllowed : nil
    }
}
