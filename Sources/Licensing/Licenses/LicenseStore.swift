package import Customers
package import Database
package import Journal
package import Primitives
package import Secrets

/// A license about to be issued, checked.
package struct NewLicense: Sendable {
    package let customer: CustomerID
    package let product: Product
    package let terms: LicenseTerms
    package let expiry: Expiry
    /// Seconds; 0…366 days.
    package let graceSeconds: Int64

    /// Throws `InvalidInput` for days of grace out of range.
    package init(
        customer: CustomerID, product: Product, terms: LicenseTerms, expiry: Expiry, graceDays: Int
    ) throws {
        guard (0...LicenseTerms.graceDaysMax).contains(graceDays) else {
            throw InvalidInput("grace_days", "must be 0 to \(LicenseTerms.graceDaysMax)")
        }
        self.customer = customer
        self.product = product
        self.terms = terms
        self.expiry = expiry
        graceSeconds = Int64(graceDays) * CivilDate.secondsPerDay
    }
}

/// Which licenses a list is about.
package struct LicenseFilter: Sendable {
    package var status: License.Status?
    package var product: ProductID?
    package var customer: CustomerID?

    package init(status: License.Status? = nil, product: ProductID? = nil, customer: CustomerID? = nil) {
        self.status = status
        self.product = product
        self.customer = customer
    }
}

/// A license with what a list shows beside it.
package struct LicenseRecord: Sendable {
    package let license: License
    package let productCode: Slug
    /// The last four symbols of its newest live key.
    package let last4: String
}

/// Licenses and their keys in the database.
package struct LicenseStore: Sendable {
    private let journal: Journal
    private let hashes: KeyedHashes
    private let secrets: Secrets

    package init(journal: Journal, hashes: KeyedHashes, secrets: Secrets) {
        self.journal = journal
        self.hashes = hashes
        self.secrets = secrets
    }

    /// The hash by which the index finds a key.
    func hash(of key: LicenseKey) -> KeyedHash { hashes.hash(of: key) }

    /// Issues a license under a key that the caller made. Throws `LicensingRefusal.customerUnknown` and
    /// `.customerClosed`.
    package func issue(
        _ new: NewLicense, key: LicenseKey, customers: CustomerStore, by provenance: Provenance,
        in transaction: WriteTransaction
    ) throws -> License {
        guard let customer = try customers.find(new.customer, in: transaction.reading) else {
            throw LicensingRefusal.customerUnknown(new.customer.description)
        }
        guard customer.state == .active else { throw LicensingRefusal.customerClosed(new.customer.description) }
        let license = License(
            id: .random(), customerID: new.customer, productID: new.product.id, terms: new.terms, state: .active,
            notBefore: nil, expiresAt: new.expiry.instant, graceSeconds: new.graceSeconds, used: 0,
            statusIndex: try transaction.reading.count("SELECT coalesce(max(status_index) + 1, 0) FROM licenses"),
            version: 1, createdAt: provenance.at.wholeSeconds)
        try insert(license, in: transaction)
        try insert(key, of: license, in: transaction)
        try journal.append(Self.created(license, key: key, product: new.product), by: provenance, in: transaction)
        return license
    }

    /// The license with `id`, or nil.
    package func find(_ id: LicenseID, in transaction: ReadTransaction) throws -> LicenseRecord? {
        try transaction.first("\(Self.select) WHERE l.id = ?", id, as: Self.record)
    }

    /// The license that a key opens, unless that key was revoked.
    package func find(_ key: LicenseKey, in transaction: ReadTransaction) throws -> LicenseRecord? {
        try transaction.first(
            """
            \(Self.select)
            WHERE l.id = (SELECT license_id FROM license_keys WHERE key_hash = ? AND revoked_at IS NULL)
            """,
            hashes.hash(of: key).bytes, as: Self.record)
    }

    /// The newest live key of a license, unsealed.
    func key(of id: LicenseID, in transaction: ReadTransaction) throws -> LicenseKey? {
        let row = try transaction.first(
            """
            SELECT key_hash, encrypted FROM license_keys WHERE license_id = ? AND revoked_at IS NULL
            ORDER BY created_at DESC LIMIT 1
            """, id
        ) { (hash: $0.blob(0), sealed: $0.blob(1)) }
        return row.flatMap { secrets.dataKey.open($0.sealed, context: Self.sealingContext(of: $0.hash)) }
            .flatMap { LicenseKey(typed: String(decoding: $0, as: UTF8.self)) }
    }

    private static func sealingContext(of keyHash: [UInt8]) -> String {
        "license_keys.encrypted:\(Base64URL.encode(keyHash))"
    }

    /// One page of the licenses that `filter` lets through, newest first.
    package func list(
        _ filter: LicenseFilter, _ page: Page, at now: Timestamp, in transaction: ReadTransaction
    ) throws -> Listing<LicenseRecord> {
        let (condition, arguments) = Self.condition(filter, at: now)
        return Listing(
            items: try transaction.all(
                "\(Self.select) WHERE \(condition) ORDER BY l.status_index DESC LIMIT ? OFFSET ?",
                arguments: arguments + [page.perPage.sqlValue, page.offset.sqlValue], as: Self.record),
            total: try transaction.count("SELECT count(*) FROM licenses l WHERE \(condition)", arguments: arguments))
    }

    /// Hands every license to `body`: the index fills itself from here.
    func forEachLicense(in transaction: ReadTransaction, do body: (License) -> Void) throws {
        try transaction.forEach("SELECT \(Self.columns) FROM licenses l") { body(try Self.license($0)) }
    }

    /// Hands the hash of every live key and its license to `body`.
    func forEachKey(in transaction: ReadTransaction, do body: (KeyedHash, LicenseID) -> Void) throws {
        try transaction.forEach("SELECT key_hash, license_id FROM license_keys WHERE revoked_at IS NULL") {
            body(KeyedHash(bytes: $0.blob(0)), $0.randomID(1))
        }
    }

    /// The license as its row stands inside `transaction`.
    func current(_ id: LicenseID, in transaction: ReadTransaction) throws -> License? {
        try transaction.first("SELECT \(Self.columns) FROM licenses l WHERE l.id = ?", id, as: Self.license)
    }
}

