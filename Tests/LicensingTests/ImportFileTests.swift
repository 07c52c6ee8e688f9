import Licensing
import Primitives
import TestSupport
import Testing

@Suite("An import file")
struct ImportFileTests {
    private static let header =
        #"{"format": "signet-import", "version": 1, "source": "whmcs", "exported_at": "2026-11-23T12:00:00Z", "#
        + #""suspend_after_days": 5}"#
    private static let product = #"{"type": "product", "id": "12", "name": "Panel Pro", "secret": null}"#
    private static let customer = #"{"type": "customer", "id": "5"}"#

    private static func license(_ changes: String = "", id: String = "77", key: String = "Leased-0a1b2c3d4e") -> String
    {
        #"{"type": "license", "id": "\#(id)", "service": "1", "product": "12", "customer": "5", "key": "\#(key)", "#
            + #""status": "Active", "service_status": "Active"\#(changes)}"#
    }

    private func read(_ lines: [String], codes: [String: String] = ["12": "whm-panel"]) throws -> ImportFile {
        try ImportFile(Array(lines.joined(separator: "\n").utf8), from: .whmcs, codes: codes)
    }

    private func problems(_ lines: [String], codes: [String: String] = ["12": "whm-panel"]) -> [String] {
        do throws(ImportFile.Unusable) {
            _ = try ImportFile(Array(lines.joined(separator: "\n").utf8), from: .whmcs, codes: codes)
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test("is read in whatever order its lines are, with empty lines and line ends of any kind")
    func reading() throws {
        let file = try read([Self.header + "\r", Self.license(), "", Self.customer, Self.product, ""])
        #expect(file.suspendAfterDays == 5)
        #expect(file.licenses.map(\.number) == [2])
        #expect(file.customers.map(\.number) == [4])
        #expect(file.products.first?.json["code"] == .string("whm-panel"))
    }

    @Test("says all that is wrong with it at once, line by line")
    func allProblems() {
        let lines = [
            Self.header, Self.product, Self.customer, "{", #"["license"]"#, #"{"type": "invoice"}"#,
            Self.license(#", "next_due": "soon", "domains": "example.com""#, key: "x"), Self.license(id: "1"),
            Self.license(id: "1", key: "Leased-another"), Self.license(id: "2"),
            Self.license().replacing(#""customer": "5""#, with: #""customer": "6""#)
                .replacing(#""product": "12""#, with: #""product": "13""#),
        ]
        #expect(
            problems(lines) == [
                "line 4: is not JSON: syntax at byte 1", "line 5: must be a JSON object",
                "line 6: type must be one of product, customer, license",
                "line 7: domains must be a list of at most 200 strings of at most 1024 bytes",
                "line 7: key \(ImportedKey.expectation)", "line 7: next_due must be YYYY-MM-DD, or null",
                "line 9: license 1 is in line 8 already", "line 10: the key is that of line 8",
                "line 11: customer 6 is in no line", "line 11: product 13 is in no line",
                "line 11: the key is that of line 10",
            ])
    }

    @Test("needs a first line that says what it is, and from where")
    func header() {
        #expect(problems([]) == ["--product-map names product 12, which is in no line", "the file is empty"])
        let lines = [Self.product, Self.customer]
        #expect(problems([#"{"format": "other", "version": 1}"#] + lines).first?.hasPrefix("line 1: must say") == true)
        let newer = problems([Self.header.replacing("1,", with: "2,")] + lines)
        #expect(newer.first?.hasPrefix("line 1: must say") == true)
        #expect(problems([Self.header.replacing("whmcs", with: "other")] + lines) == ["line 1: source must be whmcs"])
        #expect(
            problems([Self.header.replacing(": 5", with: ": 999")] + lines)
                == ["line 1: suspend_after_days must be 0 to 366, or null"])
    }

    @Test("names each product that is none of ours, and each code for a product that it has not")
    func codes() {
        let lines = [Self.header, Self.product]
        #expect(
            problems(lines, codes: [:])
                == ["line 2: product 12 (Panel Pro) is none of ours yet; say --product-map 12=CODE"])
        #expect(
            problems(lines, codes: ["12": "whm-panel", "99": "x"])
                == ["--product-map names product 99, which is in no line"])
    }

    @Test(
        "refuses members of the wrong kind",
        arguments: [
            (#", "never_suspend": "maybe""#, "never_suspend"), (#", "registered": "2024-02-30""#, "registered"),
            (#", "addons": [{"name": "Support"}]"#, "addons[0].status"), (#", "config_options": {}"#, "config_options"),
            (#", "suspend_reason": 5"#, "suspend_reason"), (#", "billing_cycle": "a\nb""#, "billing_cycle"),
            (#", "status_": "x", "addresses": [1]"#, "addresses"),
        ])
    func members(changes: String, member: String) {
        let problem = problems([Self.header, Self.product, Self.customer, Self.license(changes)]).first ?? ""
        #expect(problem.hasPrefix("line 4: \(member) "), "\(problem)")
    }
}
