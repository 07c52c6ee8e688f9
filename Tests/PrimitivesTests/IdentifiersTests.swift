import Primitives
import TestSupport
import Testing

private enum Tree {}

private enum Leaf: RandomlyIdentified {
    static let idPrefix = "leaf_"
}

@Suite("Identifiers")
struct IdentifiersTests {
    @Test("an integer id is 1 or more", arguments: [0, -1, Int64.min] as [Int64])
    func notPositive(number: Int64) {
        #expect(ID<Tree>(number) == nil)
    }

    @Test(
        "an integer id is read in decimal digits and printed the same", arguments: ["1", "123", "9223372036854775807"])
    func integerText(text: String) {
        #expect(ID<Tree>(text: text)?.description == text)
    }

    @Test(
        "any other spelling of an integer is no id",
        arguments: [
            "", "0", "-1", "+1", "01", " 1", "1 ", "1.0", "1e3", "0x1", "1_000", "\u{FF11}", "\u{661}",
            "9223372036854775808", "cus_1",
        ]
    )
    func integerOtherText(text: String) {
        #expect(ID<Tree>(text: text) == nil)
    }

    @Test("a random id is its prefix and 13 symbols, and comes back from both its forms")
    func randomText() throws {
        let id = RandomID<Leaf>(rawValue: .max)
        #expect(id.description == "leaf_FZZZZZZZZZZZZ")
        #expect(RandomID<Leaf>(text: "leaf_FZZZZZZZZZZZZ") == id)
        #expect(id.databaseValue == -1)
        #expect(RandomID<Leaf>(databaseValue: -1) == id)
    }

    @Test(
        "another prefix or spelling is no random id",
        arguments: [
            "", "leaf_", "FZZZZZZZZZZZZ", "twig_FZZZZZZZZZZZZ", "LEAF_FZZZZZZZZZZZZ", "leafFZZZZZZZZZZZZ",
            "leaf_fzzzzzzzzzzzz", "leaf_FZZZZZZZZZZZ", "leaf_FZZZZZZZZZZZZZ", "leaf_ZZZZZZZZZZZZZ",
            " leaf_FZZZZZZZZZZZZ", "leaf_\u{301}FZZZZZZZZZZZZ", "leaf__FZZZZZZZZZZZZ",
        ]
    )
    func randomOtherText(text: String) {
        #expect(RandomID<Leaf>(text: text) == nil)
    }

    @Test("random ids sort by their number and repeat with their generator")
    func randomOrder() {
        var first = SeededGenerator(seed: 7)
        var second = SeededGenerator(seed: 7)
        #expect(RandomID<Leaf>(using: &first) == RandomID<Leaf>(using: &second))
        #expect(RandomID<Leaf>(rawValue: 1) < RandomID<Leaf>(databaseValue: -1))
    }
}
