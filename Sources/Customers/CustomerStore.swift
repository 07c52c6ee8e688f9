package import Database
package import Journal
import Primitives

/// Why a customer was not created.
package enum CustomerRefusal: Error, Equatable {
    case idTaken(CustomerID)
    case referenceTaken(String)
}

/// One way to narrow a list of customers.
package enum CustomerCondition: Sendable {
    /// Those whose reference holds this.
    case reference(String)
    case state(Customer.State)

    var sql: SQLCondition {
        switch self {
        case .reference(let part): .contains(part, in: ["reference"])
        case .state(let state): SQLCondition("state = ?", state.rawValue.sqlValue)
        }
    }
}

/// Customers in the database.
package struct CustomerStore: Sendable {
    /// Characters of an external reference.
    package static let referenceLengthMax = 200

    /// Highest number of a customer: what every JSON reader takes exactly (RFC 8259 §6).
    package static let idMax: Int64 = 1 << 53 - 1

    private let journal: Journal
    private let keys: CustomerKeys

    package init(journal: Journal, keys: CustomerKeys) {
        self.journal = journal
        self.keys = keys
    }

    package static let migrations = [
        Migration(
            version: 3, name: "customers", readableFrom: 3,
            sql: """
                CREATE TABLE customers (
                    id INTEGER PRIMARY KEY CHECK (id > 0),
                    reference TEXT,
                    state TEXT NOT NULL CHECK (state IN ('active', 'closed')),
                    version INTEGER NOT NULL CHECK (version > 0),
                    created_at INTEGER NOT NULL
                ) STRICT;
                CREATE UNIQUE INDEX customers_references_are_unique ON customers (reference);
                """)
    ]

    /// Creates a customer with its sealing key; without `id` the next free number is taken. Throws `CustomerRefusal`.
    package func create(
        id: CustomerID?, reference: String?, by provenance: Provenance, in transaction: WriteTransaction
    ) throws -> Customer {
        if let reference { try Self.check(reference) }
        if let id, id.rawValue > Self.idMax { throw InvalidInput("id", "must be at most \(Self.idMax)") }
        if let id, try find(id, in: transaction.reading) != nil { throw CustomerRefusal.idTaken(id) }
        if let reference, try isTaken(reference, in: transaction.reading) {
            throw CustomerRefusal.referenceTaken(reference)
        }
        let customer = Customer(
            id: try id ?? nextID(in: transaction.reading), reference: reference, state: .active, version: 1,
            createdAt: provenance.at.wholeSeconds)
        try insert(customer, in: transaction)
        try keys.create(for: customer.id.rawValue, at: provenance.at, in: transaction)
        try journal.append(Self.created(customer), by: provenance, in: transaction)
        return customer
    }

    /// The customer with `id`, or nil.
    package func find(_ id: CustomerID, in transaction: ReadTransaction) throws -> Customer? {
        try transaction.first("\(Self.select) WHERE id = ?", id, as: Self.customer)
    }

    /// The customer that another system calls `reference`, or nil.
    package func find(reference: String, in transaction: ReadTransaction) throws -> Customer? {
        try transaction.first("\(Self.select) WHERE reference = ?", reference, as: Self.customer)
    }

    /// One page of the customers that all `conditions` let through, by id, and how many there are in all.
    package func list(
        _ page: Page, where conditions: [CustomerCondition] = [], in transaction: ReadTransaction
    ) throws -> Listing<Customer> {
        try transaction.listing(
            Self.columns, from: "customers", where: .all(conditions.map(\.sql)), orderedBy: "id", page,
            as: Self.customer)
    }

    private func insert(_ customer: Customer, in transaction: WriteTransaction) throws {
        try transaction.execute(
            "INSERT INTO customers (id, reference, state, version, created_at) VALUES (?, ?, ?, ?, ?)",
            customer.id, customer.reference, customer.state.rawValue, customer.version, customer.createdAt)
    }

    private func nextID(in transaction: ReadTransaction) throws -> CustomerID {
        let highest = try transaction.count("SELECT coalesce(max(id), 0) FROM customers")
        guard highest < Self.idMax, let id = CustomerID(highest + 1) else {
            throw DatabaseError.unavailable(detail: "no customer number is left")
        }
        return id
    }

    private func isTaken(_ reference: String, in transaction: ReadTransaction) throws -> Bool {
        try transaction.first("SELECT 1 FROM customers WHERE reference = ?", reference) { _ in true } ?? false
    }

    private static func check(_ reference: String) throws {
        guard !reference.isEmpty, reference.count <= referenceLengthMax else {
            throw InvalidInput("reference", "must have 1 to \(referenceLengthMax) characters")
        }
        guard !reference.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw InvalidInput("reference", "must not hold control characters")
        }
    }

    private static func created(_ customer: Customer) -> Event {
        let personal = JSONWriter.object { $0.member("reference", customer.reference) }
        return Event(
            Event.Kind("customer.created"), subject: "customer:\(customer.id)", subjectVersion: customer.version,
            personal: Event.Personal(customer: customer.id.rawValue, json: personal)
        ) { facts in
            facts.member("state", customer.state.rawValue)
        }
    }

    private static let columns = "id, reference, state, version, created_at"
    private static let select = "SELECT \(columns) FROM customers"

    private static func customer(_ row: any SQLRow) throws -> Customer {
        guard let state = Customer.State(rawValue: row.text(2)) else {
            throw DatabaseError.corrupt(detail: "customer state \(row.text(2))")
        }
        return Customer(
            id: row.id(0), reference: row.optionalText(1), state: state, version: row.integer(3),
            createdAt: row.timestamp(4))
    }
}
