import Customers
package import Database
import Journal
import Primitives
import Secrets

/// Refusals in the database: who, in a sealed box, when and why. They are no change of anything, so the journal knows
/// nothing of them.
package struct RefusalStore: Sendable {
    /// How long a refusal is kept at most: domains and addresses of strangers are not ours to collect.
    static let keptDays = 90

    private let secrets: Secrets
    private let customerKeys: CustomerKeys

    init(secrets: Secrets) {
        self.secrets = secrets
        customerKeys = CustomerKeys(secrets: secrets)
    }

    package static let migrations = [
        Migration(
            version: 9, name: "refusals", readableFrom: 4,
            sql: """
                CREATE TABLE refusals (
                    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                    -- NULL when the key was malformed or unknown.
                    license_id INTEGER REFERENCES licenses (id),
                    code TEXT NOT NULL,
                    -- Domain, identifier and addresses, sealed under the customer's key, which takes them along when it
                    -- is destroyed, or under the data key. NULL when the customer was erased before.
                    sealed BLOB,
                    at INTEGER NOT NULL
                ) STRICT;
                CREATE INDEX refusals_by_license ON refusals (license_id, sequence);
                CREATE INDEX refusals_by_time ON refusals (at);
                """)
    ]

    /// Stores `groups` and removes what is too much or too old, durable once the transaction commits. Returns how many
    /// of the unknown keys the database knows and `isKnown` does not: none, unless memory has lost a key.
    func record(
        _ groups: [RefusalLog.Group], isKnown: (KeyedHash) -> Bool, at now: Timestamp, in transaction: WriteTransaction
    ) throws -> Int {
        var lost = 0
        for group in groups {
            let key = try sealingKey(of: group.license, in: transaction.reading)
            try insert(group, key, in: transaction)
            for refusal in group.refusals {
                let isLost = try refusal.unknownKeys.contains {
                    try !isKnown($0) && isLive($0, at: refusal.at, in: transaction.reading)
                }
                if isLost { lost += 1 }
            }
            try prune(group.license, in: transaction)
        }
        try transaction.execute("DELETE FROM refusals WHERE at < ?", now - .days(Self.keptDays))
        return lost
    }

    /// One page of refusals, newest first.
    func list(
        _ filter: RefusalFilter, _ page: Page, in transaction: ReadTransaction
    ) throws -> Listing<RefusalRecord> {
        let (condition, arguments) = filter.condition
        let rows = try transaction.all(
            """
            SELECT r.license_id, l.customer_id, r.code, r.sealed, r.at
            FROM refusals r LEFT JOIN licenses l ON l.id = r.license_id
            WHERE \(condition) ORDER BY r.sequence DESC LIMIT ? OFFSET ?
            """, arguments: arguments + [page.perPage.sqlValue, page.offset.sqlValue], as: Row.init)
        var keys: [Int64: SealingKey?] = [:]
        let records = try rows.map { row in
            guard let customer = row.customer else { return row.record(opened: secrets.dataKey) }
            let key = try keys[customer] ?? customerKeys.storedKey(of: customer, in: transaction)
            keys[customer] = .some(key)
            return row.record(opened: key)
        }
        return Listing(
            items: records,
            total: try transaction.count("SELECT count(*) FROM refusals r WHERE \(condition)", arguments: arguments))
    }
}

// MARK: - Writing

extension RefusalStore {
    private func sealingKey(of license: LicenseID?, in transaction: ReadTransaction) throws -> SealingKey? {
        guard let license else { return secrets.dataKey }
        let customer = try transaction.first("SELECT customer_id FROM licenses WHERE id = ?", license) { $0.integer(0) }
        return try customer.flatMap { try customerKeys.storedKey(of: $0, in: transaction) }
    }

    private func insert(
        _ group: RefusalLog.Group, _ key: SealingKey?, in transaction: WriteTransaction
    ) throws {
        try transaction.executeAll(
            "INSERT INTO refusals (license_id, code, sealed, at) VALUES (?, ?, ?, ?)",
            group.refusals.map { refusal in
                let context = Self.context(of: group.license, at: refusal.at)
                return [
                    group.license, refusal.verdict.rawValue, key?.seal(refusal.personal, context: context), refusal.at,
                ]
            })
    }

    /// Whether the key opened its license then: a key that had ended is refused for good reason.
    private func isLive(_ key: KeyedHash, at instant: Timestamp, in transaction: ReadTransaction) throws -> Bool {
        try transaction.first(
            """
            SELECT 1 FROM license_keys
            WHERE key_hash = ? AND revoked_at IS NULL AND (valid_until IS NULL OR valid_until > ?)
            """, key.bytes, instant
        ) { _ in true } ?? false
    }

    private func prune(_ license: LicenseID?, in transaction: WriteTransaction) throws {
        let max = license == nil ? RefusalLog.unknownMax : RefusalLog.perLicenseMax
        try transaction.execute(
            """
            DELETE FROM refusals WHERE license_id IS NOT DISTINCT FROM ? AND sequence <= (
                SELECT sequence FROM refusals WHERE license_id IS NOT DISTINCT FROM ?
                ORDER BY sequence DESC LIMIT 1 OFFSET ?)
            """, license, license, max)
    }

    /// The row that a box belongs to, as far as it is known before it is stored.
    fileprivate static func context(of license: LicenseID?, at instant: Timestamp) -> String {
        "refusals.sealed:\(license?.description ?? "unknown"):\(instant.milliseconds)"
    }
}

extension Refusal {
    fileprivate var personal: [UInt8] {
        JSONWriter.object { json in
            json.member("domain", installation?.domain?.ascii)
            json.member("installation_id", installation?.installationID?.text)
            json.member("address", installation?.address.description)
            json.member("peer", client.description)
        }
    }
}

// MARK: - Reading

extension RefusalFilter {
    fileprivate var condition: (String, [SQLValue]) {
        switch self {
        case .all: ("1 = 1", [])
        case .license(let id): ("r.license_id = ?", [id.sqlValue])
        case .unknownKeys: ("r.license_id IS NULL", [])
        }
    }
}

/// A row of the table, its box still closed.
private struct Row {
    let license: LicenseID?
    let customer: Int64?
    let code: String
    let sealed: [UInt8]?
    let at: Timestamp

    init(_ row: any SQLRow) {
        license = row.isNull(0) ? nil : row.randomID(0)
        customer = row.optionalInteger(1)
        code = row.text(2)
        sealed = row.isNull(3) ? nil : row.blob(3)
        at = row.timestamp(4)
    }

    func record(opened key: SealingKey?) -> RefusalRecord {
        let context = RefusalStore.context(of: license, at: at)
        let personal = sealed.flatMap { key?.open($0, context: context) }
        return RefusalRecord(
            license: license, code: code, at: at, installation: personal.flatMap(RefusedInstallation.init))
    }
}

extension RefusedInstallation {
    fileprivate init?(json: [UInt8]) {
        // What was sealed is JSON of ours; anything else is as good as nothing.
        guard let object = (try? JSONReader.read(json))?.objectValue else { return nil }
        domain = object["domain"]?.stringValue
        installationID = object["installation_id"]?.stringValue
        address = object["address"]?.stringValue
        peer = object["peer"]?.stringValue
    }
}
