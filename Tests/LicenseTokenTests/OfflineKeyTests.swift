import LicenseToken
import Primitives
import Testing

extension Fixtures {
    /// What the first offline key vector says.
    static func offlineFacts(
        issuedAt: Int64 = now - 3600, expiresAt: Int64? = now + 200 * 86_400,
        binding: OfflineKeyBinding = .domain("example.com")
    ) -> OfflineKeyFacts {
        OfflineKeyFacts(
            productNumber: 7, typeCode: 1, seats: 3, issuedAt: issuedAt, expiresAt: expiresAt, featureBits: 3,
            licenseNumber: 0x0B7C_FE3A_68D8_6C2D, binding: binding
        )
    }

    static func offlineKey(_ facts: OfflineKeyFacts = offlineFacts()) throws -> OfflineKey {
        try OfflineKeySigner(key: key()).sign(facts)
    }

    static func offlineVerifier() throws -> OfflineKeyVerifier {
        OfflineKeyVerifier(
            keys: try LicenseKeySet(jwks: JSONWebKeySet.encode([key().publicRecord])), productNumber: 7
        )
    }

    /// The code with which the key that `text` spells is refused, or nil if it is accepted.
    static func refusal(ofOfflineKey text: String, by verifier: OfflineKeyVerifier) -> LicenseTokenError.Code? {
        do throws(LicenseTokenError) {
            _ = try verifier.verify(OfflineKey(text), for: acme, at: now)
            return nil
        } catch {
            return error.code
        }
    }
}

@Suite("Offline keys")
struct OfflineKeyTests {
    @Test("a key is LK1 and 181 symbols in groups of six, 215 characters in all")
    func shape() throws {
        let text = try Fixtures.offlineKey().text
        #expect(text.count == 215)
        #expect(text.hasPrefix("LK1-068FNJ-"))
        #expect(text.split(separator: "-").dropFirst().dropLast().allSatisfy { $0.count == 6 })
        #expect(OfflineKey.isLikely(text) && OfflineKey.isLikely(text.lowercased()))
        #expect(!OfflineKey.isLikely("LK10-PTV1-0YKB-3MXE") && !OfflineKey.isLikely("") && !OfflineKey.isLikely("é"))
    }

    @Test("every flip of a single bit is refused, and never for what the fields say: the signature comes first")
    func bitFlips() throws {
        let verifier = try Fixtures.offlineVerifier()
        let bytes = try Fixtures.offlineKey().bytes
        #expect(Fixtures.refusal(ofOfflineKey: try Fixtures.offlineKey().text, by: verifier) == nil)
        let early: Set<LicenseTokenError.Code?> = [.unsupportedVersion, .unknownKey, .badSignature]
        for bit in 0..<bytes.count * 8 {
            var altered = bytes
            altered[bit / 8] ^= 1 << (bit % 8)
            let text = try #require(OfflineKey(bytes: altered)).text
            #expect(early.contains(Fixtures.refusal(ofOfflineKey: text, by: verifier)), "bit \(bit)")
        }
    }

    @Test("every other symbol in every place is refused")
    func symbols() throws {
        let verifier = try Fixtures.offlineVerifier()
        let symbols = Array(try Fixtures.offlineKey().text.utf8).filter { $0 != UInt8(ascii: "-") }
        for place in symbols.indices {
            for value in [1, 2, 4, 8, 16] as [UInt8] {
                var altered = symbols
                altered[place] = CrockfordBase32.symbol((CrockfordBase32.typedValue(symbols[place]) ?? 0) ^ value)
                let text = String(decoding: altered, as: UTF8.self)
                #expect(Fixtures.refusal(ofOfflineKey: text, by: verifier) != nil, "place \(place)")
            }
        }
    }

    @Test("every beginning and every end of a key is refused")
    func truncations() throws {
        let verifier = try Fixtures.offlineVerifier()
        let text = try Fixtures.offlineKey().text
        for count in 0..<text.count - 1 {
            #expect(Fixtures.refusal(ofOfflineKey: String(text.prefix(count)), by: verifier) == .malformed)
            #expect(Fixtures.refusal(ofOfflineKey: String(text.suffix(count)), by: verifier) == .malformed)
        }
    }

    @Test("any facts come back as they were signed", arguments: SeededGenerator.seeds)
    func roundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let keys = try LicenseKeySet(jwks: JSONWebKeySet.encode([Fixtures.key().publicRecord]))
        for _ in 0..<100 {
            let facts = OfflineKeyFacts(
                productNumber: .random(in: 0 ... .max, using: &generator),
                typeCode: .random(in: 0...255, using: &generator),
                seats: .random(in: 0 ... .max, using: &generator),
                issuedAt: .random(in: OfflineKeyFacts.epoch...Fixtures.now, using: &generator),
                expiresAt: Bool.random(using: &generator)
                    ? nil : .random(in: Fixtures.now + 1...OfflineKeyFacts.instants.upperBound, using: &generator),
                featureBits: generator.next(), licenseNumber: generator.next(),
                binding: [.unbound, .domain("example.com"), .installation("panel-7f3a")]
                    .randomElement(using: &generator) ?? .unbound
            )
            let verifier = OfflineKeyVerifier(keys: keys, productNumber: facts.productNumber)
            let key = try OfflineKey(try Fixtures.offlineKey(facts).text.lowercased())
            #expect(try verifier.verify(key, for: Fixtures.acme, at: Fixtures.now).facts == facts)
        }
    }

    @Test("an instant that the layout cannot hold is not signed")
    func instants() throws {
        let (first, last) = (OfflineKeyFacts.instants.lowerBound, OfflineKeyFacts.instants.upperBound)
        let never = last + 1
        _ = try Fixtures.offlineKey(Fixtures.offlineFacts(issuedAt: first, expiresAt: last))
        for facts in [Fixtures.offlineFacts(issuedAt: first - 1), Fixtures.offlineFacts(expiresAt: never)] {
            #expect(throws: OfflineKeySigner.Failure.unwritableInstant) { try Fixtures.offlineKey(facts) }
        }
    }

    @Test("names are read back as they were written, in the order of their numbers")
    func names() throws {
        let names = try #require(
            OfflineKeyNames(
                product: "whm-panel", number: 7, types: ["reseller": 2, "professional": 1],
                features: ["billing": 1, "whm": 0]
            )
        )
        let document =
            #"{"product":"whm-panel","number":7,"types":{"professional":1,"reseller":2},"#
            + #""features":{"whm":0,"billing":1}}"#
        #expect(String(decoding: names.json, as: UTF8.self) == document)
        #expect(try OfflineKeyNames(json: Array(document.utf8)) == names)
    }

    @Test(
        "names with a number used twice or out of range are refused",
        arguments: [
            #"{"product":"p","number":0,"types":{},"features":{}}"#,
            #"{"product":"p","number":1,"types":{"a":0},"features":{}}"#,
            #"{"product":"p","number":1,"types":{"a":1,"b":1},"features":{}}"#,
            #"{"product":"p","number":1,"types":{"a":256},"features":{}}"#,
            #"{"product":"p","number":1,"types":{},"features":{"a":64}}"#,
            #"{"product":"p","number":1,"types":{},"features":{"a":1,"b":1}}"#,
            #"{"product":"p","number":4294967296,"types":{},"features":{}}"#,
            #"{"product":"p","number":1,"types":{}}"#, "[]", "",
        ]
    )
    func badNames(document: String) {
        #expect(throws: LicenseTokenError.self) { try OfflineKeyNames(json: Array(document.utf8)) }
    }
}
