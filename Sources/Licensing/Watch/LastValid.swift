import Primitives
import Secrets

/// When an installation was last told that it is valid, and under which versions of its license and product.
struct LastValid: Sendable, Equatable {
    let licenseVersion: Int64
    let productVersion: Int64
    /// When the token that said so was made; it may have been handed out again for an hour.
    let at: Timestamp

    /// Whether a refusal now is one that nothing explains: no change of the license or the product, no instant of the
    /// license that passed in between, no place that went out of use, and the same question.
    ///
    /// Whoever refuses a working installation without a reason breaks a customer's site, so what this counts should
    /// stay zero; every doubt is taken for an explanation.
    func isUnexplained(
        _ verdict: Verdict, license: LicenseFacts, policy: Policy, productVersion: Int64, at now: Timestamp
    ) -> Bool {
        guard !verdict.isValid, !verdict.dependsOnQuestion, licenseVersion == license.version,
            self.productVersion == productVersion,
            now - at <= min(.hours(SeatPlan.livenessHours), policy.lease ?? .hours(SeatPlan.livenessHours))
        else { return false }
        // A clock that was set back passes them in the other direction.
        let (earlier, later) = (min(at, now), max(at, now))
        let instants = [
            license.notBefore, license.expiresAt, license.graceEnd(under: policy), license.paymentGraceUntil,
            license.overLimitUntil, policy.maintenanceEnd,
        ]
        return !instants.contains { earlier < $0 && $0 <= later }
    }
}

extension Verdict {
    /// Whether the same installation may get this answer to another question: another product or version,
    /// another domain under the same identifier, another address of the same network.
    fileprivate var dependsOnQuestion: Bool {
        switch self {
        case .keyMalformed, .notFound, .productMismatch, .versionNotAllowed, .domainNotAllowed, .ipNotAllowed: true
        case .revoked, .suspended, .notYetValid, .expired, .notActivated, .addressLimit, .activationLimit: false
        case .deactivationLimit, .expiredGrace, .valid: false
        }
    }
}

/// Notices installations that were valid and are refused although nothing happened. The tokens kept for them are the
/// memory of who was valid: nothing is noted on the way of a valid answer.
struct UnexplainedRefusals: Sendable {
    let hashes: KeyedHashes
    let index: LicenseIndex
    let catalog: Catalog
    let cache: TokenCache

    /// What a typed key may hash to.
    func keys(typed text: String) -> [KeyedHash] {
        KeyReading(text, forms: catalog.keyForms).hashes(hashes)
    }

    /// Whether this refusal is the first unexplained one after a valid answer.
    func notice(_ verdict: Verdict, of license: LicenseID, _ installation: Installation, at now: Timestamp) -> Bool {
        // The license is read after the refusal was decided: memory takes in a change of it before the change of its
        // places, so a refusal that is due to such a change finds the new version here.
        guard let facts = index.license(license), let product = catalog.product(facts.productID) else { return false }
        let policy = index.policy(facts.policy)
        guard let identity = installation.identity(under: policy) else { return false }
        let place = hashes.place(license, identity, installation.address.network(under: policy))
        guard let last = cache.lastValid(of: place),
            last.isUnexplained(verdict, license: facts, policy: policy, productVersion: product.version, at: now)
        else { return false }
        cache.forget(place)
        return true
    }
}
