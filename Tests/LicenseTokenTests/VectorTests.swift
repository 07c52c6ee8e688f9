import Crypto
import LicenseToken
import Testing

@Suite("Published vectors")
struct VectorTests {
    @Test("a token vector is accepted or refused as it says", arguments: try Vectors.tokens())
    func token(row: Vectors.Token, now: Int64) throws {
        let verifier = LicenseTokenVerifier(
            keys: try LicenseKeySet(jwks: Vectors.pinnedKeys()), issuer: row.issuer, product: row.product
        )
        let installation = Installation(
            domain: row.installation.domain, address: row.installation.address,
            installationID: row.installation.installationID
        )
        let refusal = Fixtures.refusal(of: LicenseToken(row.token), by: verifier, for: installation, at: now)
        #expect(refusal?.rawValue ?? "valid" == row.expect, "\(row.why)")
    }

    @Test("the vectors hold a token for every code there is, and for no other")
    func everyCode() throws {
        let revoked = try OfflineVectors.statusLists().tokens.map(\.expect)
        let expected = Set(try Vectors.tokens().map(\.0.expect) + revoked).subtracting(["valid"])
        #expect(expected == Set(LicenseTokenError.Code.inOrderOfChecking.map(\.rawValue)))
    }

    @Test("a key set vector gives the keys it says, or is refused", arguments: try Vectors.keySets())
    func keySet(row: Vectors.KeySet) {
        do throws(LicenseTokenError) {
            let keys = try LicenseKeySet(jwks: row.jwks)
            #expect(keys.keyIDs == row.expect?.sorted())
        } catch {
            #expect(row.expect == nil, "\(error)")
            #expect(error.code == .malformedKeySet)
        }
    }

    @Test(
        "a raw signature verifies as its vector says: high S and small order are refused",
        arguments: try Vectors.signatures())
    func signature(row: Vectors.Signature) throws {
        let key = try Curve25519.Signing.PublicKey(rawRepresentation: hex(row.publicKey))
        #expect(key.isValidSignature(hex(row.signature), for: hex(row.message)) == row.valid)
    }

    @Test("the first vector, made in Python, is the token that the signer makes of its claims, byte by byte")
    func sameBytes() throws {
        let first = try #require(try Vectors.tokens().first).0
        let ours = try Fixtures.token()
        #expect(Fixtures.parts(of: ours).prefix(2) == Fixtures.parts(of: LicenseToken(first.token)).prefix(2))
        #if os(Linux)
        // BoringSSL signs deterministically, as RFC 8032 says; CryptoKit on other systems adds randomness.
        #expect(ours.text == first.token)
        #endif
    }
}
