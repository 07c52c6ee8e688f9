import Licensing
import TestSupport
import Testing

@Suite("A license key")
struct LicenseKeyTests {
    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")

    @Test(
        "has the check symbol that the code asks for",
        arguments: [
            // Computed apart from the program: polynomial arithmetic modulo x^5 + x^2 + 1.
            "0000-0000-0000-0000", "1000-0000-0000-000V", "0000-0000-0000-00ZX", "0123-4567-89AB-CDEK",
            "ZZZZ-ZZZZ-ZZZZ-ZZZA", "10VE-MACM-E0WH-MPNT", "FGHJ-KMNP-QRST-VWXV",
        ])
    func vectors(text: String) throws {
        #expect(try #require(LicenseKey(typed: text)).text == text)
        let others = Self.alphabet.filter { LicenseKey(typed: text.dropLast() + String($0)) != nil }
        #expect(others == [try #require(text.last)], "no other check symbol is accepted")
    }

    @Test("is read in every way in which people type it", arguments: TextTable("typed-keys.txt").rows)
    func typed(row: TextTable.Row) {
        let reading = row["reading"] == "same" ? "10VE-MACM-E0WH-MPNT" : row["reading"]
        #expect(LicenseKey(typed: row["input"])?.text ?? "-" == reading)
    }

    @Test("is 16 symbols in four groups, and comes back from its text", arguments: SeededGenerator.seeds)
    func roundTrip(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var seen = Set<String>()
        for _ in 0..<1000 {
            let key = LicenseKey(using: &random)
            let groups = key.text.split(separator: "-", omittingEmptySubsequences: false)
            try #require(groups.map(\.count) == [4, 4, 4, 4])
            try #require(groups.joined().allSatisfy(Self.alphabet.contains))
            try #require(LicenseKey(typed: key.text) == key)
            try #require(LicenseKey(typed: key.text.lowercased()) == key)
            try #require(key.canonicalBytes == Array(groups.joined().utf8))
            try #require(key.last4 == String(groups[3]))
            seen.insert(key.text)
        }
        #expect(seen.count == 1000, "75 random bits do not meet by chance")
    }

    @Test("with any one wrong symbol is refused", arguments: SeededGenerator.seeds)
    func wrongSymbol(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<20 {
            let symbols = Array(LicenseKey(using: &random).text.filter { $0 != "-" })
            for position in symbols.indices {
                for symbol in Self.alphabet where symbol != symbols[position] {
                    var altered = symbols
                    altered[position] = symbol
                    try #require(LicenseKey(typed: String(altered)) == nil, "\(String(altered)) at \(position)")
                }
            }
        }
    }

    @Test("with any two different symbols swapped is refused", arguments: SeededGenerator.seeds)
    func swapped(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var swaps = 0
        for _ in 0..<50 {
            let symbols = Array(LicenseKey(using: &random).text.filter { $0 != "-" })
            for first in symbols.indices {
                for second in symbols.indices where second > first && symbols[first] != symbols[second] {
                    var altered = symbols
                    altered.swapAt(first, second)
                    swaps += 1
                    try #require(LicenseKey(typed: String(altered)) == nil, "\(String(altered)): \(first), \(second)")
                }
            }
        }
        #expect(swaps > 5000)
    }

    @Test("shows only its last four symbols where it is printed")
    func description() throws {
        let key = try #require(LicenseKey(typed: "10VE-MACM-E0WH-MPNT"))
        #expect("\(key)" == "****-****-****-MPNT")
        #expect(String(describing: [key]) == "[****-****-****-MPNT]")
        var printed = ""
        dump(key, to: &printed)
        #expect(!printed.contains("10VE"))
    }
}
