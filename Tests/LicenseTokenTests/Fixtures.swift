import LicenseToken
import Primitives

/// Keys, claims and installations with fixed values, easy to spot in a failure.
enum Fixtures {
    /// 2027-01-15T08:00:00Z, as in the vectors.
    static let now: Int64 = 1_800_000_000

    /// The seed of RFC 8032 §7.1 TEST 1, which is also the key of RFC 8037 appendix A.
    static let rfcSeed = hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")

    static func key() throws -> SigningKey { try SigningKey(seed: rfcSeed) }

    /// A key that no verifier here pins.
    static func stranger() throws -> SigningKey { try SigningKey(seed: [UInt8](repeating: 7, count: 32)) }

    static let acme = Installation(domain: "example.com", address: "192.0.2.10", installationID: "panel-7f3a")

    static func verifier(clockSkewSeconds: Int64 = 300) throws -> LicenseTokenVerifier {
        let keys = try LicenseKeySet(jwks: JSONWebKeySet.encode([key().publicRecord]))
        return LicenseTokenVerifier(
            keys: keys, issuer: "signet", product: "whm-panel", clockSkewSeconds: clockSkewSeconds
        )
    }

    /// The claims of the first vector, as far as they are not given.
    static func claims(
        issuedAt: Int64 = now - 3600, notBefore: Int64? = nil, expiresAt: Int64 = now - 3600 + 14 * 86_400,
        activationsMax: Int64 = 1, features: [String] = ["whm", "billing", "support"],
        domain: String? = "example.com", nonce: String? = nil, binding: LicenseBinding = .domain
    ) -> LicenseClaims {
        LicenseClaims(
            issuer: "signet", licenseID: "lic_0Q5SZ3MHT8V1D", product: "whm-panel",
            tokenID: "AAECAwQFBgcICQoLDA0ODw", issuedAt: issuedAt, notBefore: notBefore, expiresAt: expiresAt,
            licenseExpiresAt: now + 200 * 86_400, graceSeconds: 7 * 86_400, licenseType: "professional",
            activationsMax: activationsMax, activationsUsed: 1, features: features, domain: domain,
            address: "192.0.2.10", installationID: nil, activationID: "act_0Z7K2N4P9R3TB", licenseVersion: 3,
            statusIndex: 17, nonce: nonce, nextCheckAt: now - 3600 + 86_400, serverTime: now - 3600, binding: binding
        )
    }

    /// A correctly signed token of `claims`.
    static func token(_ claims: LicenseClaims = claims()) throws -> LicenseToken {
        LicenseToken(String(decoding: try LicenseTokenSigner(key: key()).sign(claims), as: UTF8.self))
    }

    /// A correctly signed token of any header and payload.
    static func forged(header: String, payload: String) throws -> LicenseToken {
        let opening = Base64URL.encode(Array(header.utf8)) + "." + Base64URL.encode(Array(payload.utf8))
        return LicenseToken(opening + "." + Base64URL.encode(try key().signature(over: Array(opening.utf8))))
    }

    /// The decoded parts of a token, as text.
    static func parts(of token: LicenseToken) -> [String] {
        token.text.split(separator: ".").map { String(decoding: Base64URL.decode($0) ?? [], as: UTF8.self) }
    }

    /// The code with which `token` is refused, or nil if it is accepted.
    static func refusal(
        of token: LicenseToken, by verifier: LicenseTokenVerifier, for installation: Installation = acme,
        at now: Int64 = now
    ) -> LicenseTokenError.Code? {
        do throws(LicenseTokenError) {
            _ = try verifier.verify(token, for: installation, at: now)
            return nil
        } catch {
            return error.code
        }
    }
}

/// The bytes that hexadecimal digits spell.
func hex(_ text: String) -> [UInt8] {
    stride(from: 0, to: text.count, by: 2).map { offset in
        UInt8(text.dropFirst(offset).prefix(2), radix: 16) ?? 0
    }
}
