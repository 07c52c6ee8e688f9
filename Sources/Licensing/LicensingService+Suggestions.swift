import Customers
import Database
import Primitives

// What operators may have meant. Installations are told nothing of it: that would be to tell of what is not theirs.

extension LicensingService {
    /// That `text` is no license key, and which one it may be a misprint of.
    func noKey(_ text: String, member: String) async throws -> InvalidInput {
        let meant = try await keyMeant(by: text).map { "; did you mean \($0.text)?" } ?? ""
        return InvalidInput(member, "is not a license key: a symbol is wrong, missing or swapped\(meant)")
    }

    /// The key of a license that `text` is a misprint of; nil unless it is exactly one.
    private func keyMeant(by text: String) async throws -> LicenseKey? {
        let keys = LicenseKey.misprinted(text, prefixes: catalog.keyForms.prefixes)
        let (store, hashes) = (licenseKeys, validator.hashes)
        let known = try await database.read { transaction in
            try keys.filter { try store.key(hashes.hash(of: $0), in: transaction) != nil }
        }
        return known.count == 1 ? known[0] : nil
    }

    /// That there is no customer with this number, and which ones may have been meant: two digits are swapped, or else
    /// one is another. With many customers many numbers are near; then nobody is told.
    package func unknownCustomer(_ text: String) async throws -> LicensingRefusal {
        let customers = customers
        let near = try await database.read { transaction in
            for texts in [NearNames.swapped(text), NearNames.substituted(text)] {
                let ids = Set(texts).compactMap { CustomerID(text: $0) }
                let known = try ids.filter { try customers.find($0, in: transaction) != nil }
                if !known.isEmpty { return known.sorted { $0.rawValue < $1.rawValue } }
            }
            return []
        }
        return .customerUnknown(text, near: near.count <= NearNames.namesMax ? near.map(\.description) : [])
    }

    /// That there is no product with this code, and which ones may have been meant.
    package func unknownProduct(_ code: String) -> LicensingRefusal {
        .productUnknown(code, near: NearNames.near(code, among: catalog.codes))
    }
}
