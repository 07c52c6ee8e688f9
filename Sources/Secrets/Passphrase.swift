#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// What a person remembers, or keeps elsewhere, and what a `PassphraseBox` opens with. It shows in no description.
///
/// It comes from a file, the environment or the terminal, never from an argument, which every user of a machine can
/// read.
package struct Passphrase: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    /// Characters of a passphrase (reliability notes §3.1: at least 8, no rule on which, room for a sentence).
    package static let lengthRange = 8...256
    /// Bytes read of a file before it is taken for something else.
    private static let fileBytesMax = 4096

    let bytes: [UInt8]

    /// Why a passphrase is none.
    package enum Failure: Error, Equatable, CustomStringConvertible {
        case length
        case severalLines
        case unreadable(path: String, reason: String)
        case readableByOthers(path: String)
        case notText(path: String)

        package var description: String {
            switch self {
            case .length:
                "a passphrase has \(lengthRange.lowerBound) to \(lengthRange.upperBound) characters"
            case .severalLines: "a passphrase is one line without control characters"
            case .unreadable(let path, let reason): "cannot read the passphrase file \(path): \(reason)"
            case .readableByOthers(let path):
                "the passphrase file \(path) is readable by others than its owner; run: chmod 600 \(path)"
            case .notText(let path): "the passphrase file \(path) is no line of text"
            }
        }
    }

    /// A passphrase as it was typed. Throws `length`, `severalLines`.
    package init(_ text: String) throws(Failure) {
        guard Self.lengthRange.contains(text.count) else { throw .length }
        guard text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
            throw .severalLines
        }
        bytes = Array(text.utf8)
    }

    /// The passphrase that is the only line of a file; its line end does not count. Throws `Failure`, also for a file
    /// that others than its owner may read.
    package init(fileAt path: String) throws(Failure) {
        var content = try Self.content(of: path)
        if content.last == UInt8(ascii: "\n") { content.removeLast() }
        if content.last == UInt8(ascii: "\r") { content.removeLast() }
        guard let text = String(validating: content, as: UTF8.self) else { throw .notText(path: path) }
        try self.init(text)
    }

    private static func content(of path: String) throws(Failure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path: path, reason: lastError) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(path: path, reason: lastError) }
        // A pipe, as a shell makes for <(…), has no mode that anybody chose.
        let isFile = status.st_mode & S_IFMT == S_IFREG
        guard !isFile || status.st_mode & 0o077 == 0 else { throw .readableByOthers(path: path) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: fileBytesMax)
        while content.count <= fileBytesMax {
            let count = read(descriptor, &buffer, buffer.count)
            guard count >= 0 else { throw .unreadable(path: path, reason: lastError) }
            guard count > 0 else { return content }
            content.append(contentsOf: buffer[..<count])
        }
        throw .length
    }

    private static var lastError: String { String(cString: strerror(errno)) }

    /// As it was typed: for the way to a server, over the Unix socket only.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    package var description: String { "passphrase ***" }

    /// Without children, so that `dump` and a failed test's report show nothing.
    package var customMirror: Mirror { Mirror(self, children: [(label: String?, value: Any)]()) }
}
