import LicenseToken
import Secrets
import Synchronization

/// The private halves of signing keys: files `signing-KEY` in the directory of secrets. A key's id follows from the
/// key, so a file needs no record to be known as the right one.
final class SigningKeyFiles: Sendable {
    private static let prefix = "signing-"

    /// What was found in a file as it was then; opening a sealed one takes a good part of a second.
    private struct Found: Sendable {
        let stamp: FileStamp
        /// Nil when it does not open, or holds another key than its name says.
        let key: SigningKey?
    }

    private let directory: SecretsDirectory
    private let found = Mutex<[String: Found]>([:])

    init(_ directory: SecretsDirectory) { self.directory = directory }

    private static func name(of keyID: String) -> String { prefix + keyID }

    /// The key of `record`. Throws `SecretsError`, `missing` without its file.
    func key(of record: SigningKeyRecord) throws -> SigningKey {
        let name = Self.name(of: record.keyID)
        let key = try read(name)
        guard key.publicKey == record.publicKey else { throw SecretsError.wrong(path: directory.path(of: name)) }
        return key
    }

    private func read(_ name: String) throws -> SigningKey {
        guard let seed = try directory.read(name) else {
            throw SecretsError.missing(path: directory.path(of: name))
        }
        return try SigningKey(seed: seed)
    }

    private func names() throws -> [String] {
        try directory.names(prefix: Self.prefix).filter { !$0.hasSuffix(".new") }
    }

    /// All keys whose files are there and open, by name. Reads only files that changed since the last time.
    func present() throws -> [SigningKey] {
        let before = found.withLock { $0 }
        var now: [String: Found] = [:]
        for name in try names() {
            guard let stamp = try directory.stamp(of: name) else { continue }
            now[name] = before[name].flatMap { $0.stamp == stamp ? $0 : nil } ?? Found(stamp: stamp, key: opened(name))
        }
        let seen = now
        found.withLock { $0 = seen }
        return seen.sorted { $0.key < $1.key }.compactMap(\.value.key)
    }

    private func opened(_ name: String) -> SigningKey? {
        // A file that does not open is held as little as one that is not there.
        guard let key = try? read(name), Self.name(of: key.keyID) == name else { return nil }
        return key
    }

    /// Those already there, and as many new ones as are missing to `count`.
    func first(_ count: Int) throws -> [SigningKey] {
        var keys = try names().map(read)
        while keys.count < count {
            let key = SigningKey()
            try create(key)
            keys.append(key)
        }
        return keys
    }

    func create(_ key: SigningKey) throws {
        try directory.create(Self.name(of: key.keyID), key.seed, sealed: directory.canSeal)
    }

    func destroy(_ keyID: String) throws { try directory.destroy(Self.name(of: keyID)) }

    /// Seals the files of `keyIDs`, or writes them in the open. The ids of those that were in the other form. Throws
    /// `SigningKeyRefusal.noPassphrase`, `SecretsError`.
    func rewrite(_ keyIDs: [String], sealed: Bool, dryRun: Bool) throws -> [String] {
        guard directory.canSeal else { throw SigningKeyRefusal.noPassphrase }
        var rewritten: [String] = []
        for keyID in keyIDs {
            let name = Self.name(of: keyID)
            guard let secret = try directory.read(name), try directory.isSealed(name) != sealed else { continue }
            if !dryRun { try directory.rewrite(name, secret, sealed: sealed) }
            rewritten.append(keyID)
        }
        return rewritten
    }
}