// MARK: - Writing

extension LicenseStore {
    private func insert(_ license: License, in transaction: WriteTransaction) throws {
        try transaction.execute(
            """
            INSERT INTO licenses (id, customer_id, product_id, license_type, features, max_activations,
                addresses_per_seat, state, not_before, expires_at, grace_seconds, used, status_index, version,
                created_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)
            """,
            license.id, license.customerID, license.productID, license.terms.type.text,
            String(decoding: license.terms.features.json, as: UTF8.self), license.terms.maxActivations,
            license.terms.addressesPerSeat, license.state.rawValue, license.notBefore, license.expiresAt,
            license.graceSeconds, license.statusIndex, license.version, license.createdAt)
    }

    private func insert(_ key: LicenseKey, of license: License, in transaction: WriteTransaction) throws {
        let hash = hashes.hash(of: key).bytes
        let sealed = secrets.dataKey.seal(key.canonicalBytes, context: Self.sealingContext(of: hash))
        try transaction.execute(
            """
            INSERT INTO license_keys (key_hash, pepper_id, license_id, kind, encrypted, last4, created_at)
            VALUES (?, ?, ?, 'native', ?, ?, ?)
            """,
            hash, hashes.pepperID, license.id, sealed, key.last4, license.createdAt)
    }

    private static func created(_ license: License, key: LicenseKey, product: Product) -> Event {
        Event(
            Event.Kind("license.created"), subject: license.id.description, subjectVersion: license.version
        ) { facts in
            facts.member("customer_id", license.customerID.rawValue)
            facts.member("product", product.code.text)
            facts.member("license_type", license.terms.type.text)
            facts.member("features", json: license.terms.features.json)
            facts.member("max_activations", Int64(license.terms.maxActivations))
            facts.member("addresses_per_seat", Int64(license.terms.addressesPerSeat))
            facts.member("expires_at", license.expiresAt?.description)
            facts.member("grace_seconds", license.graceSeconds)
            facts.member("last4", key.last4)
        }
    }
}

// MARK: - Reading

extension LicenseStore {
    private static let columns = """
        l.id, l.customer_id, l.product_id, l.license_type, l.features, l.max_activations, l.addresses_per_seat,
        l.state, l.not_before, l.expires_at, l.grace_seconds, l.used, l.status_index, l.version, l.created_at
        """

    private static let select = """
        SELECT \(columns), p.code,
            coalesce((SELECT k.last4 FROM license_keys k WHERE k.license_id = l.id AND k.revoked_at IS NULL
                ORDER BY k.created_at DESC LIMIT 1), '')
        FROM licenses l JOIN products p ON p.id = l.product_id
        """

    private static func record(_ row: any SQLRow) throws -> LicenseRecord {
        LicenseRecord(
            license: try license(row), productCode: try Slug(row.text(15), member: "code"), last4: row.text(16))
    }

    private static func license(_ row: any SQLRow) throws -> License {
        guard let state = License.State(rawValue: row.text(7)) else {
            throw DatabaseError.corrupt(detail: "license state \(row.text(7))")
        }
        return License(
            id: row.randomID(0), customerID: row.id(1), productID: row.id(2),
            terms: try LicenseTerms(
                type: row.text(3), storedFeatures: row.text(4), maxActivations: Int(row.integer(5)),
                addressesPerSeat: Int(row.integer(6))),
            state: state, notBefore: row.optionalTimestamp(8), expiresAt: row.optionalTimestamp(9),
            graceSeconds: row.integer(10), used: Int(row.integer(11)), statusIndex: row.integer(12),
            version: row.integer(13), createdAt: row.timestamp(14))
    }

    /// The WHERE condition of a filter; values are bound, never written into the text.
    private static func condition(_ filter: LicenseFilter, at now: Timestamp) -> (String, [SQLValue]) {
        var conditions = ["1 = 1"]
        var arguments: [SQLValue] = []
        if let product = filter.product {
            conditions.append("l.product_id = ?")
            arguments.append(product.sqlValue)
        }
        if let customer = filter.customer {
            conditions.append("l.customer_id = ?")
            arguments.append(customer.sqlValue)
        }
        if let status = filter.status {
            conditions.append(statusCondition(status))
            arguments += Array(repeating: now.sqlValue, count: statusCondition(status).count { $0 == "?" })
        }
        return (conditions.joined(separator: " AND "), arguments)
    }

    /// `License.status(at:)` in SQL; every `?` is the instant. A test holds the two against each other.
    private static func statusCondition(_ status: License.Status) -> String {
        switch status {
        case .suspended, .revoked: "l.state = '\(status.rawValue)'"
        case .notYetValid: "l.state = 'active' AND l.not_before > ?"
        case .active:
            """
            l.state = 'active' AND (l.not_before IS NULL OR l.not_before <= ?)
            AND (l.expires_at IS NULL OR l.expires_at > ?)
            """
        case .grace:
            """
            l.state = 'active' AND (l.not_before IS NULL OR l.not_before <= ?)
            AND l.expires_at <= ? AND l.expires_at + l.grace_seconds * 1000 > ?
            """
        case .expired:
            """
            l.state = 'active' AND (l.not_before IS NULL OR l.not_before <= ?)
            AND l.expires_at + l.grace_seconds * 1000 <= ?
            """
        }
    }
}
