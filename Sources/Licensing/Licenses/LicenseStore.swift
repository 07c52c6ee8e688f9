package import Customers
package import Database
package import Journal
package import Primitives
package import Secrets

/// A license about to be issued, checked.
package struct NewLicense: Sendable {
    /// Licenses that one request may issue, alike.
    package static let countMax = 1_000

    package let customer: CustomerID
    package let product: Product
    /// What it chooses otherwise than its product.
    package let overrides: PolicySettings
    package let expiry: Expiry
    /// The first instant at which it is valid; nil for at once.
    package let notBefore: Timestamp?
    package let batch: Slug?

    /// Throws `InvalidInput` for an end before the beginning.
    package init(
        customer: CustomerID, product: Product, overrides: PolicySettings = PolicySettings(), expiry: Expiry,
        notBefore: Timestamp? = nil, batch: Slug? = nil
    ) throws {
        if let notBefore, let end = expiry.instant, end <= notBefore {
            throw InvalidInput("not_before", "must be before the license expires")
        }
        self.customer = customer
        self.product = product
        self.overrides = overrides
        self.expiry = expiry
        self.notBefore = notBefore
        self.batch = batch
    }
}

/// A license with what a list shows beside it.
package struct LicenseRecord: Sendable {
    package let license: License
    package let productCode: Slug
    /// The last four symbols of its newest key that does not end.
    package let last4: String
    /// From about how many networks it was used in the last days, where that was asked for.
    package var networks: Int?
    /// What suspends it.
    package internal(set) var holds: [LicenseHold] = []
    package internal(set) var revocation: LicenseRevocation?
}

