#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The right of one process to open the SQLite file of a data directory (DESIGN D1).
///
/// An exclusive `flock` on `signet.lock`: the kernel drops it when the process ends, however it ends, so no stale lock
/// can keep a server from starting. The file's text says who holds it.
package final class DataDirectoryLock: Sendable {
    /// Another process holds the directory. `holder` is its process id and command, as far as it could be read.
    package struct Held: Error, Equatable {
        package let path: String
        package let holder: String
    }

    private let descriptor: Int32

    /// Takes the lock at `path`, creating the file. `holder` describes this process for others' messages.
    /// Throws `Held`, or `DatabaseError.unavailable` when the file cannot be opened or written.
    package init(path: String, holder: String) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw DatabaseError.unavailable(detail: "\(path): \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let other = Self.text(of: descriptor)
            close(descriptor)
            throw Held(path: path, holder: other)
        }
        self.descriptor = descriptor
        ftruncate(descriptor, 0)
        let text = Array((holder + "\n").utf8)
        _ = pwrite(descriptor, text, text.count, 0)
    }

    deinit { close(descriptor) }

    /// Gives the directory to others; done by the kernel too when the process ends.
    package func release() {
        ftruncate(descriptor, 0)
        flock(descriptor, LOCK_UN)
    }

    private static func text(of descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return "another process" }
        return String(decoding: buffer[..<count].filter { $0 >= 0x20 }, as: UTF8.self)
    }
}
