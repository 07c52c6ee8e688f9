import Database
import Journal
import LicenseToken
import Primitives

/// The numbers that stand for a product's license types and features in offline keys. They are only added.
package struct ProductCodes: Sendable {
    /// What a number names.
    package enum Kind: String, Sendable, CaseIterable {
        case type
        case feature

        /// The numbers of an offline key's layout.
        var numbers: ClosedRange<Int64> { self == .type ? 1...255 : 0...63 }
    }

    private let journal: Journal

    init(journal: Journal) { self.journal = journal }

    /// All names and numbers of a product, as software carries them.
    func names(of product: Product, in transaction: ReadTransaction) throws -> OfflineKeyNames {
        let types = try numbers(.type, of: product, in: transaction)
        let features = try numbers(.feature, of: product, in: transaction)
        guard let number = UInt32(exactly: product.id.rawValue),
            let names = OfflineKeyNames(
                product: product.code.text, number: number, types: types, features: features)
        else { throw DatabaseError.corrupt(detail: "the numbers of product \(product.code)") }
        return names
    }

    /// Gives every name that has none the next number. Throws `OfflineRefusal.numbersUsedUp`.
    func add(
        types: [Slug], features: [Slug], to product: Product, by provenance: Provenance,
        in transaction: WriteTransaction
    ) throws {
        for type in types { try add(.type, type, to: product, by: provenance, in: transaction) }
        for feature in features { try add(.feature, feature, to: product, by: provenance, in: transaction) }
    }

    private func add(
        _ kind: Kind, _ name: Slug, to product: Product, by provenance: Provenance, in transaction: WriteTransaction
    ) throws {
        let known = try numbers(kind, of: product, in: transaction.reading)
        guard known[name.text] == nil else { return }
        let number = known.values.max().map { Int64($0) + 1 } ?? kind.numbers.lowerBound
        guard kind.numbers.contains(number) else { throw OfflineRefusal.numbersUsedUp(kind) }
        try transaction.execute(
            "INSERT INTO product_codes (product_id, kind, name, number, created_at) VALUES (?, ?, ?, ?, ?)",
            product.id, kind.rawValue, name.text, number, provenance.at.wholeSeconds)
        let event = Event(
            Event.Kind("product.code_added"), subject: "product:\(product.code)", subjectVersion: product.version
        ) { facts in
            facts.member("kind", kind.rawValue)
            facts.member("name", name.text)
            facts.member("number", number)
        }
        try journal.append(event, by: provenance, in: transaction)
    }

    private func numbers(
        _ kind: Kind, of product: Product, in transaction: ReadTransaction
    ) throws -> [String: UInt8] {
        let rows = try transaction.all(
            "SELECT name, number FROM product_codes WHERE product_id = ? AND kind = ?", product.id, kind.rawValue
        ) { (name: $0.text(0), number: UInt8(clamping: $0.integer(1))) }
        return Dictionary(rows.map { ($0.name, $0.number) }) { first, _ in first }
    }
}
