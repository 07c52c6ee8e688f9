import Primitives
package import Secrets

/// The files of `Keys/` that a database needs, byte for byte.
package struct SecretFiles: Sendable, Equatable {
    /// One of them.
    package struct File: Sendable, Equatable {
        package let name: String
        package let content: [UInt8]
    }

    /// What the names begin with. The root that signs key sets is kept off the server, and so out of its backups.
    private static let prefixes = ["data-", "pepper-", "signing-"]
    /// Bytes of one file: a secret is a line.
    private static let fileBytesMax = 64 << 10

    /// In the order of their names.
    package let files: [File]

    /// Reads them. Throws `SecretsError`, `BackupFailure.unreadable`.
    package init(in directory: SecretsDirectory) throws {
        files = try Self.names(in: directory).map { name in
            File(name: name, content: try Self.content(of: directory.path(of: name)))
        }
    }

    /// Names of the secrets in `directory`, in order. Throws `SecretsError`.
    package static func names(in directory: SecretsDirectory) throws -> [String] {
        try prefixes.flatMap { try directory.names(prefix: $0) }.filter { isName($0) }.sorted()
    }

    private static func content(of path: String) throws -> [UInt8] {
        do {
            return try OpenFile.reading(path).bytes(at: 0, count: fileBytesMax)
        } catch {
            throw BackupFailure.unreadable(path: error.path, reason: error.reason)
        }
    }

    /// Whether a secret may have this name; one that is still being written has another.
    private static func isName(_ name: String) -> Bool {
        prefixes.contains { name.hasPrefix($0) } && !name.hasSuffix(".new")
            && name.utf8.allSatisfy { byte in
                UnicodeScalar(byte).properties.isAlphabetic && byte < 0x80
                    || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
                    || [UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ".")].contains(byte)
            }
    }
}

extension SecretFiles {
    /// What is sealed in a backup: the files, and the check sum of the database that they belong to.
    func sealedContent(databaseSHA256: String) -> [UInt8] {
        JSONWriter.object { json in
            json.member("database_sha256", databaseSHA256)
            json.member("files", objects: files) { file, json in
                json.member("name", file.name)
                json.member("content", Base64URL.encode(file.content))
            }
        }
    }

    /// Reads what `sealedContent` wrote. Throws `BackupFailure.malformed`, `.databaseSwapped`.
    init(sealedContent: [UInt8], databaseSHA256: String) throws(BackupFailure) {
        guard let object = try? JSONReader.read(sealedContent).objectValue,  // any failure means the same
            let entries = object["files"]?.arrayValue
        else { throw .malformed(reason: "its sealed part is none of ours") }
        guard object["database_sha256"]?.stringValue == databaseSHA256 else { throw .databaseSwapped }
        files = entries.compactMap { entry in
            guard let file = entry.objectValue, let name = file["name"]?.stringValue, Self.isName(name),
                let content = file["content"]?.stringValue.flatMap(Base64URL.decode)
            else { return nil }
            return File(name: name, content: content)
        }
        guard files.count == entries.count else { throw .malformed(reason: "a sealed secret has no proper name") }
    }
}

// MARK: - Putting them back

extension SecretFiles {
    /// Refuses a folder that holds another secret than these. One that holds some of them, as after a restore that was
    /// cut short, or where only the database was lost, is as good as an empty one. Throws `BackupFailure`.
    package func checkTarget(_ directory: SecretsDirectory) throws {
        let present = try SecretFiles(in: directory).files
        guard let other = present.first(where: { !files.contains($0) }) else { return }
        throw BackupFailure.targetNotEmpty(path: directory.path, found: other.name)
    }

    /// Writes those that are missing, each durable before the next; the names written. Throws
    /// `BackupFailure.outputUnwritable`.
    package func write(to directory: SecretsDirectory) throws(BackupFailure) -> [String] {
        do {
            try Names.makeFolder(directory.path)
            var written: [String] = []
            for file in files where try Self.create(file, at: directory.path(of: file.name)) {
                written.append(file.name)
            }
            Names.synchronizeFolder(of: directory.path(of: "."))
            return written
        } catch {
            throw .outputUnwritable(path: error.path, reason: error.reason)
        }
    }

    private static func create(_ file: File, at path: String) throws(OpenFile.Failure) -> Bool {
        let temporary = path + ".new"
        Names.remove(temporary)
        let new = try OpenFile.creating(temporary)
        defer { Names.remove(temporary) }
        try new.write(file.content)
        try new.synchronize()
        return try Names.link(temporary, as: path)
    }
}
