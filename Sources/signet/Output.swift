import Foundation
import LicenseToken
import Primitives
import SignetApp

/// What commands print: JSON as it came, or text for people.
enum Output {
    /// A message for the person at the terminal.
    static func complain(_ message: String, prefix: String = "signet: ") {
        FileHandle.standardError.write(Data((prefix + message + "\n").utf8))
    }

    /// Hands what was printed to whoever reads it, now: a server prints once and then goes on for months.
    static func flush() { fflush(nil) }

    static func json(_ bytes: [UInt8]) { FileHandle.standardOutput.write(Data(bytes + [UInt8(ascii: "\n")])) }

    /// Whether what is printed may be colored: by a terminal that can, for a person who has not asked for none
    /// (<https://no-color.org>).
    static var isColored: Bool {
        let environment = ProcessInfo.processInfo.environment
        return isatty(STDOUT_FILENO) == 1 && environment["TERM"] != "dumb"
            && (environment["NO_COLOR"] ?? "").isEmpty
    }

    /// What is no JSON, as it came.
    static func raw(_ bytes: [UInt8]) { FileHandle.standardOutput.write(Data(bytes)) }

    /// Lines of a label and a value; those without a value are left out.
    static func card(_ lines: [(label: String, value: String?)]) {
        let width = lines.map(\.label.count).max() ?? 0
        for case (let label, .some(let value)) in lines {
            print(label.padding(toLength: width, withPad: " ", startingAt: 0), value, separator: "  ")
        }
    }

    /// Columns under their headings.
    static func table(_ headings: [String], _ rows: [[String]]) {
        let widths = headings.indices.map { column in ([headings] + rows).map { $0[column].count }.max() ?? 0 }
        for row in [headings] + rows {
            let cells = zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
            print(cells.joined(separator: "  ").replacing(#/\ +$/#, with: ""))
        }
    }

    /// A list's rows, and where it goes on.
    static func list(_ answer: OperatorClient.Answer, _ headings: [String], _ row: (JSONObject) -> [String]) {
        let object = answer.json.objectValue
        table(headings, (object?["data"]?.arrayValue ?? []).compactMap(\.objectValue).map(row))
        if object?["links"]?.objectValue?["next"]?.stringValue != nil {
            let total = object?["meta"]?.objectValue?["total"]?.integerValue ?? 0
            complain("\(total) in all; see more with --page")
        }
    }

    /// What a verification without the service refused.
    static func refusal(_ error: LicenseTokenError, _ options: GlobalOptions) {
        guard options.json else { return card([("REFUSED", error.code.rawValue), ("Reason", error.reason)]) }
        json(
            JSONWriter.object { json in
                json.member("valid", false)
                json.member("code", error.code.rawValue)
                json.member("message", error.reason)
            })
    }
}

extension JSONObject {
    /// The member as people read it; nil when absent, null or an empty list.
    func text(_ name: String) -> String? {
        switch self[name] {
        case .string(let text): text
        case .integer(let number): String(number)
        case .bool(let truth): truth ? "yes" : "no"
        case .array(let elements) where !elements.isEmpty:
            elements.compactMap(\.stringValue).joined(separator: ", ")
        default: nil
        }
    }

    /// "1 of 3", or "1 of unlimited".
    var seats: String {
        let max = self["max_activations"]?.integerValue ?? 0
        return "\(self["current_activations"]?.integerValue ?? 0) of \(max == 0 ? "unlimited" : String(max))"
    }
}
