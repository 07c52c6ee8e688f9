import LicenseToken
import Primitives
import Testing

@Suite("Verifying tokens")
struct LicenseTokenVerifierTests {
    @Test("a verified license says what the server signed")
    func license() throws {
        let token = try Fixtures.token(Fixtures.claims(nonce: "n-1", binding: [.domain, .address]))
        let license = try Fixtures.verifier().verify(token, for: Fixtures.acme, at: Fixtures.now)
        #expect(license.issuer == "signet")
        #expect(license.licenseID == "lic_0Q5SZ3MHT8V1D")
        #expect(license.product == "whm-panel")
        #expect(license.licenseType == "professional")
        #expect(license.features == ["whm", "billing", "support"])
        #expect(license.licenseExpiresAt == 1_817_280_000)
        #expect(license.graceSeconds == 604_800)
        #expect(license.activationsMax == 1)
        #expect(license.activationsUsed == 1)
        #expect(license.licenseVersion == 3)
        #expect(license.statusIndex == 17)
        #expect(license.domain == "example.com")
        #expect(license.address == "192.0.2.10")
        #expect(license.installationID == nil)
        #expect(license.activationID == "act_0Z7K2N4P9R3TB")
        #expect(license.binding == [.domain, .address])
        #expect(license.tokenID == "AAECAwQFBgcICQoLDA0ODw")
        #expect(license.nonce == "n-1")
        #expect(license.issuedAt == 1_799_996_400)
        #expect(license.notBefore == 1_799_996_400)
        #expect(license.expiresAt == 1_801_206_000)
        #expect(license.nextCheckAt == 1_800_082_800)
        #expect(license.serverTime == 1_799_996_400)
    }

    @Test("every flip of a single bit is refused, and never for what the claims say: the signature comes first")
    func bitFlips() throws {
        let verifier = try Fixtures.verifier()
        let text = Array(try Fixtures.token().text.utf8)
        let early: Set<LicenseTokenError.Code?> = [
            .malformed, .unsupportedAlgorithm, .wrongType, .unsupportedCritical, .unknownKey, .badSignature,
        ]
        for bit in 0..<text.count * 8 {
            var altered = text
            altered[bit / 8] ^= 1 << (bit % 8)
            let refusal = Fixtures.refusal(of: LicenseToken(String(decoding: altered, as: UTF8.self)), by: verifier)
            #expect(early.contains(refusal), "bit \(bit) of \(text.count * 8)")
        }
    }

