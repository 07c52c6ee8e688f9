import Primitives
import TestSupport
import Testing

@testable import Licensing

@Suite("What was meant")
struct SuggestionTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private func refusal(of text: String) async -> String? {
        await #expect(throws: InvalidInput.self) {
            try await house.licensing.key(typed: text, member: "license_key")
        }?.violations.first?.reason
    }

    @Test("by a key with one wrong symbol, at any position, is the one license that has it")
    func wrongSymbol() async throws {
        let license = try await house.solo()
        _ = try await house.acme()
        let text = license.key.text
        for index in text.indices where text[index] != "-" {
            var wrong = text
            wrong.replaceSubrange(index...index, with: text[index] == "7" ? "8" : "7")
            #expect(await refusal(of: wrong)?.hasSuffix("; did you mean \(text)?") == true, "\(wrong)")
        }
    }

    @Test("by a key with two symbols swapped is the same, near or far apart")
    func swapped() async throws {
        let license = try await house.solo()
        let symbols = Array(license.key.text.replacing("-", with: ""))
        for left in symbols.indices {
            for right in symbols.indices where right > left && symbols[left] != symbols[right] {
                var wrong = symbols
                wrong.swapAt(left, right)
                #expect(await refusal(of: String(wrong))?.contains(license.key.text) == true)
            }
        }
    }

    @Test("by a key that is nobody's, or is no key at all, nobody says")
    func nothing() async throws {
        _ = try await house.solo()
        for text in ["0000-0000-0000-0001", "hello", "", "XXXX-XXXX-XXXX", "LK1-0000"] {
            #expect(await refusal(of: text)?.contains("did you mean") == false, "\(text)")
        }
        #expect(try await house.licensing.key(typed: "0000-0000-0000-0000", member: "k") == nil)
    }

    @Test("by a key with its prefix is told with the prefix")
    func prefixed() async throws {
        let format = try KeyFormat(groups: 5, prefix: "WHM")
        _ = try await house.licensing.createProduct(
            try NewProduct(code: "p", keyFormat: format), dryRun: false, by: house.provenance())
        let text = try await house.issue(product: "p").key.text
        let wrong = text.dropLast() + (text.last == "0" ? "1" : "0")
        #expect(await refusal(of: String(wrong))?.hasSuffix("did you mean \(text)?") == true)
    }

    @Test(
        "by a code is what looks like it, the nearest first",
        arguments: [
            ("whm-panle", ["whm-panel"]), ("whm-pane", ["whm-panel"]), ("WHM-PANEL", ["whm-panel"]),
            ("mail-panel", []), ("whm-panel-2", ["whm-panel"]), ("x", []), ("pro1", ["pro", "pro2"]), ("", []),
            ("nothing", []),
        ])
    func codes(text: String, near: [String]) {
        #expect(NearNames.near(text, among: ["whm-panel", "pro2", "pro", "mail"]) == near)
    }

    @Test("by a customer's number is the one with two digits swapped, else with one other, unless those are many")
    func customers() async throws {
        for number in [7001, 7123, 45] as [Int64] { try await house.customer(number) }
        for (text, near) in [
            ("7213", ["7123"]), ("7133", ["7123"]), ("7100", []), ("54", ["45"]), ("46", ["45"]), ("x", []),
            ("99999999999999999999", []), ("", []),
        ] {
            #expect(try await house.licensing.unknownCustomer(text) == .customerUnknown(text, near: near), "\(text)")
        }
        for number in [41, 42, 43] as [Int64] { try await house.customer(number) }
        #expect(try await house.licensing.unknownCustomer("46") == .customerUnknown("46"))
    }
}
