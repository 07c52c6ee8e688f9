import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The directory of one installation: the token, what is remembered, the learned key set and the list of revoked
/// licenses, each a file of its own that is replaced whole or not at all and that only its owner reads.
///
/// Nothing in it is trusted: tokens, sets and lists are verified each time they are read.
struct LicenseCache: Sendable {
    /// The files.
    enum Name: String, CaseIterable {
        case token = "token"
        case memory = "state.json"
        case keySet = "keys"
        case revocations = "revocations"

        /// Bytes of the longest that is read; a longer one counts as unreadable.
        var bytesMax: Int { self == .revocations ? 4 << 20 : CheckLimits.answerBytesMax }
    }

    /// What reading a file gave.
    enum Contents: Equatable, Sendable {
        case absent
        case unreadable
        case text(String)

        var text: String? { if case .text(let text) = self { text } else { nil } }
    }

    /// From one try for the lock to the next.
    private static let lockInterval: Duration = .milliseconds(5)

    let directory: String

    /// Without a final slash.
    init(directory: String) {
        let trimmed = String(directory.reversed().drop { $0 == "/" }.reversed())
        self.directory = trimmed.isEmpty ? directory : trimmed
    }

    func path(of name: Name) -> String { "\(directory)/\(name.rawValue)" }

    /// Whether files could be replaced, or the directory be made.
    var isWritable: Bool {
        let isThere = access(directory, F_OK) == 0
        let place = isThere ? directory : (directory as NSString).deletingLastPathComponent.orHere
        var facts = stat()
        return stat(place, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR && access(place, W_OK) == 0
    }

    /// The text of a file. Text that is not UTF-8 is read with replacement characters, which no reader of it takes.
    func read(_ name: Name) -> Contents {
        let descriptor = open(path(of: name), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return errno == ENOENT || errno == ENOTDIR ? .absent : .unreadable }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_size <= name.bytesMax
        else { return .unreadable }
        var bytes = [UInt8](repeating: 0, count: Int(facts.st_size))
        var count = 0
        while count < bytes.count {
            let got = bytes[count...].withUnsafeMutableBytes { systemRead(descriptor, $0) }
            guard got > 0 else { return .unreadable }
            count += got
        }
        return .text(String(decoding: bytes, as: UTF8.self))
    }

    /// Replaces a file whole or not at all. False if it could not be written to the disk.
    func replace(_ name: Name, with text: String) -> Bool {
        let temporary = path(of: name) + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return false }
        let isWritten =
            fchmod(descriptor, 0o600) == 0 && write(Array(text.utf8), to: descriptor)
            && fsync(descriptor) == 0
        return close(descriptor) == 0 && isWritten && rename(temporary, path(of: name)) == 0
    }

    /// Removes a file if it is there.
    func remove(_ name: Name) { unlink(path(of: name)) }

    private func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var count = 0
        while count < bytes.count {
            let put = bytes[count...].withUnsafeBytes { systemWrite(descriptor, $0) }
            guard put > 0 else { return false }
            count += put
        }
        return true
    }
}

// MARK: - One process at a time

extension LicenseCache {
    /// What `work` gives, run while no other process or task has the lock. Nil if the lock could not be had before
    /// `deadline`: another process holds it, or the directory cannot be written.
    func locked<Value: Sendable>(
        before deadline: ContinuousClock.Instant, _ work: () -> Value
    ) async -> Value? {
        guard makeDirectory() else { return nil }
        let descriptor = open("\(directory)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return nil }
        // Closing gives the lock back; the kernel does when the process ends.
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR, ContinuousClock.now < deadline else { return nil }
            // A canceled task does not wait any longer, and has not got the lock.
            do { try await Task.sleep(for: Self.lockInterval) } catch { return nil }
        }
        return work()
    }

    private func makeDirectory() -> Bool {
        if access(directory, F_OK) == 0 { return true }
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            return access(directory, F_OK) == 0
        }
        return true
    }
}

// Under names that the methods above do not hide.
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawBufferPointer) -> Int {
    read(descriptor, bytes.baseAddress, bytes.count)
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}

extension String {
    /// The directory of a path without one.
    fileprivate var orHere: String { isEmpty ? "." : self }
}
