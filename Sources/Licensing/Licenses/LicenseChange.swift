import Customers
import Database
import Journal
package import Primitives

/// What becomes of a license: an upgrade, a downgrade, another term, another product. Its key and its seats stay.
package struct LicenseChange: Sendable {
    /// Its own choices; null leaves one to the product again.
    package var patch = PolicyPatch()
    /// The product that it is for from now on. Its key stays as it is: what is put before it is told as the new product
    /// says, and read in both ways.
    package var product = Edit<Slug>.keep
    package var expiry = Edit<Expiry>.keep
    package var notBefore = Edit<Timestamp?>.keep
    package var batch = Edit<Slug?>.keep
    /// Whether seats may be counted anew, where another policy or product counts in another way.
    package var recounts = false
    /// The version that is changed; nil for whichever there is.
    package var version: Int64?

    package init() {}

    /// `license` after the change, which `product` is for then; its version is still the old one.
    func applied(to license: License, _ product: Product) -> License {
        var changed = license
        changed.productID = product.id
        changed.overrides = patch.applied(to: license.overrides)
        changed.policy = Policy(product.settings, changed.overrides)
        if case .set(let expiry) = expiry { changed.expiresAt = expiry.instant }
        changed.notBefore = notBefore.applied(to: license.notBefore)
        changed.batch = batch.applied(to: license.batch)
        return changed
    }
}

/// What became of a license.
package struct LicenseUpdate: Sendable {
    package let record: LicenseRecord
    /// Nothing when it was like this already: then there is no new version and no event.
    package let alterations: [Alteration]
    /// Whether its seats were counted anew.
    package let isRecounted: Bool
}

extension LicenseStore {
    /// Writes a change and its event. What follows for the seats is the caller's: `SeatStore.policyChanged`. Throws
    /// `LicensingRefusal.licenseUnknown`, `.licenseRevoked`, `.versionChanged`, `.productUnknown` and
    /// `.endBeforeBeginning` before anything is written.
    func update(
        _ id: LicenseID, _ change: LicenseChange, products: ProductStore, by provenance: Provenance,
        in transaction: WriteTransaction
    ) throws -> (before: License, after: License, alterations: [Alteration]) {
        guard let before = try current(id, in: transaction.reading) else { throw LicensingRefusal.licenseUnknown }
        guard before.state != .revoked else { throw LicensingRefusal.licenseRevoked }
        if let version = change.version, version != before.version {
            throw LicensingRefusal.versionChanged(current: before.version)
        }
        let (old, new) = try Self.products(of: before, change, products, in: transaction.reading)
        var after = change.applied(to: before, new)
        if let start = after.notBefore, let end = after.expiresAt, end <= start {
            throw LicensingRefusal.endBeforeBeginning
        }
        let alterations = before.alterations(to: after, products: (old.code, new.code))
        guard !alterations.isEmpty else { return (before, before, []) }
        after.version += 1
        try write(after, in: transaction)
        try journal.append(after.changed(alterations), by: provenance, in: transaction)
        return (before, after, alterations)
    }

    private static func products(
        of license: License, _ change: LicenseChange, _ products: ProductStore, in transaction: ReadTransaction
    ) throws -> (old: Product, new: Product) {
        guard let old = try products.find(license.productID, in: transaction) else {
            throw DatabaseError.corrupt(detail: "a license without its product")
        }
        let code = change.product.applied(to: old.code)
        guard let new = try products.find(code, in: transaction) else {
            throw LicensingRefusal.productUnknown(code.text)
        }
        return (old, new)
    }

    private func write(_ license: License, in transaction: WriteTransaction) throws {
        try transaction.execute(
            """
            UPDATE licenses SET product_id = ?, policy = ?, max_activations = ?, grace_days = ?, not_before = ?,
                expires_at = ?, batch = ?, version = ?
            WHERE id = ?
            """,
            license.productID, license.overrides.storedJSON, license.overrides.maxActivations,
            license.overrides.graceDays, license.notBefore, license.expiresAt, license.batch?.text, license.version,
            license.id)
    }
}

extension License {
    /// What differs in `other`, a later version of it; the products' codes are told, not their numbers.
    fileprivate func alterations(to other: License, products: (old: Slug, new: Slug)) -> [Alteration] {
        let facts = [
            Alteration("product", from: products.old.text, to: products.new.text),
            Alteration("not_before", from: notBefore?.description, to: other.notBefore?.description),
            Alteration("expires_at", from: expiresAt?.description, to: other.expiresAt?.description),
            Alteration("batch", from: batch?.text, to: other.batch?.text),
        ]
        return facts.compactMap { $0 } + overrides.alterations(to: other.overrides)
    }

    /// The event of what changed; what tells something of the customer's installations is sealed.
    fileprivate func changed(_ alterations: [Alteration]) -> Event {
        let personal = alterations.only(PolicyField.personal)
        let open = alterations.filter { !personal.contains($0) }
        return Event(
            Event.Kind("license.changed"), subject: id.description, subjectVersion: version,
            personal: personal.isEmpty
                ? nil : Event.Personal(customer: customerID.rawValue, json: JSONWriter.object(personal.write))
        ) { facts in open.write(to: &facts) }
    }
}

// MARK: - Who has what from a product

extension LicenseStore {
    /// How many licenses a product has, and how many of them have one of the named choices from it.
    func countInheriting(
        anyOf names: Set<String>, of product: ProductID, in transaction: ReadTransaction
    ) throws -> (all: Int, inheriting: Int) {
        var (all, inheriting) = (0, 0)
        try transaction.forEach(
            """
            SELECT policy, max_activations, grace_days, count(*) FROM licenses WHERE product_id = ?
            GROUP BY policy, max_activations, grace_days
            """, product
        ) { row in
            let stored = StoredSettings(
                json: row.text(0), maxActivations: row.optionalInteger(1), graceDays: row.optionalInteger(2))
            let own = try stored.settings()
            let count = Int(row.integer(3))
            all += count
            if PolicyField.all.contains(where: { names.contains($0.name) && own.value(of: $0) == .null }) {
                inheriting += count
            }
        }
        return (all, inheriting)
    }
}
