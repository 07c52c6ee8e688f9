import Database
import Primitives
import Secrets

/// All that memory holds of one license, as one view of the database has it.
struct LicenseRows: Sendable {
    let facts: LicenseFacts
    var keys: [(hash: KeyedHash, end: Timestamp?)] = []
    var places: [(hash: KeyedHash, facts: PlaceFacts)] = []
}

/// Reads licenses again, many in one statement.
struct LicenseReader: Sendable {
    /// Licenses in one statement; fewer are filled up, so that one text is prepared.
    static let licensesAtOnce = 64

    let licenses: LicenseStore
    let seats: SeatStore

    /// The rows of those of `ids` that exist. `policy` says where a policy is: see
    /// ``LicenseIndex/policyID(of:choosing:)``.
    func rows(
        of ids: [LicenseID], in transaction: ReadTransaction, policy: (ProductID, PolicySettings) -> PolicyID
    ) throws -> [LicenseRows] {
        var rows: [LicenseID: LicenseRows] = [:]
        for part in Self.parts(of: ids) { try read(part, into: &rows, in: transaction, policy: policy) }
        return Array(rows.values)
    }

    /// The places that the licenses have lost since transaction `position`.
    func removed(
        from ids: [LicenseID], since position: TransactionID, in transaction: ReadTransaction
    ) throws -> [IndexChange] {
        try Self.parts(of: ids).flatMap { try RemovedPlaces.noted(of: $0, from: position, in: transaction) }
    }

    private static func parts(of ids: [LicenseID]) -> [[SQLValue]] {
        stride(from: 0, to: ids.count, by: licensesAtOnce).map { start in
            let part = ids[start..<min(start + licensesAtOnce, ids.count)].map(\.sqlValue)
            return part + repeatElement(part[0], count: licensesAtOnce - part.count)
        }
    }

    private func read(
        _ ids: [SQLValue], into rows: inout [LicenseID: LicenseRows], in transaction: ReadTransaction,
        policy: (ProductID, PolicySettings) -> PolicyID
    ) throws {
        try licenses.forEachFacts(of: ids, in: transaction, policy: policy) { rows[$0.id] = LicenseRows(facts: $0) }
        try transaction.each(
            """
            SELECT license_id, key_hash, valid_until FROM license_keys
            WHERE license_id IN (\(ids.placeholders)) AND revoked_at IS NULL
            """, arguments: ids
        ) { rows[$0.randomID(0)]?.keys.append(($0.keyedHash(1), $0.optionalTimestamp(2))) }
        var places: [(license: LicenseID, hash: KeyedHash, facts: PlaceFacts)] = []
        try seats.forEachPlace(of: ids, in: transaction) { places.append(($0, $1, $2)) }
        for place in places { rows[place.license]?.places.append((place.hash, place.facts)) }
    }
}

extension [SQLValue] {
    /// A question mark for each.
    var placeholders: String { repeatElement("?", count: count).joined(separator: ", ") }
}

extension LicenseIndex {
    /// Takes in what a view of the database has of a license, unless memory knows a later version: every change of its
    /// seats makes one, so then its places here are later ones too.
    func apply(_ rows: LicenseRows) {
        if let known = license(rows.facts.id), known.version > rows.facts.version { return }
        put(rows.facts)
        apply(
            rows.keys.flatMap { key in
                [.key(key.hash, rows.facts.id)] + (key.end.map { [.keyEnds(key.hash, $0)] } ?? [])
            })
        apply(rows.places.map { .place($0.hash, $0.facts) })
    }
}
