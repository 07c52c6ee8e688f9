/// Turns tokens into licenses, without a network: pinned keys, what the program expects, and the rules.
///
///     let keys = try LicenseKeySet(jwks: pinnedDocument)
///     let verifier = LicenseTokenVerifier(keys: keys, product: "whm-panel")
///     let license = try verifier.verify(token, for: Installation(domain: "example.com"), at: unixSeconds)
public struct LicenseTokenVerifier: Sendable {
    /// The keys a token may be signed with.
    public let keys: LicenseKeySet

    /// What `iss` must be; nil accepts any issuer whose key is pinned.
    public let issuer: String?

    /// What `aud` must be; nil accepts a license of any product.
    public let product: String?

    /// How many seconds this machine's clock may be behind the server's. It moves the beginning of a token only:
    /// at its end nothing is added, or every token would last longer than it says.
    public let clockSkewSeconds: Int64

    /// The newest list of revoked licenses this program holds, if it holds one. A list of another issuer than the
    /// token's says nothing about it and is not consulted.
    public let revocations: RevocationList?

    /// `clockSkewSeconds`: 0 or more. `product` should be given: a vendor's products are usually signed by one key.
    public init(
        keys: LicenseKeySet, issuer: String? = nil, product: String? = nil, clockSkewSeconds: Int64 = 300,
        revocations: RevocationList? = nil
    ) {
        precondition(clockSkewSeconds >= 0, "a clock skew is 0 seconds or more")
        self.keys = keys
        self.issuer = issuer
        self.product = product
        self.clockSkewSeconds = clockSkewSeconds
        self.revocations = revocations
    }

    /// What `token` says, if it holds for `installation` at `unixSeconds`.
    ///
    /// Checks in this order, and throws the first that fails: the spelling, `alg`, `typ`, `crit`, the key, the
    /// signature, the claims' types, issuer, product, beginning, end, then domain, address and installation id as far
    /// as the token is bound to them, and last the list of revoked licenses. No claim is looked at before the
    /// signature is known to be good.
    public func verify(
        _ token: LicenseToken, for installation: Installation, at unixSeconds: Int64
    ) throws(LicenseTokenError) -> VerifiedLicense {
        let parts = try CompactJWS(token)
        let header = try TokenHeader(json: parts.header)
        try keys.check(parts.signature, over: parts.signingInput, by: header.keyID)
        let claims = try LicenseClaims(json: parts.payload)
        try checkSource(of: claims)
        try checkTime(of: claims, at: unixSeconds)
        try checkBinding(of: claims, to: installation)
        try checkRevocation(of: claims)
        return VerifiedLicense(claims: claims)
    }

    private func checkSource(of claims: LicenseClaims) throws(LicenseTokenError) {
        if let issuer, !issuer.isExactly(claims.issuer) {
            throw LicenseTokenError(.wrongIssuer, "the token is from \(claims.issuer), not from \(issuer)")
        }
        if let product, !product.isExactly(claims.product) {
            throw LicenseTokenError(.wrongProduct, "the token is for the product \(claims.product), not \(product)")
        }
    }

    private func checkTime(of claims: LicenseClaims, at now: Int64) throws(LicenseTokenError) {
        guard now >= claims.notBefore - clockSkewSeconds else {
            throw LicenseTokenError(.notYetValid, "the token begins at \(claims.notBefore), and it is \(now)")
        }
        guard now < claims.expiresAt else {
            throw LicenseTokenError(.expired, "the token ended at \(claims.expiresAt), and it is \(now)")
        }
    }

    private func checkBinding(
        of claims: LicenseClaims, to installation: Installation
    ) throws(LicenseTokenError) {
        let comparisons: [(LicenseBinding, LicenseTokenError.Code, claimed: String?, actual: String?)] = [
            (.domain, .wrongDomain, claims.domain, installation.domain),
            (.address, .wrongAddress, claims.address, installation.address),
            (.installation, .wrongInstallation, claims.installationID, installation.installationID),
        ]
        for (member, code, claimed, actual) in comparisons where claims.binding.contains(member) {
            guard let claimed, let actual, claimed.isExactly(actual) else {
                let (theirs, ours) = (claimed ?? "nothing", actual ?? "nothing")
                throw LicenseTokenError(code, "the token is bound to \(theirs), and this installation is \(ours)")
            }
        }
    }

    private func checkRevocation(of claims: LicenseClaims) throws(LicenseTokenError) {
        guard let revocations, revocations.issuer.isExactly(claims.issuer) else { return }
        guard !revocations.revokes(statusIndex: claims.statusIndex) else {
            throw LicenseTokenError(.revoked, "the license \(claims.licenseID) is in list \(revocations.sequence)")
        }
        if let activation = claims.activationID, revocations.hasEnded(activationID: activation) {
            throw LicenseTokenError(.revoked, "the activation \(activation) is in list \(revocations.sequence)")
        }
    }
}

extension String {
    /// Equality of bytes. `==` also equates different spellings of a character (the Kelvin sign and K), which other
    /// verifiers of the same token do not.
    func isExactly(_ other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
