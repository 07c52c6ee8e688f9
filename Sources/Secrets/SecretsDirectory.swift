import Primitives

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The directory `Keys/`: one secret of 32 bytes a file, readable by its owner only, as one line: base64url, or sealed
/// under the directory's passphrase.
package struct SecretsDirectory: Sendable {
    /// Length of every secret in bytes: pepper, data key, Ed25519 seed.
    package static let secretBytes = 32
    /// Bytes of a file at most: a sealed one has about 170.
    private static let fileBytesMax = 512

    package let path: String
    /// Opens sealed files; nil when there may be none.
    private let passphrase: Passphrase?
    private let sealingCost: Argon2id.Cost

    package init(path: String, passphrase: Passphrase? = nil, sealingCost: Argon2id.Cost = .standard) {
        self.path = path
        self.passphrase = passphrase
        self.sealingCost = sealingCost
    }

    /// Whether files can be sealed here.
    package var canSeal: Bool { passphrase != nil }

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
    /// any content but one line of base64url or a box that the passphrase opens.
    package func read(_ name: String) throws(SecretsError) -> [UInt8]? {
        guard let content = try content(of: name) else { return nil }
        let path = path(of: name)
        guard content.last == UInt8(ascii: "\n"), let line = String(validating: content.dropLast(), as: UTF8.self)
        else {
            throw .malformed(path: path)
        }
        let secret = PassphraseBox.isBox(line) ? try unseal(line, name) : Base64URL.decode(line)
        guard let secret, secret.count == Self.secretBytes else { throw .malformed(path: path) }
        return secret
    }

    /// Whether file `name` is sealed; false without such a file.
    package func isSealed(_ name: String) throws(SecretsError) -> Bool {
        try content(of: name).map { PassphraseBox.isBox(String(decoding: $0, as: UTF8.self)) } ?? false
    }

    /// What of file `name` changes whenever its content does; nil without such a file.
    package func stamp(of name: String) throws(SecretsError) -> FileStamp? {
        var status = stat()
        guard lstat(path(of: name), &status) == 0 else {
            if errno == ENOENT { return nil }
            throw .unreadable(path: path(of: name), reason: Self.lastError)
        }
        return FileStamp(
            number: UInt64(status.st_ino), bytes: Int64(status.st_size), mode: UInt32(status.st_mode),
            changedAt: [Int64(status.st_ctim.tv_sec), Int64(status.st_ctim.tv_nsec)])
    }

    private func content(of name: String) throws(SecretsError) -> ArraySlice<UInt8>? {
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
        var buffer = [UInt8](repeating: 0, count: Self.fileBytesMax)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        guard count >= 0 else { throw .unreadable(path: path, reason: Self.lastError) }
        return buffer[..<count]
    }

    private func unseal(_ line: String, _ name: String) throws(SecretsError) -> [UInt8] {
        guard let passphrase else { throw .sealed(path: path(of: name)) }
        do {
            return try PassphraseBox.open(line, under: passphrase, context: Self.context(of: name))
        } catch {
            throw .notOpened(path: path(of: name), reason: error.description)
        }
    }

    /// What a box in this directory is for: a file moved over another does not open.
    private static func context(of name: String) -> String { "signet secret \(name)" }

    /// Creates file `name` with `secret`, durable when this returns. Never replaces a file. `sealed` needs a directory
    /// that `canSeal`.
    package func create(_ name: String, _ secret: [UInt8], sealed: Bool = false) throws(SecretsError) {
        try write(name, secret, sealed: sealed) { temporary, path in link(temporary, path) == 0 }
    }

    /// Replaces file `name` by another form of the same secret, durable when this returns.
    package func rewrite(_ name: String, _ secret: [UInt8], sealed: Bool) throws(SecretsError) {
        try write(name, secret, sealed: sealed) { temporary, path in rename(temporary, path) == 0 }
    }

    /// Removes file `name` for good, which may be gone already. What a disk keeps of removed files is not in our hands.
    package func destroy(_ name: String) throws(SecretsError) {
        let path = path(of: name)
        guard unlink(path) == 0 else {
            guard errno == ENOENT else { throw .unwritable(path: path, reason: Self.lastError) }
            return
        }
        try synchronizeDirectory()
    }

    private func write(
        _ name: String, _ secret: [UInt8], sealed: Bool, _ place: (String, String) -> Bool
    ) throws(SecretsError) {
        precondition(secret.count == Self.secretBytes, "a secret has 32 bytes")
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw .unwritable(path: path, reason: Self.lastError)
        }
        let path = path(of: name)
        let line = sealed ? try seal(secret, name) : Base64URL.encode(secret)
        let temporary = path + ".new"
        unlink(temporary)
        try Self.write(Array(line.utf8) + [UInt8(ascii: "\n")], to: temporary)
        defer { unlink(temporary) }
        guard place(temporary, path) else { throw .unwritable(path: path, reason: Self.lastError) }
        try synchronizeDirectory()
    }

    private func seal(_ secret: [UInt8], _ name: String) throws(SecretsError) -> String {
        guard let passphrase else { throw .sealed(path: path(of: name)) }
        do {
            return try PassphraseBox.seal(
                secret, under: passphrase, context: Self.context(of: name), cost: sealingCost)
        } catch {
            throw .unwritable(path: path(of: name), reason: error.description)
        }
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

/// Two of these that are equal are of one file that nobody changed in between.
package struct FileStamp: Sendable, Equatable {
    fileprivate let number: UInt64
    fileprivate let bytes: Int64
    fileprivate let mode: UInt32
    /// Seconds and nanoseconds.
    fileprivate let changedAt: [Int64]
}

/// Why the secrets cannot be used. Each names the file.
package enum SecretsError: Error, Equatable {
    case unreadable(path: String, reason: String)
    case readableByOthers(path: String)
    case malformed(path: String)
    case missing(path: String)
    /// The file is sealed, and no passphrase is set.
    case sealed(path: String)
    /// The passphrase does not open the file.
    case notOpened(path: String, reason: String)
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
        case .malformed(let path): "the secret \(path) is neither one line of base64url with 32 bytes nor sealed"
        case .sealed(let path):
            "the secret \(path) is sealed; name the file with its passphrase in keys-passphrase-file, or set "
                + "SIGNET_KEYS_PASSPHRASE"
        case .notOpened(let path, let reason): "cannot open the secret \(path): \(reason)"
        case .missing(let path):
            "the secret \(path) is missing; this database needs it, restore it from your backup, or "
                + "copy it from another node"
        case .wrong(let path): "the secret \(path) is not the one this database was made with"
        case .unwritable(let path, let reason): "cannot write the secret \(path): \(reason)"
        }
    }
}
