import LicenseToken
import Licensing
import Primitives
import TestSupport

// Licensing has an Installation of its own, which is not meant here.
import struct LicenseToken.Installation

extension TestHouse {
    /// What a token says to the software that holds it, which pinned the keys that this house publishes, or `keys`.
    func verify(
        _ token: [UInt8]?, domain: String? = nil, address: String? = nil, installationID: String? = nil,
        product: String? = nil, at: Timestamp? = nil, keys: [UInt8]? = nil
    ) throws -> VerifiedLicense {
        let keySet = try LicenseKeySet(jwks: keys ?? licensing.keys.document(at: clock.now()).json)
        let verifier = LicenseTokenVerifier(keys: keySet, issuer: settings.issuer, product: product)
        return try verifier.verify(
            LicenseToken(String(decoding: token ?? [], as: UTF8.self)),
            for: Installation(domain: domain, address: address, installationID: installationID),
            at: (at ?? clock.now()).seconds)
    }
}
