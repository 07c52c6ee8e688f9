import Licensing
import TestSupport
import Testing

@Suite("A key of another system")
struct ImportedKeyTests {
    @Test(
        "is read as it is, after trimming",
        arguments: [
            ("Leased-0a1b2c3d4e", "Leased-0a1b2c3d4e"), ("  Leased-0a1b2c3d4e\r\n", "Leased-0a1b2c3d4e"),
            ("abc123", "abc123"), (String(repeating: "x", count: 128), String(repeating: "x", count: 128)),
        ])
    func reading(typed: String, text: String) {
        #expect(ImportedKey(typed: typed)?.text == text)
    }

    @Test(
        "is none when it is too short or too long, or holds what no key holds",
        arguments: [
            "", "   ", "abc12", String(repeating: "x", count: 129), "two words", "a\u{A0}bcdef", "Schlüssel-1",
            "<script>", "a\"bcdef", "a,bcdef", "tab\tbed", "nul\u{0}bed",
        ])
    func refusing(typed: String) {
        #expect(ImportedKey(typed: typed) == nil)
    }

    @Test("opens its license exactly as it is written, and nothing else does")
    func exactly() async throws {
        let house = try await TestHouse()
        try await house.imports([.license()])
        #expect(try await house.check("Leased-0a1b2c3d4e").verdict == .valid)
        #expect(try await house.check(" Leased-0a1b2c3d4e\n").verdict == .valid)
        for other in ["leased-0a1b2c3d4e", "Leased0a1b2c3d4e", "Leased-0a1b2c3d4", "Leased-0a1b2c3d4f"] {
            #expect(try await house.check(other).verdict == .notFound)
        }
    }

    @Test("is found by operators too, whole and by its last characters")
    func lookup() async throws {
        let house = try await TestHouse()
        try await house.imports([.license()])
        #expect(try await house.license(typed: "Leased-0a1b2c3d4e")?.last4 == "3d4e")
        #expect(try await house.license(typed: "Leased-0a1b2c3d4f")?.last4 == nil)
        #expect(try await house.count("SELECT count(*) FROM license_keys WHERE kind = 'imported'") == 1)
    }

    @Test("is malformed while no license has one, and unknown from then on, also after a restart")
    func malformed() async throws {
        let house = try await TestHouse(settings: .withoutGuessLimit)
        #expect(try await house.check("Leased-unknown").verdict == .keyMalformed)
        try await house.imports([.customer()])
        #expect(try await house.check("Leased-unknown").verdict == .keyMalformed, "an import without a license")
        try await house.imports([.license()])
        #expect(try await house.check("Leased-unknown").verdict == .notFound)
        #expect(try await house.check("no key").verdict == .keyMalformed)
        let second = try await house.secondService()
        #expect(try await house.check("Leased-unknown", in: second).verdict == .notFound)
        #expect(try await house.check("Leased-0a1b2c3d4e", in: second).verdict == .valid)
    }

    @Test("that looks like one of ours opens its license too")
    func lookalike() async throws {
        let house = try await TestHouse()
        let ours = try await house.solo()
        // Well-formed, but no license of ours has it: the same symbols in another product's hands.
        let other = try await TestHouse().solo().key.text
        try await house.imports([.license(key: other)])
        #expect(try await house.check(other).verdict == .valid)
        #expect(try await house.check(ours.key.text).verdict == .valid)
    }

    @Test("that is read as a key of ours is not imported: it would never be reached")
    func shadowed() async throws {
        let house = try await TestHouse()
        let ours = try await house.solo()
        let spelled = ours.key.text.lowercased()
        let result = try #require(try await house.imports([.license(key: spelled)]).last)
        #expect(result.outcome == .conflict)
        #expect(result.notes.map(\.code) == [.keyTaken])
        #expect(try await house.count("SELECT count(*) FROM licenses") == 1)
    }

    @Test("is in no table and in no event as it is")
    func sealed() async throws {
        let house = try await TestHouse()
        try await house.imports([.license()])
        let sealed = try await house.texts("SELECT hex(encrypted) FROM license_keys")
        let plain = "Leased-0a1b2c3d4e".utf8.map { String($0, radix: 16, uppercase: true) }.joined()
        #expect(sealed.allSatisfy { !$0.contains(plain) })
        let events = try await house.texts("SELECT data FROM journal")
        #expect(events.allSatisfy { !$0.contains("Leased-0a1b2c3d4e") })
        let links = try await house.texts("SELECT digests || legacy FROM import_links")
        #expect(links.allSatisfy { !$0.contains("0a1b2") })
    }
}
