import Foundation

/// A directory of one test, readable by its owner only, gone when the test lets go of it.
package final class TemporaryDirectory: Sendable {
    package let path: String

    package init() throws {
        let base = FileManager.default.temporaryDirectory.appendingPathComponent("signet-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: base, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        path = base.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    package func path(of name: String) -> String { path + "/" + name }

    /// Names of everything in it, sorted.
    package var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() } }

    package func contents(of name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(of: name))))
    }

    /// Writes a file as another program would: not the program under test.
    package func write(_ text: String, to name: String, permissions: Int = 0o600) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path(of: name)))
        try setPermissions(permissions, of: name)
    }

    package func setPermissions(_ permissions: Int, of name: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: permissions], ofItemAtPath: path(of: name))
    }

    /// The permission bits of a file in it, or of itself.
    package func permissions(of name: String = "") throws -> Int? {
        let attributes = try FileManager.default.attributesOfItem(atPath: name.isEmpty ? path : path(of: name))
        return (attributes[.posixPermissions] as? NSNumber)?.intValue
    }

    package func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path(of: name)) }

    /// Makes `name` a symbolic link to `target`, both in this directory.
    package func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: path(of: name), withDestinationPath: path(of: target))
    }

    package func rename(_ name: String, to other: String) throws {
        try FileManager.default.moveItem(atPath: path(of: name), toPath: path(of: other))
    }
}
