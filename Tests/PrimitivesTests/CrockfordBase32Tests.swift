import Primitives
import TestSupport
import Testing

@Suite("Crockford base 32")
struct CrockfordBase32Tests {
    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

    @Test("the symbols are the digits and the capital letters without I, L, O and U")
    func symbols() {
        #expect((0..<32).map { CrockfordBase32.symbol($0) } == Self.alphabet)
    }

    @Test("a typed symbol is read in either case, O as 0, I and L as 1, and everything else as nothing")
    func typedSymbols() {
        var expected: [UInt8: UInt8] = [:]
        for (value, symbol) in Self.alphabet.enumerated() {
            expected[symbol] = UInt8(value)
            if symbol >= UInt8(ascii: "A") { expected[symbol + 32] = UInt8(value) }
        }
        for character in "Oo".utf8 { expected[character] = 0 }
        for character in "IiLl".utf8 { expected[character] = 1 }
        for character in UInt8.min ... .max {
            #expect(CrockfordBase32.typedValue(character) == expected[character], "character \(character)")
        }
    }

    @Test(
        "64 bits are 13 symbols, most significant first",
        arguments: [
            (0, "0000000000000"), (1, "0000000000001"), (31, "000000000000Z"), (32, "0000000000010"),
            (0x8000_0000_0000_0000, "8000000000000"), (UInt64.max, "FZZZZZZZZZZZZ"),
            (0x0123_4567_89AB_CDEF, "028T5CY4TQKFF"),
        ] as [(UInt64, String)]
    )
    func thirteenSymbols(number: UInt64, text: String) {
        #expect(CrockfordBase32.encode(number) == text)
        #expect(CrockfordBase32.decode(text) == number)
    }

    @Test(
        "an identifier has one spelling: nothing that a person might type instead is read",
        arguments: [
            "", "000000000000", "00000000000000", "G000000000000", "ZZZZZZZZZZZZZ", "000000000000a", "000000000000O",
            "000000000000I", "000000000000L", "000000000000U", "000000-000000", "000000000000 ", "00000000000\u{E9}",
            "0000000000\u{212A}", "-000000000000",
        ]
    )
    func oneSpelling(text: String) {
        #expect(CrockfordBase32.decode(text) == nil)
    }

    @Test("any number comes back, and sorts as its symbols do", arguments: SeededGenerator.seeds)
    func roundTrip(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<1000 {
            let (left, right): (UInt64, UInt64) = (generator.next(), generator.next())
            #expect(CrockfordBase32.decode(CrockfordBase32.encode(left)) == left)
            #expect((CrockfordBase32.encode(left) < CrockfordBase32.encode(right)) == (left < right))
        }
    }
}
