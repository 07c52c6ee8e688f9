package import Database
package import Journal
package import Primitives

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
        try transaction.execute(
            """
            INSERT INTO products (code, name, license_type, features, max_activations, addresses_per_seat, token_days,
                counts_development, version, created_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?)
            """,
            new.code.text, new.name, new.terms.type.text, String(decoding: new.terms.features.json, as: UTF8.self),
            new.terms.maxActivations, new.terms.addressesPerSeat, new.tokenDays, new.countsDevelopment,
            provenance.at.wholeSeconds)
        guard let product = try find(new.code, in: transaction.reading) else {
            throw DatabaseError.statement(detail: "a product just inserted is not there")
        }
        try journal.append(Self.created(product), by: provenance, in: transaction)
        return product
    }

    /// The product with `code`, or nil.
    package func find(_ code: Slug, in transaction: ReadTransaction) throws -> Product? {
        try transaction.first("\(Self.select) WHERE code = ?", code.text, as: Self.product)
    }

    /// All products by id: a vendor has few.
    package func all(in transaction: ReadTransaction) throws -> [Product] {
        try transaction.all("\(Self.select) ORDER BY id", as: Self.product)
    }

    /// One page of all products by id.
    package func list(_ page: Page, in transaction: ReadTransaction) throws -> Listing<Product> {
        Listing(
            items: try transaction.all(
                "\(Self.select) ORDER BY id LIMIT ? OFFSET ?", page.perPage, page.offset, as: Self.product),
            total: try transaction.count("SELECT count(*) FROM products"))
    }

    private static func created(_ product: Product) -> Event {
        Event(
            Event.Kind("product.created"), subject: "product:\(product.code)", subjectVersion: product.version
        ) { facts in
            facts.member("name", product.name)
            facts.member("license_type", product.terms.type.text)
            facts.member("features", json: product.terms.features.json)
            facts.member("max_activations", Int64(product.terms.maxActivations))
            facts.member("addresses_per_seat", Int64(product.terms.addressesPerSeat))
            facts.member("token_days", Int64(product.tokenDays))
            facts.member("counts_development", product.countsDevelopment)
        }
    }

    private static let select = """
        SELECT id, code, name, license_type, features, max_activations, addresses_per_seat, token_days,
            counts_development, version, created_at
        FROM products
        """

    private static func product(_ row: any SQLRow) throws -> Product {
        Product(
            id: row.id(0), code: try Slug(row.text(1), member: "code"), name: row.text(2),
            terms: try LicenseTerms(
                type: row.text(3), storedFeatures: row.text(4), maxActivations: Int(row.integer(5)),
                addressesPerSeat: Int(row.integer(6))),
            tokenDays: Int(row.integer(7)), countsDevelopment: row.bool(8), version: row.integer(9),
            createdAt: row.timestamp(10))
    }
}

extension LicenseTerms {
    /// Terms as the database holds them: features as a JSON array.
    init(type: String, storedFeatures: String, maxActivations: Int, addressesPerSeat: Int) throws {
        let features = try JSONReader.read(storedFeatures.utf8).arrayValue?.compactMap(\.stringValue) ?? []
        try self.init(
            type: type, features: features, maxActivations: maxActivations, addressesPerSeat: addressesPerSeat)
    }
}
