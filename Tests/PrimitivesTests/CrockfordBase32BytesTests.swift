import Primitives
import Testing

@Suite("Base 32 of byte strings")
struct CrockfordBase32BytesTests {
    @Test(
        "bytes are written most significant bit first, unused bits zero",
        arguments: [
            ([], ""), ([0], "00"), ([0xFF], "ZW"), ([0x00, 0x44, 0x32, 0x14, 0xC7], "01234567"),
            ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF], "ZZZZZZZZ"), ([0x08], "10"),
        ] as [([UInt8], String)]
    )
    func table(bytes: [UInt8], text: String) {
        #expect(String(decoding: CrockfordBase32.encode(bytes: bytes), as: UTF8.self) == text)
        let values = CrockfordBase32.typedValues(in: text, countMax: 100)
        #expect(values.flatMap { CrockfordBase32.bytes(values: $0) } == bytes)
    }

    @Test(
        "a text with unused bits set or a symbol too many spells nothing",
        arguments: ["ZZ", "01", "000", "0", "000000"])
    func refused(text: String) throws {
        let values = try #require(CrockfordBase32.typedValues(in: text, countMax: 100))
        #expect(CrockfordBase32.bytes(values: values) == nil)
    }

    @Test("typed text is read through spaces and dashes up to the count")
    func typed() {
        #expect(CrockfordBase32.typedValues(in: " oI-l\u{2013}z\u{a0}", countMax: 4) == [0, 1, 1, 31])
        #expect(CrockfordBase32.typedValues(in: "0000", countMax: 3) == nil)
        #expect(CrockfordBase32.typedValues(in: "U", countMax: 3) == nil)
    }
}
