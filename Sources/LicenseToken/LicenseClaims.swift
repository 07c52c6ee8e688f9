/// What one token says: the values the server signs and the verifier reads back.
///
/// A property stands here for each claim, in the order of the JSON; ``VerifiedLicense`` tells customers what each
/// means. Instants are unix seconds. No personal data: no names, no e-mail addresses.
package struct LicenseClaims: Sendable, Equatable {
    /// `iss`: the name of the installation of ours that signs.
    package let issuer: String
    /// `sub`: `lic_…`.
    package let licenseID: String
    /// `aud`: the product's code.
    package let product: String
    /// `jti`: base64url of 16 bytes.
    package let tokenID: String
    /// `iat`.
    package let issuedAt: Int64
    /// `nbf`; equal to `iat` in tokens of ours.
    package let notBefore: Int64
    /// `exp`: the first second at which the token is refused.
    package let expiresAt: Int64
    /// `lic_exp`: the instant of the license's expiry; nil for one that never expires.
    package let licenseExpiresAt: Int64?
    /// `grace`: seconds.
    package let graceSeconds: Int64
    /// `plan`: the license type.
    package let licenseType: String
    /// `max`; 0 for unlimited.
    package let activationsMax: Int64
    /// `used`.
    package let activationsUsed: Int64
    /// `feat`.
    package let features: [String]
    /// `dom`: canonical.
    package let domain: String?
    /// `ip`: canonical.
    package let address: String?
    /// `inst`.
    package let installationID: String?
    /// `act`: `act_…`; nil for a development host.
    package let activationID: String?
    /// `ver`.
    package let licenseVersion: Int64
    /// `status`.
    package let statusIndex: Int64
    /// `nonce`; the member is absent when nil.
    package let nonce: String?
    /// `next`.
    package let nextCheckAt: Int64
    /// `st`.
    package let serverTime: Int64
    /// `bind`.
    package let binding: LicenseBinding

    /// `notBefore` is `issuedAt` unless given. Nothing is checked here: ``LicenseTokenSigner`` refuses to sign what a
    /// verifier would refuse to read.
    package init(
        issuer: String, licenseID: String, product: String, tokenID: String,
        issuedAt: Int64, notBefore: Int64? = nil, expiresAt: Int64,
        licenseExpiresAt: Int64?, graceSeconds: Int64, licenseType: String,
        activationsMax: Int64, activationsUsed: Int64, features: [String],
        domain: String?, address: String?, installationID: String?, activationID: String?,
        licenseVersion: Int64, statusIndex: Int64, nonce: String?,
        nextCheckAt: Int64, serverTime: Int64, binding: LicenseBinding
    ) {
        self.issuer = issuer
        self.licenseID = licenseID
        self.product = product
        self.tokenID = tokenID
        self.issuedAt = issuedAt
        self.notBefore = notBefore ?? issuedAt
        self.expiresAt = expiresAt
        self.licenseExpiresAt = licenseExpiresAt
        self.graceSeconds = graceSeconds
        self.licenseType = licenseType
        self.activationsMax = activationsMax
        self.activationsUsed = activationsUsed
        self.features = features
        self.domain = domain
        self.address = address
        self.installationID = installationID
        self.activationID = activationID
        self.licenseVersion = licenseVersion
        self.statusIndex = statusIndex
        self.nonce = nonce
        self.nextCheckAt = nextCheckAt
        self.serverTime = serverTime
        self.binding = binding
    }
}
