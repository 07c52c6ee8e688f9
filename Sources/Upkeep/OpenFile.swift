import Crypto
import Primitives

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A file of a backup, held open: reads and writes that finish or throw, and what makes them durable.
final class OpenFile {
    /// Why a call of the system failed.
    struct Failure: Error {
        let path: String
        let reason: String
    }

    /// Bytes moved at once.
    static let chunkBytes = 1 << 20

    let path: String
    private let descriptor: Int32

    private init(path: String, flags: Int32) throws(Failure) {
        descriptor = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0o600)
        self.path = path
        guard descriptor >= 0 else { throw Failure(path: path, reason: String(cString: strerror(errno))) }
    }

    deinit { close(descriptor) }

    /// A file that exists, to read.
    static func reading(_ path: String) throws(Failure) -> OpenFile { try OpenFile(path: path, flags: O_RDONLY) }

    /// A new file for its owner only, to write.
    static func creating(_ path: String) throws(Failure) -> OpenFile {
        try OpenFile(path: path, flags: O_RDWR | O_CREAT | O_EXCL)
    }

    /// Bytes from the beginning to the end.
    func size() throws(Failure) -> Int64 {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure() }
        return Int64(status.st_size)
    }

    /// Up to `count` bytes at `offset`; fewer at the end only.
    func bytes(at offset: Int64, count: Int) throws(Failure) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let read = buffer.withUnsafeMutableBytes { rest in
                pread(descriptor, rest.baseAddress.map { $0 + filled }, count - filled, off_t(offset) + off_t(filled))
            }
            guard read >= 0 else { throw failure() }
            guard read > 0 else { break }
            filled += read
        }
        return Array(buffer[..<filled])
    }

    /// Appends.
    func write(_ bytes: [UInt8]) throws(Failure) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { rest in
                Glibc.write(descriptor, rest.baseAddress.map { $0 + written }, bytes.count - written)
            }
            guard count > 0 else { throw failure() }
            written += count
        }
    }

    /// Hands over the bytes of a range, chunk by chunk. False when the file ends before.
    func forEachChunk(
        from offset: Int64, bytes count: Int64, _ body: ([UInt8]) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        var done: Int64 = 0
        while done < count {
            let chunk = try bytes(at: offset + done, count: Int(min(count - done, Int64(Self.chunkBytes))))
            guard !chunk.isEmpty else { return false }
            try body(chunk)
            done += Int64(chunk.count)
        }
        return true
    }

    /// SHA-256 of a range, in lower-case hexadecimal.
    func sha256(from offset: Int64 = 0, bytes count: Int64) throws(Failure) -> String {
        var hash = SHA256()
        _ = try forEachChunk(from: offset, bytes: count) { hash.update(data: $0) }
        return Hexadecimal.encode(hash.finalize())
    }

    /// Makes what was written durable.
    func synchronize() throws(Failure) {
        guard fsync(descriptor) == 0 else { throw failure() }
    }

    private func failure() -> Failure { Failure(path: path, reason: String(cString: strerror(errno))) }
}

/// Names in folders: what POSIX says is atomic, and what makes it durable.
package enum Names {
    /// Removes a file; nothing happens without one.
    package static func remove(_ path: String) { unlink(path) }

    /// Whether anything has this name.
    package static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Gives the file at `path` its final name, unless that is taken: false then.
    static func link(_ path: String, as name: String) throws(OpenFile.Failure) -> Bool {
        if Glibc.link(path, name) == 0 { return true }
        if errno == EEXIST { return false }
        throw OpenFile.Failure(path: name, reason: String(cString: strerror(errno)))
    }

    /// Makes a folder for its owner only, unless there is one.
    static func makeFolder(_ path: String) throws(OpenFile.Failure) {
        guard mkdir(path, 0o700) != 0, errno != EEXIST else { return }
        throw OpenFile.Failure(path: path, reason: String(cString: strerror(errno)))
    }

    /// Makes names made or removed in the folder of `path` durable. A folder that cannot be synchronized on this file
    /// system is left to the system.
    package static func synchronizeFolder(of path: String) {
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}
