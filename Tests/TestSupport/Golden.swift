import Foundation

/// Texts that are reviewed as files in `Golden/`, beside the test that makes them.
package enum Golden {
    /// The reviewed text. With `UPDATE_GOLDEN=1` in the environment it is replaced by `actual` first: review the diff.
    package static func text(_ name: String, actual: String, file: String = #filePath) throws -> String {
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent("Golden")
        let golden = folder.appendingPathComponent(name)
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data(actual.utf8).write(to: golden)
        }
        return String(decoding: try Data(contentsOf: golden), as: UTF8.self)
    }
}
