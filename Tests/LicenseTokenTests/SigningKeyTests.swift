import LicenseToken
import Primitives
import Testing

@Suite("Signing keys")
struct SigningKeyTests {
    /// RFC 8032 §7.1: TEST 1, 2, 3 and SHA(abc). Seed, public key, message, signature.
    private static let rfc8032 = [
        [
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                + "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ],
        [
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ],
        [
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ],
        [
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
                + "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
        ],
    ].map { $0.map(hex) }

    @Test("the keys of RFC 8032 §7.1 have their public halves, and give back their seeds", arguments: rfc8032)
    func publicHalves(row: [[UInt8]]) throws {
        let key = try SigningKey(seed: row[0])
        #expect(key.publicKey == row[1])
        #expect(key.seed == row[0])
    }

    #if os(Linux)
    @Test("the keys of RFC 8032 §7.1 sign as it says, the same each time", arguments: rfc8032)
    func signatures(row: [[UInt8]]) throws {
        let key = try SigningKey(seed: row[0])
        #expect(try key.signature(over: row[2]) == row[3])
        #expect(try key.signature(over: row[2]) == row[3])
    }

    @Test("the JWS of RFC 8037 appendix A.4 comes out byte by byte")
    func rfc8037Signature() throws {
        let input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
        let signature = try Fixtures.key().signature(over: Array(input.utf8))
        #expect(
            Base64URL.encode(signature)
                == "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        )
    }
    #endif

    @Test("the key of RFC 8037 appendix A.2 has the thumbprint of appendix A.3, and the key id is its beginning")
    func thumbprint() throws {
        let key = try Fixtures.key()
        #expect(Base64URL.encode(key.publicKey) == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
        #expect(SigningKey.thumbprint(publicKey: key.publicKey) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")
        #expect(key.keyID == "kPrK_qmx")
        #expect(SigningKey.keyID(publicKey: key.publicKey) == key.keyID)
        #expect(key.publicRecord == PublicKeyRecord(keyID: "kPrK_qmx", publicKey: key.publicKey))
    }

    @Test("a signature with one wrong bit does not leave the key")
    func faultySignature() throws {
        let (key, message) = (try Fixtures.key(), Array("Signet".utf8))
        let signature = try key.signature(over: message)
        #expect(try key.verified(signature, over: message) == signature)
        for bit in 0..<signature.count * 8 {
            var faulty = signature
            faulty[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: SigningKey.Failure.faultySignature) { try key.verified(faulty, over: message) }
        }
    }

    @Test("a seed is 32 bytes", arguments: [0, 1, 31, 33, 64])
    func seedLength(count: Int) {
        #expect(throws: SigningKey.Failure.seedLength(count)) {
            try SigningKey(seed: [UInt8](repeating: 1, count: count))
        }
    }

    @Test("no new key's id begins with a dash, which a command line would take for an option")
    func typable() {
        for _ in 0..<2_000 { #expect(!SigningKey().keyID.hasPrefix("-")) }
    }

    @Test("keys repeat with their generator, and the system's never do")
    func chance() throws {
        var (first, second) = (SeededGenerator(seed: 3), SeededGenerator(seed: 3))
        #expect(try SigningKey(using: &first).seed == SigningKey(using: &second).seed)
        #expect(try SigningKey(using: &first).seed != Fixtures.rfcSeed)
        #expect(SigningKey().keyID != SigningKey().keyID)
    }

    @Test("neither description nor dump nor interpolation shows the seed")
    func silence() throws {
        let key = try Fixtures.key()
        var dumped = ""
        dump(["key": key], to: &dumped)
        for text in ["\(key)", String(reflecting: key), String(reflecting: [key]), "\(Optional(key) as Any)"] {
            #expect(text.contains("SigningKey(keyID: kPrK_qmx, seed: ***)"))
        }
        // As hexadecimal, as base64url, and as a list of bytes.
        for secret in ["9d61b1", "nWGxne", "157, 97", "- 157"] { #expect(!dumped.contains(secret)) }
        #expect(Mirror(reflecting: key).children.isEmpty)
    }
}
