package import Database
package import Journal
package import Primitives

/// One way to narrow a list of products.
package enum ProductCondition: Sendable {
    /// Those whose code or name holds this.
    case search(String)

    var sql: SQLCondition {
        switch self {
        case .search(let part): .contains(part, in: ["code", "name"])
        }
    }
}

/// Products in the database.
package struct ProductStore: Sendable {
    private let journal: Journal

    package init(journal: Journal) { self.journal = journal }

    /// Creates a product. Throws `LicensingRefusal.productExists`.
    package func create(
        _ new: NewProduct, by provenance: Provenance, in transaction: WriteTransaction
    ) throws -> Product {
        guard try find(new.code, in: transaction.reading) == nil else {
            throw LicensingRefusal.productExists(new.code)
        }
        let settings = Policy.defaults.columnsOnly.overlaid(by: new.settings)
        try transaction.execute(
            """
            INSERT INTO products (code, name, policy, max_activations, grace_days, key_groups, key_prefix, action_url,
                version, created_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?)
            """,
            new.code.text, new.details.name, settings.storedJSON, settings.maxActivations, settings.graceDays,
            new.details.keyFormat.groups, new.details.keyFormat.prefix, new.details.actionURL,
            provenance.at.wholeSeconds)
        guard let product = try find(new.code, in: transaction.reading) else {
            throw DatabaseError.statement(detail: "a product just inserted is not there")
        }
        try journal.append(Self.event("product.created", product), by: provenance, in: transaction)
        return product
    }

    /// The product after `change`, which holds at once for every license that does not choose otherwise. The same
    /// product, and no event, when nothing changes. Throws `LicensingRefusal.versionChanged`, `InvalidInput`.
    func update(
        _ product: Product, _ change: ProductChange, by provenance: Provenance, in transaction: WriteTransaction
    ) throws -> Product {
        if let version = change.version, version != product.version {
            throw LicensingRefusal.versionChanged(current: product.version)
        }
        let details = try change.details(of: product)
        let settings = Policy.defaults.columnsOnly.overlaid(by: change.patch.applied(to: product.settings))
        let changed = Product(
            id: product.id, code: product.code, name: details.name, settings: settings, keyFormat: details.keyFormat,
            actionURL: details.actionURL, version: product.version + 1, createdAt: product.createdAt)
        let alterations = product.alterations(to: changed)
        guard !alterations.isEmpty else { return product }
        try transaction.execute(
            """
            UPDATE products SET name = ?, policy = ?, max_activations = ?, grace_days = ?, key_groups = ?,
                key_prefix = ?, action_url = ?, version = ?
            WHERE id = ?
            """,
            changed.name, settings.storedJSON, settings.maxActivations, settings.graceDays, changed.keyFormat.groups,
            changed.keyFormat.prefix, changed.actionURL, changed.version, changed.id)
        let event = Self.event("product.updated", changed, alterations: alterations)
        try journal.append(event, by: provenance, in: transaction)
        return changed
    }

    /// What products put before their keys at any time: the keys with it are out there. Read from the journal, which
    /// forgets nothing.
    func keyPrefixes(of products: [Product], in transaction: ReadTransaction) throws -> Set<String> {
        var prefixes: Set<String> = []
        for product in products {
            try transaction.forEach(
                """
                SELECT data FROM journal WHERE subject = 'product:' || ?
                    AND type IN ('product.created', 'product.updated')
                """, product.code.text
            ) { row in
                let data = try JSONReader.read(row.text(0).utf8).objectValue
                if let prefix = data?["key_prefix"]?.stringValue { prefixes.insert(prefix) }
            }
        }
        return prefixes
    }

    /// What products put before their keys now.
    func keyPrefixes(in transaction: ReadTransaction) throws -> Set<String> {
        Set(
            try transaction.all("SELECT DISTINCT key_prefix FROM products WHERE key_prefix IS NOT NULL") {
                $0.text(0)
            })
    }

    /// The product with `code`, or nil.
    package func find(_ code: Slug, in transaction: ReadTransaction) throws -> Product? {
        try transaction.first("\(Self.select) WHERE code = ?", code.text, as: Self.product)
    }

    /// The product with `id`, or nil.
    func find(_ id: ProductID, in transaction: ReadTransaction) throws -> Product? {
        try transaction.first("\(Self.select) WHERE id = ?", id, as: Self.product)
    }

    /// The product of a license. Throws `DatabaseError.corrupt` when it is not there.
    func product(of license: License, in transaction: ReadTransaction) throws -> Product {
        guard let product = try find(license.productID, in: transaction) else {
            throw DatabaseError.corrupt(detail: "the product of \(license.id) is not there")
        }
        return product
    }

    /// All products by id: a vendor has few.
    package func all(in transaction: ReadTransaction) throws -> [Product] {
        try transaction.all("\(Self.select) ORDER BY id", as: Self.product)
    }

    /// One page of the products that all `conditions` let through, by id.
    package func list(
        _ page: Page, where conditions: [ProductCondition], in transaction: ReadTransaction
    ) throws -> Listing<Product> {
        try transaction.listing(
            Self.columns, from: "products", where: .all(conditions.map(\.sql)), orderedBy: "id", page,
            as: Self.product)
    }

    private static func event(_ kind: String, _ product: Product, alterations: [Alteration]? = nil) -> Event {
        Event(Event.Kind(kind), subject: "product:\(product.code)", subjectVersion: product.version) { facts in
            facts.member("name", product.name)
            facts.member("policy", json: product.settings.json())
            facts.member("key_groups", Int64(product.keyFormat.groups))
            facts.member("key_prefix", product.keyFormat.prefix)
            facts.member("action_url", product.actionURL)
            alterations?.write(to: &facts)
        }
    }

    private static let columns = """
        id, code, name, policy, max_activations, grace_days, key_groups, key_prefix, action_url, version, created_at
        """
    private static let select = "SELECT \(columns) FROM products"

    private static func product(_ row: any SQLRow) throws -> Product {
        let stored = StoredSettings(json: row.text(3), maxActivations: row.integer(4), graceDays: row.integer(5))
        return Product(
            id: row.id(0), code: try Slug(row.text(1), member: "code"), name: row.text(2),
            settings: try stored.settings(),
            keyFormat: try KeyFormat(groups: Int(row.integer(6)), prefix: row.optionalText(7)),
            actionURL: row.optionalText(8), version: row.integer(9), createdAt: row.timestamp(10))
    }
}

extension PolicySettings {
    /// Only the choices that have columns, which every product makes.
    fileprivate var columnsOnly: PolicySettings {
        var result = PolicySettings()
        for field in PolicyField.columns { field.copy(self, &result) }
        return result
    }
}
