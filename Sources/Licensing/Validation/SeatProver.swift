import LicenseToken
import Primitives

/// Reads tokens of ours that come back: what they prove about the seat of who sends them. An ended one proves as much
/// as another, since it says who its holder was; so does one under a key that signs no more, but not one under a key
/// that was revoked.
struct SeatProver: Sendable {
    private let issuer: String
    private let keys: SigningKeyRing

    init(issuer: String, keys: SigningKeyRing) {
        self.issuer = issuer
        self.keys = keys
    }

    /// What `token` proves to `license`.
    func proof(of token: String, for license: ValidationAnswer.License) throws -> SeatProof {
        do {
            let claims = try claims(of: token, for: license)
            return claims.activationID.flatMap { ActivationID(text: $0) }.map(SeatProof.activation) ?? .worthless
        } catch is TokenRefused {
            return .worthless
        }
    }

    /// What `token` says, if it is one of `license`. Throws `TokenRefused`.
    func claims(of token: String, for license: ValidationAnswer.License) throws -> LicenseClaims {
        let verifier = LicenseTokenVerifier(
            keys: try keys.verificationKeys(), issuer: issuer, product: license.product.code.text)
        let claims: LicenseClaims
        do {
            claims = try verifier.claims(of: LicenseToken(token))
        } catch {
            throw TokenRefused(code: error.code.rawValue)
        }
        guard claims.licenseID == license.facts.id.description else { throw TokenRefused(code: "wrong_license") }
        return claims
    }
}

/// A token proves nothing about the license. `code` is one of `LicenseTokenError.Code`, or `wrong_license`,
/// `unknown_activation`.
package struct TokenRefused: Error, Equatable {
    package let code: String

    package init(code: String) { self.code = code }
}

extension LicenseClaims {
    /// Whether a token is that of `installation`: equal in the domain or identifier that it is bound to.
    func isAbout(_ installation: Installation) -> Bool {
        (!binding.contains(.domain) || domain == installation.domain?.ascii)
            && (!binding.contains(.installation) || installationID == installation.installationID?.text)
    }
}
