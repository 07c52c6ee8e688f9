/// Text laid out in columns.
enum CardText {
    /// The text with spaces after it, up to `width`.
    static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// The text without spaces at its end.
    static func trimmed(_ text: String) -> String {
        text.lastIndex { $0 != " " }.map { String(text[...$0]) } ?? ""
    }

    /// Exactly `width` columns: padded, or its middle left out.
    static func fitted(_ text: String, to width: Int) -> String {
        guard text.count > width else { return padded(text, to: width) }
        let head = (width - 1) / 2
        return "\(text.prefix(head))…\(text.suffix(width - 1 - head))"
    }

    /// Lines of at most `width` columns, broken at spaces; a word that is longer is broken anywhere.
    static func wrapped(_ text: String, to width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? word : " \(word)"
            while line.count > width {
                lines.append(String(line.prefix(width)))
                line = String(line.dropFirst(width))
            }
        }
        return line.isEmpty && !lines.isEmpty ? lines : lines + [line]
    }
}

/// How a card sets things apart: with the colors of a terminal, or not at all.
package enum CardStyle: Sendable {
    case plain
    case colored

    enum Color: Int {
        case red = 31
        case green = 32
        case yellow = 33
    }

    func bold(_ text: String) -> String { set(text, 1) }

    func dim(_ text: String) -> String { set(text, 2) }

    func colored(_ text: String, _ color: Color) -> String { set(text, color.rawValue) }

    /// ECMA-48 §8.3.117, Select Graphic Rendition.
    private func set(_ text: String, _ code: Int) -> String {
        switch self {
        case .plain: text
        case .colored: "\u{1B}[\(code)m\(text)\u{1B}[0m"
        }
    }
}
