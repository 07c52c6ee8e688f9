import LicenseToken
import Primitives
import Testing

@Suite("Key sets")
struct LicenseKeySetTests {
    @Test("the document holds the keys in the caller's order, members always in the same")
    func golden() throws {
        let (current, next) = (try Fixtures.key().publicRecord, try Fixtures.stranger().publicRecord)
        let document = String(decoding: JSONWebKeySet.encode([current, next]), as: UTF8.self)
        #expect(
            document == #"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","#
                + #""kid":"kPrK_qmx","use":"sig","alg":"EdDSA"},{"kty":"OKP","crv":"Ed25519","x":""#
                + Base64URL.encode(next.publicKey) + #"","kid":""# + next.keyID + #"","use":"sig","alg":"EdDSA"}]}"#
        )
        #expect(JSONWebKeySet.encode([next, current]) != JSONWebKeySet.encode([current, next]))
        #expect(JSONWebKeySet.encode([]) == Array(#"{"keys":[]}"#.utf8))
    }

    @Test("what is published is read back, key ids sorted")
    func readsBack() throws {
        var generator = SeededGenerator(seed: 11)
        let records = try (0..<5).map { _ in try SigningKey(using: &generator).publicRecord }
        let keys = try LicenseKeySet(jwks: JSONWebKeySet.encode(records))
        #expect(keys.keyIDs == records.map(\.keyID).sorted())
    }

    @Test("a token verifies only while its key is in the set")
    func pinned() throws {
        let token = try Fixtures.token()
        for (records, expected) in [
            ([try Fixtures.key().publicRecord], nil),
            ([try Fixtures.stranger().publicRecord, try Fixtures.key().publicRecord], nil),
            ([try Fixtures.stranger().publicRecord], .unknownKey),
            ([], .unknownKey),
        ] as [([PublicKeyRecord], LicenseTokenError.Code?)] {
            let verifier = LicenseTokenVerifier(keys: try LicenseKeySet(jwks: JSONWebKeySet.encode(records)))
            #expect(Fixtures.refusal(of: token, by: verifier) == expected)
        }
    }

    @Test("64 keys in 65,536 bytes are read, one more of either is refused")
    func limits() throws {
        let records = (0..<65).map { PublicKeyRecord(keyID: "kid-\($0)", publicKey: [UInt8](repeating: 1, count: 32)) }
        #expect(try LicenseKeySet(jwks: JSONWebKeySet.encode(Array(records.prefix(64)))).keyIDs.count == 64)
        #expect(throws: LicenseTokenError.self) { try LicenseKeySet(jwks: JSONWebKeySet.encode(records)) }
        let document = JSONWebKeySet.encode([records[0]])
        let padding = [UInt8](repeating: 0x20, count: LicenseKeySet.documentBytesMax - document.count)
        #expect(try LicenseKeySet(jwks: document + padding).keyIDs == ["kid-0"])
        #expect(throws: LicenseTokenError.self) { try LicenseKeySet(jwks: document + padding + [0x20]) }
    }
}
