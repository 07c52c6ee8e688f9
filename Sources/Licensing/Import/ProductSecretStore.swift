import Database
import Primitives
import Secrets

/// The secrets by which old clients of a product check answers, sealed under the data key.
struct ProductSecretStore: Sendable {
    private let source: ImportSource
    private let secrets: Secrets

    init(source: ImportSource, secrets: Secrets) {
        self.source = source
        self.secrets = secrets
    }

    /// Stores the secret of a product of the other system, or takes it away; the event is that of the product's link.
    func store(
        _ secret: String?, of externalID: String, for product: ProductID, at now: Timestamp,
        in transaction: WriteTransaction
    ) throws {
        guard let secret else {
            try transaction.execute(
                "DELETE FROM product_secrets WHERE source = ? AND external_id = ?", source.rawValue, externalID)
            return
        }
        let sealed = secrets.dataKey.seal([UInt8](secret.utf8), context: context(of: externalID))
        try transaction.execute(
            """
            INSERT INTO product_secrets (source, external_id, product_id, data_key_id, sealed, imported_at)
            VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (source, external_id) DO UPDATE SET product_id = excluded.product_id,
                data_key_id = excluded.data_key_id, sealed = excluded.sealed, imported_at = excluded.imported_at
            """,
            source.rawValue, externalID, product, secrets.dataKeyID, sealed, now)
    }

    /// The secret that clients of `product` know: that of the product there which `externalID` names, or for a license
    /// that came from nowhere the first one brought; nil without any.
    func find(
        for product: ProductID, preferring externalID: String?, in transaction: ReadTransaction
    ) throws -> String? {
        let row = try transaction.first(
            """
            SELECT external_id, sealed FROM product_secrets WHERE source = ? AND product_id = ?
            ORDER BY external_id <> ?, imported_at, external_id LIMIT 1
            """, source.rawValue, product, externalID ?? ""
        ) { (externalID: $0.text(0), sealed: $0.blob(1)) }
        guard let row else { return nil }
        guard let secret = secrets.dataKey.open(row.sealed, context: context(of: row.externalID)) else {
            throw DatabaseError.corrupt(detail: "the secret of product \(row.externalID) does not open")
        }
        return String(decoding: secret, as: UTF8.self)
    }

    private func context(of externalID: String) -> String {
        "product_secrets.sealed:\(source.rawValue)/\(externalID)"
    }
}
