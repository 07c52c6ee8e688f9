import Primitives

/// `license validate --explain` for people.
enum ExplanationPrinting {
    static func print(_ answer: JSONObject) {
        Output.card([
            (answer.text("code") ?? "", answer.text("message")), ("License", answer.text("license_id")),
            ("Product", answer.text("product")), ("Domain", answer.text("domain")),
            ("Address", answer.text("ip_address")), ("Installation id", answer.text("installation_id")),
            ("Counted as", answer.text("counted_as")), ("Network", answer.text("network")),
            (
                "Allowed by",
                [answer.text("domain_grant"), answer.text("network_grant")].compactMap(\.self).joined(", ")
            ),
        ])
        let rules = answer["rules"]?.arrayValue?.compactMap(\.objectValue) ?? []
        guard !rules.isEmpty else { return }
        Swift.print()
        Output.table(
            ["RULE", "OUTCOME", "IF IT FAILS", "COMPARED"],
            rules.map { rule in
                [
                    rule.text("rule") ?? "-", rule.text("outcome")?.replacing("_", with: " ") ?? "-",
                    rule.text("code") ?? "-", rule["values"]?.objectValue?.listed ?? "",
                ]
            })
    }
}

extension [String] {
    /// Nil for none.
    fileprivate func joined(_ separator: String) -> String? { isEmpty ? nil : joined(separator: separator) }
}

extension JSONObject {
    /// `name value` of each member that has one.
    fileprivate var listed: String {
        members.compactMap { name, _ in text(name).map { "\(name.replacing("_", with: " ")) \($0)" } }
            .joined(separator: ", ")
    }
}
