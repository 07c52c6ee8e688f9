import Database
import Primitives
import Secrets

/// Keys in the database, for a memory that does not know them.
struct KeyLookup: Sendable {
    /// Hashes in one statement; fewer are filled up, so that one statement is prepared.
    private static let hashesMax = 64

    let database: Database
    let hashes: KeyedHashes
    let products: ProductStore
    let licenses: LicenseStore
    let catalog: Catalog
    let index: LicenseIndex

    /// By what a typed key is told from others; nil for what no key can look like.
    func identity(of text: String) -> KeyedHash? {
        KeyReading(text, forms: KeyForms(prefixes: catalog.keyForms.prefixes, includesImported: true))
            .hashes(hashes).last
    }

    /// Whether it looks like a key as far as memory knows how they look.
    func looksLikeKey(_ text: String) -> Bool { !KeyReading(text, forms: catalog.keyForms).isMalformed }

    /// The licenses that any reading of `texts` opens or opened. Memory learns how keys look by now, and of products
    /// that it needs for them. Throws `DatabaseError`.
    func licenses(of texts: [String]) async throws -> Set<LicenseID> {
        let (products, licenses, hashes, known) = (products, licenses, hashes, catalog.keyForms)
        let found = try await database.read(patience: .claimPatience) { transaction in
            var forms = known
            forms.prefixes += try products.keyPrefixes(in: transaction).subtracting(known.prefixes).sorted()
            forms.includesImported = try known.includesImported || licenses.hasImportedKeys(in: transaction)
            let keys = texts.flatMap { KeyReading($0, forms: forms).hashes(hashes) }
            let ids = try Self.licenses(of: keys, in: transaction)
            return (ids: ids, forms: forms, products: ids.isEmpty ? [] : try products.all(in: transaction))
        }
        catalog.apply(keyPrefixes: Set(found.forms.prefixes))
        if found.forms.includesImported { catalog.admitImportedKeys() }
        found.products.forEach(catalog.apply)
        index.apply(found.products.map(IndexChange.product))
        return found.ids
    }

    private static let select = """
        SELECT license_id FROM license_keys WHERE revoked_at IS NULL
            AND key_hash IN (\(repeatElement("?", count: hashesMax).joined(separator: ", ")))
        """

    private static func licenses(of keys: [KeyedHash], in transaction: ReadTransaction) throws -> Set<LicenseID> {
        var found: Set<LicenseID> = []
        for start in stride(from: 0, to: keys.count, by: hashesMax) {
            var part = keys[start..<min(start + hashesMax, keys.count)].map(\.bytes.sqlValue)
            part += repeatElement(part[0], count: hashesMax - part.count)
            found.formUnion(try transaction.all(select, arguments: part) { $0.randomID(0) })
        }
        return found
    }
}
