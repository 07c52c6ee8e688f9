import Database
import Secrets

/// Places that are gone, which have no row any more: what was noted of them. Each note says which seat lost the place,
/// so that it can be followed late: the seat that has it since keeps it.
enum RemovedPlaces {
    /// What transactions from `position` to before `end` took away, and how far that goes.
    static func noted(
        from position: TransactionID, before end: TransactionID, in transaction: ReadTransaction
    ) throws -> (changes: [IndexChange], end: TransactionID?) {
        let notes = try transaction.all(
            "\(select) WHERE r.xid >= ? AND r.xid < ? AND \(isStillGone)", position, end
        ) { (change: change($0), transaction: TransactionID($0.integer(2))) }
        return (notes.map(\.change), notes.map(\.transaction.next).max())
    }

    /// What transactions from `position` on took away from licenses, at most ``LicenseReader/licensesAtOnce``.
    static func noted(
        of licenses: [SQLValue], from position: TransactionID, in transaction: ReadTransaction
    ) throws -> [IndexChange] {
        try transaction.all(
            """
            \(select) JOIN activations a ON a.id = r.activation_id
            WHERE r.xid >= ? AND a.license_id IN (\(licenses.placeholders)) AND \(isStillGone)
            """, arguments: [position.sqlValue] + licenses, as: change)
    }

    private static let select = "SELECT r.place_key, r.activation_id, r.xid FROM memory_removals r"

    /// In the same view: a place that the seat has again is none that is gone.
    private static let isStillGone = """
        NOT EXISTS (SELECT 1 FROM seat_addresses s WHERE s.place_key = r.place_key
            AND s.activation_id = coalesce(r.activation_id, s.activation_id))
        """

    private static func change(_ row: any SQLRow) -> IndexChange {
        .placeGone(row.keyedHash(0), of: row.isNull(1) ? nil : row.randomID(1))
    }
}
