import Foundation
import LicenseToken
import Primitives
import Testing

@Suite("Signed key sets")
struct SignedKeySetTests {
    private static let root = "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42"

    private static func signer() throws -> KeySetSigner { KeySetSigner(root: try SigningKey(seed: hex(root))) }

    private static func trusted() throws -> TrustedRoot {
        try TrustedRoot(jwk: JSONWebKeySet.jwk(SigningKey(seed: hex(root)).publicRecord))
    }

    private static func claims(sequence: Int64 = 7, expiresAt: Int64 = Fixtures.now + 86_400) throws -> KeySetClaims {
        KeySetClaims(
            issuer: "signet", sequence: sequence, issuedAt: Fixtures.now, expiresAt: expiresAt,
            keys: [try Fixtures.key().publicRecord], revoked: [RevokedKey(keyID: "AAAAAAAA", at: Fixtures.now)])
    }

    private static func refusal(_ body: () throws -> SignedKeySet) -> LicenseTokenError.Code? {
        do {
            _ = try body()
            return nil
        } catch {
            return (error as? LicenseTokenError)?.code
        }
    }

    @Test("a vector is accepted or refused as it says", arguments: try SignedKeySetVectors.file().cases)
    func vector(row: SignedKeySetVectors.Case) throws {
        let file = try SignedKeySetVectors.file()
        let root = try TrustedRoot(jwk: file.rootJWK())
        let held = try row.held.map { try root.restore($0) }
        do throws(LicenseTokenError) {
            let set = try root.accept(row.document, over: held, issuer: row.issuer, at: row.now ?? file.now)
            check(set, against: row)
        } catch {
            #expect(error.code.rawValue == row.expect, "\(row.why): \(error)")
        }
    }

    private func check(_ set: SignedKeySet, against row: SignedKeySetVectors.Case) {
        #expect(row.expect == "accepted", "\(row.why)")
        #expect(set.sequence == row.sequence)
        #expect(set.keys.keyIDs == row.keys?.sorted())
        #expect(set.revoked.map(\.keyID) == row.revoked)
        #expect(set.document == row.document)
    }

