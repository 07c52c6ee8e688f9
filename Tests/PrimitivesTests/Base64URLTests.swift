import Primitives
import TestSupport
import Testing

@Suite("Base64url")
struct Base64URLTests {
    @Test(
        "the vectors of RFC 4648 §10 are spelled without their padding",
        arguments: [
            ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"),
            ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"), ("foobar", "Zm9vYmFy"),
        ]
    )
    func rfc4648(plain: String, encoded: String) {
        #expect(Base64URL.encode(Array(plain.utf8)) == encoded)
        #expect(Base64URL.decode(encoded) == Array(plain.utf8))
    }

    @Test("the two characters that differ from plain Base64 are - and _")
    func urlAlphabet() {
        #expect(Base64URL.encode([0xFB, 0xEF, 0xBE, 0xFF, 0xFF, 0xFF]) == "----____")
        #expect(Base64URL.decode("----____") == [0xFB, 0xEF, 0xBE, 0xFF, 0xFF, 0xFF])
        #expect(Base64URL.decode("++++////") == nil)
    }

    @Test(
        "a spelling that is not the canonical one is refused",
        arguments: [
            "Zg==", "Zm8=", "Zg=", "Zm9v=", "=", "====", "Zg==Zg==", " Zm9v", "Zm9v ", "Zm9v\n", "Zm\r\n9v", "Zm 9v",
            "Zm9v\0", "Zm9v.", "Zm9+", "Zm9/", "Zm9v\u{E9}", "Zm9\u{212A}", "Z", "Zm9vY", "Zm9vZ", "%5A%67",
        ]
    )
    func otherSpelling(text: String) {
        #expect(Base64URL.decode(text) == nil)
    }

    @Test("of the texts of two and three characters only those with zero trailing bits are read, and they read back")
    func trailingBits() {
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".map(String.init)
        for (value, last) in alphabet.enumerated() {
            for first in alphabet {
                let pair = first + last
                #expect((Base64URL.decode(pair) != nil) == (value % 16 == 0), "\(pair)")
                #expect(Base64URL.decode(pair).map { Base64URL.encode($0) == pair } ?? true)
                let triple = first + "x" + last
                #expect((Base64URL.decode(triple) != nil) == (value % 4 == 0), "\(triple)")
                #expect(Base64URL.decode(triple).map { Base64URL.encode($0) == triple } ?? true)
            }
        }
    }

    @Test("any bytes come back", arguments: SeededGenerator.seeds)
    func roundTrip(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for count in 0...200 {
            let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            let text = Base64URL.encode(bytes)
            #expect(text.utf8.count == (count * 4 + 2) / 3)
            #expect(Base64URL.decode(text) == bytes)
            #expect(Array(text.utf8) == Base64URL.encodedBytes(bytes))
        }
    }
}
