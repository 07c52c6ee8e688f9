import Foundation
import Licensing
import Primitives
import Testing

@Suite("docs/policies.md")
struct PolicyDocumentTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../..").standardizedFileURL
    private static let begin = "<!-- policies: written from PolicyField; UPDATE_GOLDEN=1 writes it anew -->\n\n"
    private static let end = "\n<!-- policies end -->\n"
    private static let head = """
        | JSON | option of `product` and `license` | default | what it decides |
        | --- | --- | --- | --- |

        """

    private static func row(_ field: PolicyField) -> String {
        let no = field.form == .flag ? "[no-]" : ""
        let fallback = field.text(of: field.defaultValue)
        return "| `\(field.name)` | `--\(no)\(field.option)` | \(fallback) | \(field.summary) |\n"
    }

    @Test("lists every choice as the program has it")
    func table() throws {
        let file = Self.root.appendingPathComponent("docs/policies.md")
        var text = try String(contentsOf: file, encoding: .utf8)
        let from = try #require(text.range(of: Self.begin)).upperBound
        let to = try #require(text.range(of: Self.end)).lowerBound
        let rows = Self.head + PolicyField.all.map(Self.row).joined()
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
            text.replaceSubrange(from..<to, with: rows)
            try text.write(to: file, atomically: true, encoding: .utf8)
            return
        }
        #expect(text[from..<to] == rows)
    }

    @Test("and openapi.yaml has every choice, as it is told and as it may be left open")
    func contract() throws {
        let file = Self.root.appendingPathComponent("Sources/HTTPAPI/Resources/openapi.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        for schema in ["Policy", "PolicyChoices"] {
            let from = try #require(text.range(of: "\n    \(schema):\n")).upperBound
            let block = text[from...].split(separator: "\n", omittingEmptySubsequences: false)
                .prefix { $0.hasPrefix("     ") }
            for field in PolicyField.all {
                #expect(block.contains { $0.hasPrefix("        \(field.name):") }, "\(schema), \(field.name)")
            }
        }
    }

    @Test("has an option for every choice, each spelled once")
    func options() {
        #expect(Set(PolicyField.all.map(\.option)).count == PolicyField.all.count)
        for field in PolicyField.all {
            #expect(!field.option.isEmpty && !field.summary.isEmpty)
            #expect(PolicyField.named(field.option)?.name == field.name && PolicyField.named(field.name) != nil)
        }
        #expect(PolicyField.named("seats") == nil)
    }

    @Test(
        "reads what an option says as JSON does",
        arguments: [
            ("max_activations", "3", #"{"v":3}"#), ("max_activations", "many", #"{"v":"many"}"#),
            ("features", "", #"{"v":[]}"#), ("features", "a, b", #"{"v":["a","b"]}"#),
            ("features", "a,,b", #"{"v":["a","","b"]}"#), ("duration_days", "365d", #"{"v":365}"#),
            ("duration_days", "30 days", #"{"v":30}"#), ("duration_days", "7", #"{"v":7}"#),
            ("duration_days", "d", #"{"v":"d"}"#), ("duration_days", "2 weeks", #"{"v":"2 weeks"}"#),
            ("checks_peer", "true", #"{"v":true}"#), ("license_type", "pro", #"{"v":"pro"}"#),
        ])
    func text(name: String, text: String, json: String) throws {
        let field = try #require(PolicyField.named(name))
        let written = JSONWriter.object { $0.member("v", value: field.value(text: text)) }
        #expect(String(decoding: written, as: UTF8.self) == json)
    }
}
