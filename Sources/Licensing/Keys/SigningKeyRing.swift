package import Database
package import Journal
package import LicenseToken
import Primitives
package import Secrets
import Synchronization

/// The installation's signing keys: one signs, all published ones verify. Private halves are files in `Keys/`,
/// records are rows, and each must match the other (DESIGN D6).
package final class SigningKeyRing: Sendable {
    /// What requests see; replaced whole when a key is added.
    private struct Snapshot: Sendable {
        let signer: LicenseTokenSigner
        let document: [UInt8]
        let documentTag: String
    }

    /// Two from the first start: the one that signs and the one that will.
    private static let keysAtStart = 2
    private static let filePrefix = "signing-"

    private let directory: SecretsDirectory
    private let database: Database
    private let store: SigningKeyStore
    private let snapshot: Mutex<Snapshot>

    private init(
        directory: SecretsDirectory, database: Database, store: SigningKeyStore, snapshot: Snapshot
    ) {
        self.directory = directory
        self.database = database
        self.store = store
        self.snapshot = Mutex(snapshot)
    }

    /// Opens the ring of `database`; beside a new one the first two keys are made, after those already in the
    /// directory. Throws `SecretsError` naming the file of a published key that is missing or wrong.
    package static func open(
        secrets: Secrets, database: Database, journal: Journal, by provenance: Provenance
    ) async throws -> SigningKeyRing {
        let store = SigningKeyStore(journal: journal)
        if try await database.read(store.all).isEmpty {
            let keys = try firstKeys(in: secrets.directory)
            try await database.write { transaction in
                for (position, key) in keys.enumerated() {
                    let state: SigningKeyRecord.State = position == 0 ? .current : .next
                    try store.insert(key, state: state, by: provenance, in: transaction)
                }
            }
        }
        let records = try await database.read(store.all)
        return SigningKeyRing(
            directory: secrets.directory, database: database, store: store,
            snapshot: try snapshot(of: records, in: secrets.directory))
    }

    /// Signs new tokens.
    package var signer: LicenseTokenSigner { snapshot.withLock { $0.signer } }

    /// The JSON Web Key Set of all published keys (RFC 7517).
    package var document: [UInt8] { snapshot.withLock { $0.document } }

    /// An entity tag (RFC 9110 §8.8.3) that changes with `document`.
    package var documentTag: String { snapshot.withLock { $0.documentTag } }

    /// All keys, the one that signs first.
    package func records() async throws -> [SigningKeyRecord] { try await database.read(store.all) }

    /// Makes a further key and publishes it as one that will sign. With `dryRun` no file is made and nothing changes.
    package func generate(dryRun: Bool, by provenance: Provenance) async throws -> SigningKeyRecord {
        let key = SigningKey()
        // The file first: a file without a row is harmless, a row without its file stops the next start.
        if !dryRun { try directory.create(Self.fileName(of: key.keyID), key.seed) }
        let store = store
        let records = try await database.write(dryRun: dryRun) { transaction in
            try store.insert(key, state: .next, by: provenance, in: transaction)
            return try store.all(in: transaction.reading)
        }
        if !dryRun {
            let fresh = try Self.snapshot(of: records, in: directory)
            snapshot.withLock { $0 = fresh }
        }
        guard let record = records.first(where: { $0.keyID == key.keyID }) else {
            throw DatabaseError.statement(detail: "a signing key just inserted is not there")
        }
        return record
    }

    private static func fileName(of keyID: String) -> String { filePrefix + keyID }

    private static func firstKeys(in directory: SecretsDirectory) throws -> [SigningKey] {
        var keys = try directory.names(prefix: filePrefix)
            .filter { !$0.hasSuffix(".new") }
            .map { try key(in: $0, of: directory) }
        while keys.count < keysAtStart {
            let key = SigningKey()
            try directory.create(fileName(of: key.keyID), key.seed)
            keys.append(key)
        }
        return keys
    }

    private static func snapshot(
        of records: [SigningKeyRecord], in directory: SecretsDirectory
    ) throws -> Snapshot {
        let published = records.filter(\.isPublished)
        let keys = try published.map { record in
            let key = try key(in: fileName(of: record.keyID), of: directory)
            guard key.publicKey == record.publicKey else {
                throw SecretsError.wrong(path: directory.path(of: fileName(of: record.keyID)))
            }
            return key
        }
        guard published.first?.state == .current, let current = keys.first else {
            throw DatabaseError.corrupt(detail: "no signing key is current")
        }
        return Snapshot(
            signer: LicenseTokenSigner(key: current), document: JSONWebKeySet.encode(keys.map(\.publicRecord)),
            documentTag: "\"\(keys.map(\.keyID).joined(separator: "."))\"")
    }

    private static func key(in file: String, of directory: SecretsDirectory) throws -> SigningKey {
        guard let seed = try directory.read(file) else {
            throw SecretsError.missing(path: directory.path(of: file))
        }
        return try SigningKey(seed: seed)
    }
}
