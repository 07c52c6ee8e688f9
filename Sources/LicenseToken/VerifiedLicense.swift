/// What a token says, once its signature, its time and its binding have been checked.
///
/// Only ``LicenseTokenVerifier`` makes one, and only for one installation at one instant: keep the token and verify
/// it again at the next start rather than keeping this value. All instants are unix seconds (seconds since
/// 1970-01-01T00:00:00Z, leap seconds not counted).
public struct VerifiedLicense: Sendable, Equatable {
    /// The claims as the server signed them.
    package let claims: LicenseClaims

    init(claims: LicenseClaims) { self.claims = claims }

    /// Who issued the license: the vendor's service, by the name in its settings.
    public var issuer: String { claims.issuer }

    /// The license: `lic_` and 13 symbols. Not the license key, which no token contains.
    public var licenseID: String { claims.licenseID }

    /// The code of the product the license is for, such as `whm-panel`.
    public var product: String { claims.product }

    /// What kind of license it is, such as `professional`.
    public var licenseType: String { claims.licenseType }

    /// What the license allows, such as `billing`. Compare without regard to order; ignore names you do not know.
    public var features: [String] { claims.features }

    /// When the license expires: the first instant at which it no longer holds. Nil if it never does.
    public var licenseExpiresAt: Int64? { claims.licenseExpiresAt }

    /// Seconds after ``licenseExpiresAt`` during which those who are activated may go on. 0 for none.
    public var graceSeconds: Int64 { claims.graceSeconds }

    /// How many activations the license allows at a time; 0 for any number.
    public var activationsMax: Int64 { claims.activationsMax }

    /// How many there were when the token was made.
    public var activationsUsed: Int64 { claims.activationsUsed }

    /// Counts the changes of the license: of two tokens the one with the higher version knows more.
    public var licenseVersion: Int64 { claims.licenseVersion }

    /// The license's place in the issuer's status list, from 0.
    public var statusIndex: Int64 { claims.statusIndex }

    /// The domain the token was made for, in canonical form. It must be equal only if ``binding`` says so.
    public var domain: String? { claims.domain }

    /// The network address the token was made for, in canonical form. It must be equal only if ``binding`` says so.
    public var address: String? { claims.address }

    /// The installation id the token was made for. It must be equal only if ``binding`` says so.
    public var installationID: String? { claims.installationID }

    /// The activation that holds the seat: `act_` and 13 symbols. Nil for a development host, which holds none.
    public var activationID: String? { claims.activationID }

    /// Which of domain, address and installation id had to be equal, and were. Never empty.
    public var binding: LicenseBinding { claims.binding }

    /// The token's own name, unique among the issuer's tokens: 22 characters of base64url.
    public var tokenID: String { claims.tokenID }

    /// What the request carried as `nonce`: equal to yours, it proves that the answer was made for your request.
    public var nonce: String? { claims.nonce }

    /// When the token was made.
    public var issuedAt: Int64 { claims.issuedAt }

    /// From when on the token holds.
    public var notBefore: Int64 { claims.notBefore }

    /// The first instant at which the token no longer holds. Renew it long before: see ``nextCheckAt``.
    public var expiresAt: Int64 { claims.expiresAt }

    /// When to ask the server next. Past it the token still holds, until ``expiresAt``.
    public var nextCheckAt: Int64 { claims.nextCheckAt }

    /// The server's clock when the token was made: yours is wrong if it shows an earlier time.
    public var serverTime: Int64 { claims.serverTime }
}
