import LicenseToken
import Primitives
import Testing

@Suite("Signing tokens")
struct LicenseTokenSignerTests {
    @Test("header and payload hold their members in the order of the contract")
    func golden() throws {
        let parts = Fixtures.parts(of: try Fixtures.token(Fixtures.claims(nonce: "n-1", binding: [.address, .domain])))
        #expect(parts[0] == #"{"alg":"EdDSA","typ":"lic+jwt","kid":"kPrK_qmx"}"#)
        #expect(
            parts[1] == #"{"iss":"signet","sub":"lic_0Q5SZ3MHT8V1D","aud":"whm-panel","jti":"AAECAwQFBgcICQoLDA0ODw","#
                + #""iat":1799996400,"nbf":1799996400,"exp":1801206000,"lic_exp":1817280000,"grace":604800,"#
                + #""plan":"professional","max":1,"used":1,"feat":["whm","billing","support"],"dom":"example.com","#
                + #""ip":"192.0.2.10","inst":null,"act":"act_0Z7K2N4P9R3TB","ver":3,"status":17,"nonce":"n-1","#
                + #""next":1800082800,"st":1799996400,"bind":["dom","ip"]}"#
        )
    }

    @Test("without a nonce the member is absent; every other claim that has no value is null")
    func absentValues() throws {
        let payload = Fixtures.parts(of: try Fixtures.token())[1]
        #expect(!payload.contains("nonce"))
        #expect(payload.contains(#""status":17,"next":1800082800"#))
        #expect(payload.contains(#""inst":null"#))
    }

    @Test("any claims come back from the verifier as they were signed", arguments: SeededGenerator.seeds)
    func roundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let verifier = LicenseTokenVerifier(keys: try Fixtures.verifier().keys)
        for _ in 0..<100 {
            let claims = randomClaims(using: &generator)
            let installation = Installation(
                domain: claims.domain, address: claims.address, installationID: claims.installationID
            )
            let license = try verifier.verify(Fixtures.token(claims), for: installation, at: Fixtures.now)
            #expect(license.claims == claims)
        }
    }

    @Test(
        "claims that no verifier would read are not signed",
        arguments: [
            Fixtures.claims(binding: []),
            Fixtures.claims(domain: nil),
            Fixtures.claims(domain: ""),
            Fixtures.claims(binding: .installation),
            Fixtures.claims(binding: [.domain, .installation]),
            Fixtures.claims(activationsMax: -1),
            Fixtures.claims(activationsMax: 1 << 53),
            Fixtures.claims(expiresAt: 1 << 53),
            Fixtures.claims(notBefore: -1),
            Fixtures.claims(issuedAt: .min),
        ]
    )
    func unreadable(claims: LicenseClaims) throws {
        let signer = LicenseTokenSigner(key: try Fixtures.key())
        #expect(throws: LicenseTokenSigner.Failure.unreadableClaims) { try signer.sign(claims) }
    }

    @Test("a token of 8192 bytes is made and read, a longer one is not made")
    func length() throws {
        let signer = LicenseTokenSigner(key: try Fixtures.key())
        let counts = (5400...5700).map { count in
            (try? signer.sign(Fixtures.claims(features: [String(repeating: "f", count: count)])))?.count
        }
        let longest = try #require(counts.compactMap(\.self).max())
        #expect((LicenseToken.bytesMax - 1...LicenseToken.bytesMax).contains(longest))
        let tooMany = Fixtures.claims(features: [String(repeating: "f", count: 7000)])
        #expect { try signer.sign(tooMany) } throws: { error in
            if case .tooLong(let count)? = error as? LicenseTokenSigner.Failure {
                count > LicenseToken.bytesMax
            } else {
                false
            }
        }
    }

    @Test("a token is ASCII, whatever the claims say")
    func ascii() throws {
        let token = try Fixtures.token(Fixtures.claims(features: ["Größe ✓", "日本語\u{0}\"\\"]))
        #expect(token.text.utf8.allSatisfy { $0 < 0x80 })
        let license = try Fixtures.verifier().verify(token, for: Fixtures.acme, at: Fixtures.now)
        #expect(license.features == ["Größe ✓", "日本語\u{0}\"\\"])
    }
}

/// Claims a verifier accepts at `Fixtures.now` for the installation they name.
private func randomClaims(using generator: inout SeededGenerator) -> LicenseClaims {
    func text() -> String {
        let alphabet = Array("abcXYZ019-_./:\"\\\n\t é日😀\u{0}\u{301}")
        let count = Int.random(in: 0...12, using: &generator)
        return String((0..<count).compactMap { _ in alphabet.randomElement(using: &generator) })
    }
    func perhaps<Value>(_ value: Value) -> Value? { Bool.random(using: &generator) ? value : nil }
    func number(in range: ClosedRange<Int64> = 0...(1 << 53) - 1) -> Int64 { .random(in: range, using: &generator) }

    let (domain, address, installationID) = ("d" + text(), perhaps("a" + text()), perhaps("i" + text()))
    var binding: LicenseBinding = .domain
    if address != nil, Bool.random(using: &generator) { binding.insert(.address) }
    if installationID != nil, Bool.random(using: &generator) { binding.insert(.installation) }
    return LicenseClaims(
        issuer: text(), licenseID: text(), product: text(), tokenID: text(), issuedAt: number(),
        notBefore: number(in: 0...Fixtures.now + 300), expiresAt: number(in: Fixtures.now + 1...1 << 52),
        licenseExpiresAt: perhaps(number()), graceSeconds: number(), licenseType: text(), activationsMax: number(),
        activationsUsed: number(), features: (0..<Int.random(in: 0...5, using: &generator)).map { _ in text() },
        domain: domain, address: address, installationID: installationID, activationID: perhaps(text()),
        licenseVersion: number(), statusIndex: number(), nonce: perhaps(text()), nextCheckAt: number(),
        serverTime: number(), binding: binding
    )
}