    @Test("every beginning and every end of a token is refused")
    func truncations() throws {
        let verifier = try Fixtures.verifier()
        let text = try Fixtures.token().text
        for count in 0..<text.count {
            #expect(
                Fixtures.refusal(of: LicenseToken(String(text.prefix(count))), by: verifier) != nil, "first \(count)")
            #expect(
                Fixtures.refusal(of: LicenseToken(String(text.suffix(count))), by: verifier) != nil, "last \(count)")
        }
    }

    @Test(
        "a token with anything before or after it is refused", arguments: [" ", "\n", ".", "=", "A", "AAAA", "\0", "é"])
    func surroundings(extra: String) throws {
        let verifier = try Fixtures.verifier()
        let text = try Fixtures.token().text
        #expect(Fixtures.refusal(of: LicenseToken(text + extra), by: verifier) != nil)
        #expect(Fixtures.refusal(of: LicenseToken(extra + text), by: verifier) != nil)
    }

    @Test("a signed token of 8192 bytes is read, and one byte more is too long", arguments: 8189...8196)
    func length(bytes: Int) throws {
        let token = try #require(try signedToken(ofBytes: bytes))
        let refusal = Fixtures.refusal(of: token, by: try Fixtures.verifier())
        #expect(refusal == (bytes <= LicenseToken.bytesMax ? nil : .malformed))
    }

    /// Base64url has no text of 4n + 1 characters, so header and payload are both padded until their sum fits.
    private func signedToken(ofBytes bytes: Int) throws -> LicenseToken? {
        let claims = String(Fixtures.parts(of: try Fixtures.token())[1].dropLast())
        for headerPad in 0..<3 {
            let padding = String(repeating: "x", count: headerPad)
            let header = #"{"alg":"EdDSA","typ":"lic+jwt","kid":"kPrK_qmx","x":"\#(padding)"}"#
            let empty = try Fixtures.forged(header: header, payload: claims + #","pad":""}"#).text.utf8.count
            for pad in ((bytes - empty) * 3 / 4 - 3)..<((bytes - empty) * 3 / 4 + 4) {
                let payload = claims + #","pad":"\#(String(repeating: "p", count: pad))"}"#
                let token = try Fixtures.forged(header: header, payload: payload)
                if token.text.utf8.count == bytes { return token }
            }
        }
        return nil
    }

    @Test(
        "a token begins at nbf less the clock skew and ends at exp, to the second", arguments: [0, 1, 300] as [Int64])
    func instants(skew: Int64) throws {
        let verifier = try Fixtures.verifier(clockSkewSeconds: skew)
        let token = try Fixtures.token(Fixtures.claims(issuedAt: 1_000_000, expiresAt: 1_000_010))
        #expect(Fixtures.refusal(of: token, by: verifier, at: 999_999 - skew) == .notYetValid)
        #expect(Fixtures.refusal(of: token, by: verifier, at: 1_000_000 - skew) == nil)
        #expect(Fixtures.refusal(of: token, by: verifier, at: 1_000_009) == nil)
        #expect(Fixtures.refusal(of: token, by: verifier, at: 1_000_010) == .expired)
    }

    @Test("the most extreme clocks and skews refuse or accept, and never end the process")
    func extremeClocks() throws {
        let token = try Fixtures.token()
        let verifier = try Fixtures.verifier()
        #expect(Fixtures.refusal(of: token, by: verifier, at: .min) == .notYetValid)
        #expect(Fixtures.refusal(of: token, by: verifier, at: .max) == .expired)
        let patient = try Fixtures.verifier(clockSkewSeconds: .max)
        #expect(Fixtures.refusal(of: token, by: patient, at: 0) == nil)
        let oldest = try Fixtures.token(Fixtures.claims(issuedAt: 0))
        #expect(Fixtures.refusal(of: oldest, by: patient, at: -.max) == nil)
    }

    @Test("a negative clock skew is a mistake in the program")
    func negativeSkew() async {
        await #expect(processExitsWith: .failure) {
            _ = LicenseTokenVerifier(keys: try LicenseKeySet(jwks: #"{"keys":[]}"#), clockSkewSeconds: -1)
        }
    }

    @Test("two spellings of a character are two values: the Kelvin sign is no K")
    func exactBytes() throws {
        let verifier = try Fixtures.verifier()
        let payload = Fixtures.parts(of: try Fixtures.token())[1]
        func forged(kid: String) throws -> LicenseToken {
            try Fixtures.forged(header: #"{"alg":"EdDSA","typ":"lic+jwt","kid":"\#(kid)"}"#, payload: payload)
        }
        #expect(Fixtures.refusal(of: try forged(kid: "kPrK_qmx"), by: verifier) == nil)
        #expect(Fixtures.refusal(of: try forged(kid: "kPr\u{212A}_qmx"), by: verifier) == .unknownKey)
    }

    @Test("a refusal says why in words, and quotes what differs")
    func reasons() throws {
        let elsewhere = Installation(domain: "example.net")
        #expect {
            try Fixtures.verifier().verify(Fixtures.token(), for: elsewhere, at: Fixtures.now)
        } throws: { error in
            "\(error)" == "wrong_domain: the token is bound to example.com, and this installation is example.net"
        }
    }

    @Test("the codes are these, in the order of checking")
    func codes() {
        #expect(
            LicenseTokenError.Code.inOrderOfChecking.map(\.rawValue) == [
                "malformed", "unsupported_algorithm", "wrong_type", "unsupported_critical", "unknown_key",
                "bad_signature", "malformed_claims", "wrong_issuer", "wrong_product", "not_yet_valid", "expired",
                "wrong_domain", "wrong_address", "wrong_installation", "revoked",
            ]
        )
        #expect(LicenseTokenError.Code(rawValue: "expired") == .expired)
    }
}
