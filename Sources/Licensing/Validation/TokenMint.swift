import Crypto
import Journal
import LicenseToken
import Primitives
import Secrets

/// Makes license tokens, and gives the same one again within its hour (DESIGN D6).
package struct TokenMint: Sendable {
    /// Life of a token for a development host.
    static let developmentLifeSeconds: Int64 = 86_400
    /// Until the next check, before jitter; half a token's life when that is shorter.
    static let checkIntervalSeconds: Int64 = 86_400
    /// After a refusal the installation looks again sooner: the reason may have been mended.
    static let refusedCheckIntervalSeconds: Int64 = 6 * 3600
    /// A fleet that was installed together does not call together: ± 20 %.
    static let jitterPercent: Int64 = 20
    /// A token is used again for an hour at most.
    static let bucketSeconds: Int64 = 3600

    /// A token and when its holder should ask again.
    struct Minted: Sendable {
        let token: [UInt8]
        let nextCheckAt: Timestamp
        /// When it was made.
        let at: Timestamp
    }

    let signatures = Counter()
    /// Tokens that were given again.
    let cacheHits = Counter()
    private let issuer: String
    private let keys: SigningKeyRing
    private let cache: TokenCache

    package init(issuer: String, keys: SigningKeyRing, cache: TokenCache) {
        self.issuer = issuer
        self.keys = keys
        self.cache = cache
    }

    /// The token for a valid seat. `place` is what the seat is recognized by. A nonce always makes a fresh one. Nil
    /// while this node has not the key that signs.
    func token(
        for seat: ValidationAnswer.Seat, place: KeyedHash, of license: ValidationAnswer.License, nonce: String?,
        at now: Timestamp
    ) throws -> Minted? {
        guard let signer = keys.signer(at: now) else { return nil }
        let stamp = TokenCache.Stamp(
            licenseVersion: license.facts.version, productVersion: license.product.version, keyID: signer.keyID,
            // Each place's hours begin at its own moment, so that a fleet is not signed anew all at once.
            bucket: (now.seconds + Int64(place.low % UInt64(Self.bucketSeconds))) / Self.bucketSeconds,
            address: license.policy.countedBy == .ip ? seat.installation.address.bits : 0)
        if nonce == nil, let known = cache.token(for: place, stamp), known.nextCheckAt > now {
            cacheHits.add()
            return known
        }
        signatures.add()
        let claims = claims(for: seat, place: place, of: license, nonce: nonce, at: now)
        let minted = Minted(
            token: try signer.sign(claims), nextCheckAt: Timestamp(seconds: claims.nextCheckAt), at: now)
        if nonce == nil { cache.keep(minted, for: place, stamp) }
        return minted
    }

    /// The token of a license file: for a seat that is recorded, until `end`, with no check before that.
    func fileToken(
        for seat: ValidationAnswer.Seat, place: KeyedHash, of license: ValidationAnswer.License, nonce: String?,
        isAddressKnown: Bool, until end: Timestamp, by provenance: Provenance
    ) async throws -> [UInt8] {
        let now = provenance.at
        return try await keys.signer(until: end, by: provenance).sign(
            claims(
                for: seat, place: place, of: license, nonce: nonce, isAddressKnown: isAddressKnown, until: end,
                at: now))
    }

    /// When an installation that was refused should ask again.
    static func nextCheckAfterRefusal(at now: Timestamp, spread: UInt64) -> Timestamp {
        now.wholeSeconds + .seconds(jittered(refusedCheckIntervalSeconds, spread: spread))
    }

    /// `seconds` ± 20 %, chosen by `spread`.
    static func jittered(_ seconds: Int64, spread: UInt64) -> Int64 {
        let reach = seconds * jitterPercent / 100
        guard reach > 0 else { return seconds }
        return seconds - reach + Int64(spread % UInt64(2 * reach + 1))
    }

    /// `end`: nil for the policy's life, and the usual check in between.
    private func claims(
        for seat: ValidationAnswer.Seat, place: KeyedHash, of license: ValidationAnswer.License, nonce: String?,
        isAddressKnown: Bool = true, until end: Timestamp? = nil, at now: Timestamp
    ) -> LicenseClaims {
        let issuedAt = now.seconds
        let life = Self.lifeSeconds(of: seat, under: license.policy)
        // Never longer than license and grace; rules admitted this instant, so at least a second is left.
        let expiresAt = min(end?.seconds ?? issuedAt + life, license.graceEnd.seconds)
        let jittered = Self.jittered(min(Self.checkIntervalSeconds, life / 2), spread: place.high ^ UInt64(issuedAt))
        // A leased seat must be seen again well before its lease is over, whatever the jitter.
        let interval = license.policy.lease.map { min(jittered, $0.wholeSeconds / 2) } ?? jittered
        let activation = seat.place?.activation
        return LicenseClaims(
            issuer: issuer, licenseID: license.facts.id.description, product: license.product.code.text,
            tokenID: Self.tokenID(activation: activation, place: place, issuedAt: issuedAt, nonce: nonce),
            issuedAt: issuedAt, expiresAt: expiresAt,
            licenseExpiresAt: license.facts.expiresAt == .distantFuture ? nil : license.facts.expiresAt.seconds,
            graceSeconds: license.graceSeconds, licenseType: license.policy.licenseType.text,
            activationsMax: Int64(license.policy.maxActivations), activationsUsed: Int64(license.facts.used),
            features: license.policy.features.map(\.text), domain: seat.installation.domain?.ascii,
            address: isAddressKnown ? seat.installation.address.description : nil,
            installationID: seat.installation.installationID?.text, activationID: activation?.description,
            licenseVersion: license.facts.version, statusIndex: Int64(license.facts.statusIndex), nonce: nonce,
            nextCheckAt: end == nil ? min(issuedAt + interval, expiresAt) : expiresAt, serverTime: issuedAt,
            binding: seat.installation.binding(under: license.policy))
    }

    /// A token lasts no longer than the policy says, and no longer than the lease of its seat.
    private static func lifeSeconds(of seat: ValidationAnswer.Seat, under policy: Policy) -> Int64 {
        guard seat.place != nil else { return min(developmentLifeSeconds, policy.tokenLifeSeconds) }
        return min(policy.tokenLifeSeconds, policy.lease?.wholeSeconds ?? policy.tokenLifeSeconds)
    }

    /// `jti`: derived, so that signing needs no record of its own; the activation's row is the recorded intent.
    private static func tokenID(
        activation: ActivationID?, place: KeyedHash, issuedAt: Int64, nonce: String?
    ) -> String {
        let subject = activation?.description ?? Base64URL.encode(place.bytes)
        let digest = SHA256.hash(data: [UInt8]("\(subject)\n\(issuedAt)\n\(nonce ?? "")".utf8))
        return Base64URL.encode([UInt8](digest).prefix(16))
    }
}

extension ValidationAnswer.License {
    /// Seconds between the expiry and the end of grace; 0 for a license that never expires.
    fileprivate var graceSeconds: Int64 {
        facts.expiresAt == .distantFuture ? policy.graceSeconds : (graceEnd - facts.expiresAt).wholeSeconds
    }
}

extension Installation {
    /// What a token for it must be held against: what its seat belongs to.
    fileprivate func binding(under policy: Policy) -> LicenseBinding {
        switch identity(under: policy) {
        case .installationID: .installation
        case .network: .address
        case .domain, nil: .domain
        }
    }
}
