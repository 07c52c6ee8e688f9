import Database
import Journal
import Primitives
import Secrets

/// Why the keys of a license stay as they are.
package enum LicenseKeyRefusal: Error, Equatable {
    /// A revoked license has no use for a key.
    case licenseRevoked
    /// The license has so many keys of ours that open it.
    case tooManyKeys(max: Int)
}

/// A license whose key was replaced.
package struct RekeyedLicense: Sendable {
    package let record: LicenseRecord
    /// The new one.
    package let key: LicenseKey
    /// All keys, the new one among them.
    package let keys: [LicenseKeyRecord]
    let changes: [IndexChange]
}

/// The keys of licenses in the database: what there are, when they end, and what they are.
struct LicenseKeyStore: Sendable {
    /// Keys of ours that may open one license at a time.
    static let liveKeysMax = 32
    /// Keys of one license that are listed: the newest.
    static let listMax = 100

    let journal: Journal
    let hashes: KeyedHashes
    let secrets: Secrets
    let licenses: LicenseStore

    /// The key under `hash`, unless it was revoked.
    func key(_ hash: KeyedHash, in transaction: ReadTransaction) throws -> LicenseKeyRecord? {
        try transaction.first(
            "SELECT \(Self.columns) FROM license_keys WHERE key_hash = ? AND revoked_at IS NULL", hash.bytes,
            as: Self.record)
    }

    /// The keys of a license, those that last longest first.
    func keys(of id: LicenseID, in transaction: ReadTransaction) throws -> [LicenseKeyRecord] {
        try transaction.all(
            """
            SELECT \(Self.columns) FROM license_keys WHERE license_id = ? AND revoked_at IS NULL
            ORDER BY valid_until IS NOT NULL, valid_until DESC, created_at DESC, key_hash LIMIT ?
            """, id, Self.listMax, as: Self.record)
    }

    /// Gives a license `key` and ends its keys `replaced`, where they do not end sooner. Throws
    /// `LicensingRefusal.licenseUnknown`, `LicenseKeyRefusal`.
    func rekey(
        _ id: LicenseID, to key: LicenseKey, replacing replaced: [KeyedHash], overlap: KeyOverlap,
        by provenance: Provenance, in transaction: WriteTransaction
    ) throws -> RekeyedLicense {
        guard let before = try licenses.find(id, in: transaction.reading) else { throw LicensingRefusal.licenseUnknown }
        let (license, now) = (before.license, provenance.at)
        guard license.state != .revoked else { throw LicenseKeyRefusal.licenseRevoked }
        guard try countLive(of: id, at: now, in: transaction.reading) < Self.liveKeysMax else {
            throw LicenseKeyRefusal.tooManyKeys(max: Self.liveKeysMax)
        }
        let end = overlap.end(from: now)
        let ended = try replaced.filter { try self.end($0, at: end, in: transaction) }
            .compactMap { try self.key($0, in: transaction.reading) }
        try licenses.insert(key, of: license, at: now, in: transaction)
        try journal.append(
            Self.rekeyed(license, key, ended: ended, at: end, overlap), by: provenance, in: transaction)
        return RekeyedLicense(
            record: LicenseRecord(license: license, productCode: before.productCode, last4: key.last4), key: key,
            keys: try keys(of: id, in: transaction.reading),
            changes: [.key(hashes.hash(of: key), id)] + ended.map { .keyEnds($0.hash, end) })
    }

    /// All that open the license at the time of `provenance`, told again; the journal says to whom. Throws
    /// `LicensingRefusal.licenseUnknown`.
    func reveal(
        _ id: LicenseID, by provenance: Provenance, in transaction: WriteTransaction
    ) throws -> [RevealedKey] {
        guard let license = try licenses.current(id, in: transaction.reading) else {
            throw LicensingRefusal.licenseUnknown
        }
        let prefix = try licenses.keyPrefix(of: id, in: transaction.reading)
        let revealed = try keys(of: id, in: transaction.reading)
            .filter { $0.state(at: provenance.at) != .ended }
            .map { RevealedKey(record: $0, text: try text(of: $0, prefix, in: transaction.reading)) }
        try journal.append(Self.revealed(license, revealed.map(\.record)), by: provenance, in: transaction)
        return revealed
    }

    /// The key itself, from its sealed copy. Throws `DatabaseError.corrupt` when that does not open.
    private func text(
        of key: LicenseKeyRecord, _ prefix: String?, in transaction: ReadTransaction
    ) throws -> String {
        let sealed = try transaction.first("SELECT encrypted FROM license_keys WHERE key_hash = ?", key.hash.bytes) {
            $0.blob(0)
        }
        let context = LicenseStore.sealingContext(of: key.hash.bytes)
        guard let bytes = sealed.flatMap({ secrets.dataKey.open($0, context: context) }) else {
            throw DatabaseError.corrupt(detail: "the sealed copy of a license key does not open")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        return key.kind == .native ? LicenseKey(typed: text)?.prefixed(prefix).text ?? text : text
    }

    /// Whether the key ends at `end` now, and did not before.
    private func end(_ key: KeyedHash, at end: Timestamp, in transaction: WriteTransaction) throws -> Bool {
        try transaction.execute(
            """
            UPDATE license_keys SET valid_until = ?
            WHERE key_hash = ? AND revoked_at IS NULL AND (valid_until IS NULL OR valid_until > ?)
            """, end, key.bytes, end) == 1
    }

    private func countLive(of id: LicenseID, at now: Timestamp, in transaction: ReadTransaction) throws -> Int64 {
        try transaction.count(
            """
            SELECT count(*) FROM license_keys WHERE license_id = ? AND kind = 'native' AND revoked_at IS NULL
            AND (valid_until IS NULL OR valid_until > ?)
            """, arguments: [id.sqlValue, now.sqlValue])
    }
}

// MARK: - Rows and events

extension LicenseKeyStore {
    private static let columns = "key_hash, license_id, kind, last4, created_at, valid_until"

    private static func record(_ row: any SQLRow) throws -> LicenseKeyRecord {
        guard let kind = LicenseKeyRecord.Kind(rawValue: row.text(2)) else {
            throw DatabaseError.corrupt(detail: "kind of key \(row.text(2))")
        }
        return LicenseKeyRecord(
            hash: KeyedHash(bytes: row.blob(0)), license: row.randomID(1), kind: kind, last4: row.text(3),
            createdAt: row.timestamp(4), validUntil: row.optionalTimestamp(5))
    }

    private static func rekeyed(
        _ license: License, _ key: LicenseKey, ended: [LicenseKeyRecord], at end: Timestamp, _ overlap: KeyOverlap
    ) -> Event {
        event("license.rekeyed", license) { facts in
            facts.member("last4", key.last4)
            facts.member("replaced", objects: ended) { key, json in
                json.member("last4", key.last4)
                json.member("kind", key.kind.rawValue)
            }
            facts.member("overlap_seconds", overlap.seconds)
            facts.member("valid_until", end.description)
        }
    }

    private static func revealed(_ license: License, _ keys: [LicenseKeyRecord]) -> Event {
        event("license.key_revealed", license) { facts in
            facts.member("keys", objects: keys) { key, json in
                json.member("last4", key.last4)
                json.member("kind", key.kind.rawValue)
            }
        }
    }

    /// Keys are no part of what a license allows: its version, and the tokens made under it, stay.
    private static func event(
        _ kind: String, _ license: License, _ facts: @escaping @Sendable (inout JSONWriter) -> Void
    ) -> Event {
        Event(
            Event.Kind(kind), subject: license.id.description, subjectVersion: license.version, facts: facts)
    }
}