/// Licenses and their keys in the database.
package struct LicenseStore: Sendable {
    let journal: Journal
    let hashes: KeyedHashes
    let secrets: Secrets
    private let policies = PolicyMemo()

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
        try issue(new, last4: key.last4, customers: customers, by: provenance, in: transaction) {
            try insert(key, of: $0, at: $0.createdAt, in: transaction)
        }
    }

    /// The same with a key that `storeKey` stores. Throws as above.
    func issue(
        _ new: NewLicense, last4: String, customers: CustomerStore, by provenance: Provenance,
        in transaction: WriteTransaction, storeKey: (License) throws -> Void
    ) throws -> License {
        try customers.requireActive(new.customer, in: transaction.reading)
        let license = License(
            id: .random(), customerID: new.customer, productID: new.product.id, overrides: new.overrides,
            policy: Policy(new.product.settings, new.overrides), state: .active, notBefore: new.notBefore,
            expiresAt: new.expiry.instant, paymentGraceUntil: nil, overLimitUntil: nil, startedAt: nil,
            batch: new.batch, used: 0,
            statusIndex: try transaction.reading.count("SELECT coalesce(max(status_index) + 1, 0) FROM licenses"),
            version: 1, createdAt: provenance.at.wholeSeconds)
        try insert(license, in: transaction)
        try storeKey(license)
        try journal.append(Self.created(license, last4: last4, product: new.product), by: provenance, in: transaction)
        return license
    }

    /// The license with `id`, or nil.
    package func find(_ id: LicenseID, in transaction: ReadTransaction) throws -> LicenseRecord? {
        try transaction.first("\(Self.select) WHERE l.id = ?", id, as: record).map {
            try withState($0, in: transaction)
        }
    }

    /// The newest live key of a license, unsealed.
    func key(of id: LicenseID, in transaction: ReadTransaction) throws -> LicenseKey? {
        let row = try transaction.first(
            """
            SELECT key_hash, encrypted FROM license_keys WHERE license_id = ? AND kind = 'native' AND revoked_at IS NULL
            ORDER BY valid_until IS NOT NULL, created_at DESC, key_hash LIMIT 1
            """, id
        ) { (hash: $0.blob(0), sealed: $0.blob(1)) }
        let prefix = try keyPrefix(of: id, in: transaction)
        return row.flatMap { secrets.dataKey.open($0.sealed, context: Self.sealingContext(of: $0.hash)) }
            .flatMap { LicenseKey(typed: String(decoding: $0, as: UTF8.self)) }?.prefixed(prefix)
    }

    /// What stands before the keys of a license.
    func keyPrefix(of id: LicenseID, in transaction: ReadTransaction) throws -> String? {
        let prefix = try transaction.first(
            "SELECT p.key_prefix FROM licenses l JOIN products p ON p.id = l.product_id WHERE l.id = ?", id
        ) { $0.optionalText(0) }
        return prefix ?? nil
    }

    static func sealingContext(of keyHash: [UInt8]) -> String {
        "license_keys.encrypted:\(Base64URL.encode(keyHash))"
    }

    /// One page of the licenses that `filter` lets through, newest first.
    package func list(
        _ filter: LicenseFilter, _ page: Page, at now: Timestamp, in transaction: ReadTransaction
    ) throws -> Listing<LicenseRecord> {
        let listing = try transaction.listing(
            Self.recordColumns, from: Self.tables, where: filter.sql(at: now), orderedBy: "l.status_index DESC", page,
            as: record)
        return Listing(items: try listing.items.map { try withState($0, in: transaction) }, total: listing.total)
    }

    /// The newest of those that `filter` lets through, `max` at most, with a status index below `position`; without
    /// what suspended or revoked them.
    func slice(
        _ filter: LicenseFilter, below position: Int64, max: Int, at now: Timestamp, in transaction: ReadTransaction
    ) throws -> [LicenseRecord] {
        let condition = filter.sql(at: now)
        return try transaction.all(
            "\(Self.select) WHERE l.status_index < ? AND \(condition.text) ORDER BY l.status_index DESC LIMIT ?",
            arguments: [position.sqlValue] + condition.arguments + [max.sqlValue], as: record)
    }

    /// One page of those of `ranked` that `filter` lets through, in that order.
    func list(
        _ ranked: [LicenseSpread], _ filter: LicenseFilter, _ page: Page, at now: Timestamp,
        in transaction: ReadTransaction
    ) throws -> Listing<LicenseRecord> {
        let condition = filter.sql(at: now)
        let chosen = try ranked.filter { spread in
            try transaction.count(
                "SELECT count(*) FROM \(Self.tables) WHERE l.id = ? AND \(condition.text)",
                arguments: [spread.license.sqlValue] + condition.arguments) == 1
        }
        let items = try chosen.dropFirst(page.offset).prefix(page.perPage).compactMap { spread in
            var record = try find(spread.license, in: transaction)
            record?.networks = spread.networks
            return record
        }
        return Listing(items: items, total: Int64(chosen.count))
    }

    /// Hands the hash of every key, its license and its end to `body`, but for those that ended before `instant`.
    func forEachKey(
        endingFrom instant: Timestamp, in transaction: ReadTransaction,
        do body: (KeyedHash, LicenseID, Timestamp?) -> Void
    ) throws {
        try transaction.forEach(
            """
            SELECT key_hash, license_id, valid_until FROM license_keys
            WHERE revoked_at IS NULL AND (valid_until IS NULL OR valid_until >= ?)
            """, instant
        ) { body($0.keyedHash(0), $0.randomID(1), $0.optionalTimestamp(2)) }
    }

    /// The license as its row stands inside `transaction`.
    func current(_ id: LicenseID, in transaction: ReadTransaction) throws -> License? {
        try transaction.first("SELECT \(Self.columns) FROM \(Self.tables) WHERE l.id = ?", id, as: license)
    }
}

// MARK: - Writing

extension LicenseStore {
    private func insert(_ license: License, in transaction: WriteTransaction) throws {
        try transaction.execute(
            """
            INSERT INTO licenses (id, customer_id, product_id, policy, max_activations, grace_days, state, not_before,
                expires_at, batch, used, status_index, version, created_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)
            """,
            license.id, license.customerID, license.productID, license.overrides.storedJSON,
            license.overrides.maxActivations, license.overrides.graceDays, license.state.rawValue, license.notBefore,
            license.expiresAt, license.batch?.text, license.statusIndex, license.version, license.createdAt)
    }