    @Test("the vectors hold a set for every code there is")
    func everyCode() throws {
        let expected = Set(try SignedKeySetVectors.file().cases.map(\.expect))
        #expect(
            expected == [
                "accepted", "malformed", "unsupported_algorithm", "wrong_type", "unsupported_critical", "unknown_key",
                "bad_signature", "malformed_claims", "wrong_issuer", "not_yet_valid", "expired", "outdated",
            ])
    }

    @Test("tokens are verified under a signed set as the vectors say: a revoked key is refused whatever it signed")
    func tokens() throws {
        let file = try SignedKeySetVectors.file()
        let set = try TrustedRoot(jwk: file.rootJWK()).accept(file.tokens.document, at: file.now)
        let verifier = LicenseTokenVerifier(
            keys: set.keys, issuer: file.tokens.issuer, product: file.tokens.product)
        #expect(file.tokens.cases.count >= 4)
        for row in file.tokens.cases {
            let refusal = Fixtures.refusal(of: LicenseToken(row.token), by: verifier, for: Fixtures.acme, at: file.now)
            #expect(refusal?.rawValue ?? "valid" == row.expect, "\(row.name): \(row.why)")
        }
    }

    @Test("the signer's text is the one in docs/token-format.md, and reads back as what was signed")
    func readsBack() throws {
        let claims = try Self.claims()
        let document = try Self.signer().sign(claims)
        let set = try Self.trusted().accept(document, at: Fixtures.now)
        #expect(set.issuer == "signet" && set.sequence == 7)
        #expect(set.issuedAt == claims.issuedAt && set.expiresAt == claims.expiresAt)
        #expect(set.keys.records == claims.keys)
        #expect(set.revoked == claims.revoked)
        let parts = document.split(separator: ".")
        let header = String(decoding: try #require(Base64URL.decode(parts[0])), as: UTF8.self)
        #expect(header == #"{"alg":"EdDSA","typ":"keyset+jwt","kid":"\#(try Self.trusted().keyID)"}"#)
        let payload = String(decoding: try #require(Base64URL.decode(parts[1])), as: UTF8.self)
        #expect(
            payload == #"{"iss":"signet","seq":7,"iat":1800000000,"exp":1800086400,"keys":[{"kty":"OKP","crv":"#
                + #""Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"kPrK_qmx","use":"sig","#
                + #""alg":"EdDSA"}],"revoked":[{"kid":"AAAAAAAA","at":1800000000}]}"#)
    }

    @Test("every flipped bit and every shortening of a good set is refused")
    func altered() throws {
        let document = try Self.signer().sign(Self.claims())
        let root = try Self.trusted()
        for position in document.utf8.indices.map({ document.utf8.distance(from: document.startIndex, to: $0) }) {
            for bit in 0..<7 {
                var bytes = Array(document.utf8)
                bytes[position] ^= 1 << bit
                let text = String(decoding: bytes, as: UTF8.self)
                #expect(Self.refusal { try root.accept(text, at: Fixtures.now) } != nil, "bit \(bit) of \(position)")
            }
            let short = String(document.prefix(position))
            #expect(Self.refusal { try root.accept(short, at: Fixtures.now) } != nil)
        }
    }

    @Test("a set that ended is kept by who accepted it, and accepted by nobody else")
    func kept() throws {
        let document = try Self.signer().sign(Self.claims())
        let root = try Self.trusted()
        let later = Fixtures.now + 400 * 86_400
        #expect(Self.refusal { try root.accept(document, at: later) } == .expired)
        let restored = try root.restore(document)
        #expect(restored.sequence == 7)
        let newer = try Self.signer().sign(Self.claims(sequence: 8, expiresAt: later + 1))
        #expect(try root.accept(newer, over: restored, at: later).sequence == 8)
        #expect(Self.refusal { try root.accept(document, over: root.restore(newer), at: Fixtures.now) } == .outdated)
    }

    @Test("a signing key introduces no key: only the pinned root does")
    func signingKeyIntroducesNothing() throws {
        let stranger = KeySetSigner(root: try Fixtures.key())
        let document = try stranger.sign(Self.claims(sequence: 99))
        #expect(Self.refusal { try Self.trusted().accept(document, at: Fixtures.now) } == .unknownKey)
    }

    @Test(
        "a root is one Ed25519 key with a name, in strict JSON",
        arguments: [
            "", "[]", "{}", #"{"keys":[]}"#, #"{"kty":"RSA","kid":"a","n":"AQ","e":"AQAB"}"#,
            #"{"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"a"}"#,
            #"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
            #"{"kty":"OKP","crv":"Ed25519","x":"AA","kid":"a"}"#,
            #"{"kty":"OKP","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"a"}"#,
        ])
    func badRoot(jwk: String) {
        #expect(throws: LicenseTokenError.self) { try TrustedRoot(jwk: jwk) }
    }
}

/// `Vectors/signed-key-sets.json`.
enum SignedKeySetVectors {
    struct Case: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let document: String
        let held: String?
        let issuer: String?
        let now: Int64?
        let expect: String
        let why: String
        let sequence: Int64?
        let keys: [String]?
        let revoked: [String]?

        var testDescription: String { name }
    }

    struct TokenCase: Decodable, Sendable {
        let name: String
        let token: String
        let expect: String
        let why: String
    }

    struct Tokens: Decodable, Sendable {
        let document: String
        let product: String
        let issuer: String
        let cases: [TokenCase]
    }

    struct File: Decodable, Sendable {
        let now: Int64
        let root: [String: String]
        let cases: [Case]
        let tokens: Tokens

        func rootJWK() throws -> [UInt8] { Array(try JSONEncoder().encode(root)) }
    }

    static func file() throws -> File {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors")
        return try JSONDecoder().decode(
            File.self, from: Data(contentsOf: folder.appending(path: "signed-key-sets.json")))
    }
}
