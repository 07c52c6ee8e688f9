import Primitives
import Testing

@Suite("Slugs")
struct SlugTests {
    @Test(
        "lower-case letters and digits, with . _ : - between them, are a slug",
        arguments: ["a", "0", "whm-panel", "a.b_c:d-e", "a--b", String(repeating: "x", count: 64)]
    )
    func accepted(text: String) {
        #expect(Slug(text)?.description == text)
        #expect(throws: Never.self) { try Slug(text, member: "product") }
    }

    @Test(
        "anything else is none",
        arguments: [
            "", "-", "-a", "a-", ".a", "a:", "A", "aB", "a b", " a", "a\n", "a/b", "a\0", "é", "a\u{301}", "\u{212A}",
            String(repeating: "x", count: 65),
        ]
    )
    func refused(text: String) {
        #expect(Slug(text) == nil)
        #expect {
            try Slug(text, member: "product")
        } throws: { error in
            (error as? InvalidInput)?.violations.map(\.member) == ["product"]
        }
    }

    @Test("invalid input names every member and what is wrong with it")
    func invalidInput() {
        let input = InvalidInput([
            InvalidInput.Violation(member: "domain", reason: "must be a name"),
            InvalidInput.Violation(member: "max_activations", reason: "must not be negative"),
        ])
        #expect("\(input)" == "domain: must be a name; max_activations: must not be negative")
        #expect(InvalidInput("domain", "must be a name").violations == Array(input.violations.prefix(1)))
    }
}
