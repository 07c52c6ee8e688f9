import Foundation
import Testing

@Suite("The documentation's code")
struct SnippetTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The pages of the documentation, by their paths.
    static let pages: [String] =
        ["docs/clients.md", "Examples/swift/README.md"]
        + ["LicenseToken", "LicenseClient"].flatMap { target in
            let folder = "Sources/\(target)/\(target).docc"
            // A folder that is not found fails the test below.
            let names = (try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path)) ?? []
            return names.filter { $0.hasSuffix(".md") }.sorted().map { "\(folder)/\($0)" }
        }

    private static func lines(of path: String) throws -> [String] {
        try String(contentsOf: root.appending(path: path), encoding: .utf8).components(separatedBy: "\n")
            .map { $0.trimmingCharacters(in: .whitespaces) }
    }

    /// The blocks of a page that are marked as Swift.
    private static func snippets(in page: String) throws -> [[String]] {
        var snippets: [[String]] = []
        var isInside = false
        for line in try lines(of: page) {
            if line == "```swift" {
                snippets.append([])
                isInside = true
            } else if line == "```" {
                isInside = false
            } else if isInside {
                snippets[snippets.count - 1].append(line)
            }
        }
        return snippets
    }

    @Test("every page's code is in Snippets.swift, line by line, and so compiles", arguments: pages)
    func compiled(page: String) throws {
        let source = try Self.lines(of: "Tests/LicenseClientTests/Snippets.swift")
        let snippets = try Self.snippets(in: page)
        #expect(!snippets.isEmpty)
        for snippet in snippets {
            let isThere = source.indices.contains { source[$0...].starts(with: snippet) }
            #expect(isThere, "not in Snippets.swift: \(snippet.joined(separator: "\n"))")
        }
    }

    @Test("there are pages")
    func found() { #expect(Self.pages.count >= 9) }
}
