package import Primitives

// A choice where there is only text: on the command line, in a document, in a terminal.

extension PolicyField {
    /// The value that `text` stands for. What cannot be read stays text, which `PolicyPatch` then refuses.
    package func value(text: String) -> JSONValue {
        switch form {
        case .number: Int64(text).map(JSONValue.integer) ?? .string(text)
        case .days: Self.days(text).map(JSONValue.integer) ?? .string(text)
        case .flag: ["true": .bool(true), "false": .bool(false)][text] ?? .string(text)
        case .list: .array(Self.parts(text).map(JSONValue.string))
        case .text: .string(text)
        }
    }

    /// The value as people read it.
    package func text(of value: JSONValue) -> String {
        switch value {
        case .null: "-"
        case .bool(let truth): truth ? "yes" : "no"
        case .integer(let number): String(number)
        case .decimal(let text), .string(let text): text
        case .array(let elements):
            elements.isEmpty ? "none" : elements.compactMap(\.stringValue).joined(separator: ", ")
        case .object: "…"
        }
    }

    /// What holds where nobody chooses.
    package var defaultValue: JSONValue { Policy.defaults.value(of: self) }

    private static func days(_ text: String) -> Int64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        return ["", "d", "day", "days"].contains(text.dropFirst(digits.count).drop { $0 == " " })
            ? Int64(digits) : nil
    }

    private static func parts(_ text: String) -> [String] {
        guard !text.isEmpty else { return [] }
        return text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            let head = part.drop { $0 == " " }
            return head.lastIndex { $0 != " " }.map { String(head[...$0]) } ?? ""
        }
    }
}
