import Primitives

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The directory `Keys/`: one secret of 32 bytes a file, readable by its owner only.
package struct SecretsDirectory: Sendable {
    /// Length of every secret in bytes: pepper, data key, Ed25519 seed.
    package static let secretBytes = 32

    package let path: String

    package init(path: String) { self.path = path }

    package func path(of name: String) -> String { path + "/" + name }

    /// Names of the files that begin with `prefix`, in order; none when there is no directory.
    package func names(prefix: String) throws(SecretsError) -> [String] {
        guard let stream = opendir(path) else {
            if errno == ENOENT { return [] }
            throw .unreadable(path: path, reason: Self.lastError)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasPrefix(prefix) { names.append(name) }
        }
        return names.sorted()
    }

    /// The secret in file `name`, or nil without such a file. Refuses a file that others than its owner may read, and
    /// any content but one line of base64url.
    package func read(_ name: String) throws(SecretsError) -> [UInt8]? {
        let path = path(of: name)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .unreadable(path: path, reason: Self.lastError)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(path: path, reason: Self.lastError) }
        guard status.st_mode & 0o077 == 0 else { throw .readableByOthers(path: path) }
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        guard count >= 0 else { throw .unreadable(path: path, reason: Self.lastError) }
        guard buffer[..<count].last == UInt8(ascii: "\n"),
            let secret = Base64URL.decode(buffer[..<(count - 1)]), secret.count == Self.secretBytes
        else { throw .malformed(path: path) }
        return secret
    }

    /// Creates file `name` with `secret`, durable when this returns. Never replaces a file.
    package func create(_ name: String, _ secret: [UInt8]) throws(SecretsError) {
        precondition(secret.count == Self.secretBytes, "a secret has 32 bytes")
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw .unwritable(path: path, reason: Self.lastError)
        }
        let path = path(of: name)
        let temporary = path + ".new"
        unlink(temporary)
        try Self.write(Base64URL.encodedBytes(secret) + [UInt8(ascii: "\n")], to: temporary)
        defer { unlink(temporary) }
        guard link(temporary, path) == 0 else { throw .unwritable(path: path, reason: Self.lastError) }
        try synchronizeDirectory()
    }

    private static func write(_ bytes: [UInt8], to path: String) throws(SecretsError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .unwritable(path: path, reason: lastError) }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
            throw .unwritable(path: path, reason: lastError)
        }
    }

    /// A new file's name is durable only once its directory is.
    private func synchronizeDirectory() throws(SecretsError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unwritable(path: path, reason: Self.lastError) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .unwritable(path: path, reason: Self.lastError) }
    }

    private static var lastError: String { String(cString: strerror(errno)) }
}

/// Why the secrets cannot be used. Each names the file.
package enum SecretsError: Error, Equatable {
    case unreadable(path: String, reason: String)
    case readableByOthers(path: String)
    case malformed(path: String)
    case missing(path: String)
    /// The file holds another secret than the one this database was made with.
    case wrong(path: String)
    case unwritable(path: String, reason: String)
}

extension SecretsError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreadable(let path, let reason): "cannot read the secret \(path): \(reason)"
        case .readableByOthers(let path):
            "the secret \(path) is readable by others than its owner; run: chmod 600 \(path)"
        case .malformed(let path): "the secret \(path) is not one line of base64url with 32 bytes"
        case .missing(let path): "the secret \(path) is missing; this database needs it, restore it from your backup"
        case .wrong(let path): "the secret \(path) is not the one this database was made with"
        case .unwritable(let path, let reason): "cannot write the secret \(path): \(reason)"
        }
    }
}
