import Foundation
import Testing

/// A table of test cases as a text file in `Tables/`, so that it is read, reviewed and extended as a table.
///
/// Cells stand between `|`, white space around them is layout. The first row names the columns; every other row has
/// exactly as many cells. Lines that begin with `#` and empty lines are commentary. Inside a cell a backslash escapes:
/// `\s` space, `\t` tab, `\n` line feed, `\r` carriage return, `\0` NUL, `\p` the separator `|`, `\\` a backslash,
/// `\u{1F4A9}` one Unicode scalar, `\{text*64}` the text 64 times (escapes work inside it too).
struct TextTable: Sendable {
    /// One case. Prints as its line in the file, which is what a failing test shows.
    struct Row: Sendable, CustomTestStringConvertible {
        let line: Int
        let source: String
        fileprivate let cells: [String: String]

        /// The cell in the column of that name, unescaped; an empty cell is an empty text.
        subscript(column: String) -> String {
            guard let cell = cells[column] else { preconditionFailure("line \(line): no column \(column)") }
            return cell
        }

        var testDescription: String { "line \(line): \(source)" }
    }

    let rows: [Row]

    /// Reads `Tables/<name>` beside this file; a table that cannot be read stops the tests.
    init(_ name: String, file: String = #filePath) {
        let path = (file as NSString).deletingLastPathComponent + "/Tables/" + name
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            preconditionFailure("no table \(name) in UTF-8 beside \(file)")
        }
        do { try self.init(text: text) } catch { preconditionFailure("\(name): \(error)") }
    }

    init(text: String) throws {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().filter { _, line in
            !line.hasPrefix("#") && line.contains { $0 != " " }
        }
        let columns = lines.first.map { Self.cells($0.element) } ?? []
        rows = try lines.dropFirst().map { try Row(line: $0.offset + 1, source: $0.element, columns: columns) }
    }

    fileprivate static func cells(_ line: Substring) -> [String] {
        line.split(separator: "|", omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
    }

    /// What is wrong with a table, by line.
    struct Malformed: Error, Equatable {
        let line: Int
        let reason: String
    }
}

extension TextTable.Row {
    fileprivate init(line: Int, source: Substring, columns: [String]) throws {
        let cells = TextTable.cells(source)
        guard cells.count == columns.count else {
            throw TextTable.Malformed(line: line, reason: "\(cells.count) cells under \(columns.count) columns")
        }
        guard let texts = try? cells.map(Self.unescaped) else {
            throw TextTable.Malformed(line: line, reason: "an escape that is none")
        }
        self.line = line
        self.source = source.trimmingCharacters(in: .whitespaces)
        self.cells = Dictionary(uniqueKeysWithValues: zip(columns, texts))
    }

    private struct BadEscape: Error {}

    private static func unescaped(_ cell: String) throws -> String {
        var rest = Substring(cell).unicodeScalars
        var text = String.UnicodeScalarView()
        while let scalar = rest.popFirst() {
            if scalar == "\\" { text += try escape(&rest) } else { text.append(scalar) }
        }
        return String(text)
    }

    private static func escape(_ rest: inout Substring.UnicodeScalarView) throws -> String.UnicodeScalarView {
        let simple: [Unicode.Scalar: Unicode.Scalar] = [
            "s": " ", "t": "\t", "n": "\n", "r": "\r", "0": "\0", "p": "|", "\\": "\\",
        ]
        guard let letter = rest.popFirst() else { throw BadEscape() }
        if letter == "u", rest.popFirst() == "{" { return try scalar(inBraces(&rest)) }
        if letter == "{" { return try repetition(inBraces(&rest)) }
        guard let meaning = simple[letter] else { throw BadEscape() }
        return String.UnicodeScalarView([meaning])
    }

    private static func inBraces(_ rest: inout Substring.UnicodeScalarView) throws -> String {
        guard let end = rest.firstIndex(of: "}") else { throw BadEscape() }
        defer { rest = rest[end...].dropFirst() }
        return String(rest[..<end])
    }

    private static func scalar(_ hexadecimal: String) throws -> String.UnicodeScalarView {
        guard let scalar = UInt32(hexadecimal, radix: 16).flatMap(Unicode.Scalar.init) else { throw BadEscape() }
        return String.UnicodeScalarView([scalar])
    }

    private static func repetition(_ braced: String) throws -> String.UnicodeScalarView {
        guard let star = braced.lastIndex(of: "*"), let times = Int(braced[braced.index(after: star)...]) else {
            throw BadEscape()
        }
        return try String(repeating: unescaped(String(braced[..<star])), count: times).unicodeScalars
    }
}

@Suite("A text table")
struct TextTableTests {
    @Test("names its columns in the first row and skips commentary")
    func columnsAndComments() throws {
        let table = try TextTable(text: "# intro\n\n  input | note\n# group\n a   |\n| empty\n")
        #expect(table.rows.map { $0["input"] } == ["a", ""])
        #expect(table.rows.map { $0["note"] } == ["", "empty"])
        #expect(table.rows.map(\.line) == [5, 6])
    }

    @Test("unescapes what would vanish or mislead in a text file")
    func escapes() throws {
        let table = try TextTable(
            text: #"""
                a
                \sx\t\0\p\\
                \u{1F4A9}\u{e9}
                <\{ab*3}\{\s*2}>
                """#)
        #expect(table.rows.map { $0["a"] } == [" x\t\0|\\", "💩é", "<ababab  >"])
    }

    @Test(
        "is refused with its line when a row has too few cells or a bad escape",
        arguments: ["x", #"x | \q"#, #"\u{110000} | x"#, #"\{a} | x"#])
    func malformed(row: String) {
        let error = #expect(throws: TextTable.Malformed.self) { try TextTable(text: "a | b\n\(row)") }
        #expect(error?.line == 2)
    }
}
