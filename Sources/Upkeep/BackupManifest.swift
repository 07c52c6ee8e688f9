package import Primitives

/// What a backup says about itself in `manifest.json`, readable without the passphrase.
package struct BackupManifest: Sendable, Equatable {
    /// A file in the backup.
    package struct Part: Sendable, Equatable {
        package let name: String
        package let bytes: Int64
        /// Lower-case hexadecimal.
        package let sha256: String
    }

    /// Rows of one table.
    package struct Count: Sendable, Equatable {
        package let table: String
        package let rows: Int64
    }

    static let format = "signet-backup"
    /// The layout that this program writes and reads.
    static let version: Int64 = 1
    /// Bytes of a manifest.
    static let bytesMax: Int64 = 1 << 20

    package let createdAt: String
    /// The latest step of the schema.
    package let schemaVersion: Int64
    package let feedEpoch: Int64
    /// The journal's last seal as an anchor; nil before the first.
    package let chainHead: String?
    package let counts: [Count]
    /// Names of the sealed secrets.
    package let secrets: [String]
    package let database: Part
    package let sealedSecrets: Part

    /// The members of the document.
    package func write(to json: inout JSONWriter) {
        json.member("format", Self.format)
        json.member("format_version", Self.version)
        json.member("created_at", createdAt)
        json.member("schema_version", schemaVersion)
        json.member("feed_epoch", feedEpoch)
        json.member("chain_head", chainHead)
        json.member("counts", objects: counts) { count, json in
            json.member("table", count.table)
            json.member("rows", count.rows)
        }
        json.member("secrets", secrets)
        json.member("parts", objects: [database, sealedSecrets]) { part, json in
            json.member("name", part.name)
            json.member("bytes", part.bytes)
            json.member("sha256", part.sha256)
        }
    }
}

extension BackupManifest {
    /// Reads `manifest.json`. Throws `BackupFailure.malformed`, `.newerFormat`.
    init(_ bytes: [UInt8]) throws(BackupFailure) {
        guard let object = try? JSONReader.read(bytes).objectValue,  // any failure means the same: no manifest
            object["format"]?.stringValue == Self.format, let version = object["format_version"]?.integerValue
        else { throw .malformed(reason: "manifest.json is not that of a backup") }
        guard version <= Self.version else { throw .newerFormat(version) }
        let parts = (object["parts"]?.arrayValue ?? []).compactMap(Part.init)
        guard let createdAt = object["created_at"]?.stringValue,
            let schemaVersion = object["schema_version"]?.integerValue,
            let feedEpoch = object["feed_epoch"]?.integerValue,
            let database = parts.first(where: { $0.name == BackupArchive.databaseName }),
            let secrets = parts.first(where: { $0.name == BackupArchive.secretsName })
        else { throw .malformed(reason: "manifest.json lacks members") }
        self.init(
            createdAt: createdAt, schemaVersion: schemaVersion, feedEpoch: feedEpoch,
            chainHead: object["chain_head"]?.stringValue,
            counts: (object["counts"]?.arrayValue ?? []).compactMap(Count.init),
            secrets: (object["secrets"]?.arrayValue ?? []).compactMap(\.stringValue), database: database,
            sealedSecrets: secrets)
    }
}

extension BackupManifest.Part {
    fileprivate init?(_ value: JSONValue) {
        guard let object = value.objectValue, let name = object["name"]?.stringValue,
            let bytes = object["bytes"]?.integerValue, let sha256 = object["sha256"]?.stringValue
        else { return nil }
        self.init(name: name, bytes: bytes, sha256: sha256)
    }
}

extension BackupManifest.Count {
    fileprivate init?(_ value: JSONValue) {
        guard let object = value.objectValue, let table = object["table"]?.stringValue,
            let rows = object["rows"]?.integerValue
        else { return nil }
        self.init(table: table, rows: rows)
    }
}