    func insert(
        _ key: LicenseKey, of license: License, at now: Timestamp, in transaction: WriteTransaction
    ) throws {
        let hash = hashes.hash(of: key).bytes
        let sealed = secrets.dataKey.seal(key.canonicalBytes, context: Self.sealingContext(of: hash))
        try transaction.execute(
            """
            INSERT INTO license_keys (key_hash, pepper_id, license_id, kind, encrypted, last4, created_at)
            VALUES (?, ?, ?, 'native', ?, ?, ?)
            """,
            hash, hashes.pepperID, license.id, sealed, key.last4, now.wholeSeconds)
    }

    private static func created(_ license: License, last4: String, product: Product) -> Event {
        Event(
            Event.Kind("license.created"), subject: license.id.description, subjectVersion: license.version,
            personal: license.overrides.personal(of: license.customerID)
        ) { facts in
            facts.member("customer_id", license.customerID.rawValue)
            facts.member("product", product.code.text)
            facts.member("policy", json: license.overrides.json(PolicyField.open))
            facts.member("not_before", license.notBefore?.description)
            facts.member("expires_at", license.expiresAt?.description)
            facts.member("batch", license.batch?.text)
            facts.member("last4", last4)
        }
    }
}

// MARK: - Reading

extension LicenseStore {
    private static let columns = """
        l.id, l.customer_id, l.product_id, l.policy, l.max_activations, l.grace_days, p.policy, p.max_activations,
        p.grace_days, l.state, l.not_before, l.expires_at, l.payment_grace_until, l.over_limit_until, l.started_at,
        l.batch, l.used, l.status_index, l.version, l.created_at
        """

    private static let tables = "licenses l JOIN products p ON p.id = l.product_id"

    private static let recordColumns = """
        \(columns), p.code,
        coalesce((SELECT k.last4 FROM license_keys k WHERE k.license_id = l.id AND k.kind <> 'offline'
            AND k.revoked_at IS NULL
            ORDER BY k.valid_until IS NOT NULL, k.created_at DESC, k.key_hash LIMIT 1), '')
        """

    private static let select = "SELECT \(recordColumns) FROM \(tables)"

    private func record(_ row: any SQLRow) throws -> LicenseRecord {
        LicenseRecord(
            license: try license(row), productCode: try Slug(row.text(20), member: "code"), last4: row.text(21))
    }

    private func license(_ row: any SQLRow) throws -> License {
        let (overrides, policy) = try policies.read(
            .init(product: Self.settings(row, from: 6), license: Self.settings(row, from: 3)))
        return License(
            id: row.randomID(0), customerID: row.id(1), productID: row.id(2), overrides: overrides, policy: policy,
            state: try Self.state(row.text(9)), notBefore: row.optionalTimestamp(10),
            expiresAt: row.optionalTimestamp(11),
            paymentGraceUntil: row.optionalTimestamp(12), overLimitUntil: row.optionalTimestamp(13),
            startedAt: row.optionalTimestamp(14), batch: row.optionalText(15).flatMap { Slug($0) },
            used: Int(row.integer(16)), statusIndex: row.integer(17), version: row.integer(18),
            createdAt: row.timestamp(19))
    }

    static func state(_ name: String) throws -> License.State {
        guard let state = License.State(rawValue: name) else {
            throw DatabaseError.corrupt(detail: "license state \(name)")
        }
        return state
    }

    /// Settings in three columns: the object, seats, days of grace.
    static func settings(_ row: any SQLRow, from column: Int) -> StoredSettings {
        StoredSettings(
            json: row.text(column), maxActivations: row.optionalInteger(column + 1),
            graceDays: row.optionalInteger(column + 2))
    }
}

extension PolicySettings {
    /// The choices that say something about a customer's installations, for the sealed part of an event.
    func personal(of customer: CustomerID) -> Event.Personal? {
        allowedDomains == nil && allowedNetworks == nil
            ? nil : Event.Personal(customer: customer.rawValue, json: json(PolicyField.personal))
    }
}
