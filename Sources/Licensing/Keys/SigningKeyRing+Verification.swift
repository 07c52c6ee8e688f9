import LicenseToken
import Primitives

extension SigningKeyRing {
    /// Every key whose tokens were ours and still are: all but the revoked ones.
    func verificationKeys() throws -> LicenseKeySet {
        // Which keys there are, and which were taken back, does not depend on the time.
        let keys = schedule(at: .distantPast).keys.filter { $0.revokedAt == nil }
        return try LicenseKeySet(
            jwks: JSONWebKeySet.encode(keys.map { PublicKeyRecord(keyID: $0.keyID, publicKey: $0.publicKey) }))
    }
}
