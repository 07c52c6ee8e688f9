import Customers
import Database
import Journal
import Primitives
import Secrets

/// Keys of other systems, beside those of ours.
extension LicenseStore {
    /// Issues a license under a key of another system. Throws `LicensingRefusal.customerUnknown`, `.customerClosed`.
    func issue(
        _ new: NewLicense, importedKey key: ImportedKey, customers: CustomerStore, by provenance: Provenance,
        in transaction: WriteTransaction
    ) throws -> License {
        try issue(new, last4: key.last4, customers: customers, by: provenance, in: transaction) {
            try insert(key, of: $0.id, at: provenance.at, in: transaction)
        }
    }

    /// Gives a license a further key of another system, as one new version of it with its event.
    func add(
        _ key: ImportedKey, to license: License, by provenance: Provenance, in transaction: WriteTransaction
    ) throws -> License {
        try insert(key, of: license.id, at: provenance.at, in: transaction)
        let changed = license.changed(used: license.used)
        try transaction.execute("UPDATE licenses SET version = ? WHERE id = ?", changed.version, changed.id)
        let event = Event(
            Event.Kind("license.key_imported"), subject: changed.id.description, subjectVersion: changed.version
        ) { $0.member("last4", key.last4) }
        try journal.append(event, by: provenance, in: transaction)
        return changed
    }

    /// The license that one of the hashes of a key belongs to, also when that key was revoked.
    func holder(ofKeyHash hash: KeyedHash, in transaction: ReadTransaction) throws -> LicenseID? {
        try transaction.first("SELECT license_id FROM license_keys WHERE key_hash = ?", hash.bytes) { $0.randomID(0) }
    }

    /// Whether any license has a key of another system.
    func hasImportedKeys(in transaction: ReadTransaction) throws -> Bool {
        let found = try transaction.first(
            "SELECT 1 FROM license_keys WHERE kind = 'imported' AND revoked_at IS NULL LIMIT 1"
        ) { _ in true }
        return found ?? false
    }

    private func insert(
        _ key: ImportedKey, of license: LicenseID, at now: Timestamp, in transaction: WriteTransaction
    ) throws {
        let hash = hashes.hash(of: key).bytes
        let sealed = secrets.dataKey.seal([UInt8](key.text.utf8), context: Self.sealingContext(of: hash))
        try transaction.execute(
            """
            INSERT INTO license_keys (key_hash, pepper_id, license_id, kind, encrypted, last4, created_at)
            VALUES (?, ?, ?, 'imported', ?, ?, ?)
            """,
            hash, hashes.pepperID, license, sealed, key.last4, now.wholeSeconds)
    }
}
