package import Access
import Database
package import Journal
package import Primitives
import Secrets

extension LicensingService {
    /// Gives a license a new key. Its keys of ours, with `allKeys` those of every kind, work until the overlap is over.
    /// Those are meant that there are when this is called: of two calls at once neither ends the other's key. Throws
    /// `LicensingRefusal.licenseUnknown`, `LicenseKeyRefusal`.
    package func rekey(
        _ id: LicenseID, overlap: KeyOverlap, allKeys: Bool, dryRun: Bool, by provenance: Provenance,
        receipt: Receipt<RekeyedLicense> = .none
    ) async throws -> RekeyedLicense {
        let (store, products, index) = (licenseKeys, products, index)
        let (product, known) = try await database.read { transaction in
            guard let license = try store.licenses.find(id, in: transaction)?.license else {
                throw LicensingRefusal.licenseUnknown
            }
            return (try products.product(of: license, in: transaction), try store.keys(of: id, in: transaction))
        }
        let replaced = known.filter { allKeys || $0.kind == .native }.map(\.hash)
        var generator = SystemRandomNumberGenerator()
        let key = LicenseKey(product.keyFormat, using: &generator)
        return try await database.write(dryRun: dryRun) { transaction in
            try receipt.covering(transaction) {
                try store.rekey(
                    id, to: key, replacing: replaced, overlap: overlap, by: provenance, in: transaction)
            }
        } committed: {
            index.apply($0.changes)
        }
    }

    /// The keys that open a license now, told again to whoever may see them; recorded. Throws
    /// `LicensingRefusal.licenseUnknown`.
    package func revealKeys(of id: LicenseID, by provenance: Provenance) async throws -> [RevealedKey] {
        let store = licenseKeys
        return try await database.write { try store.reveal(id, by: provenance, in: $0) }
    }

    /// The keys of a license, also those that ended; the ones that last longest first.
    package func keys(of id: LicenseID) async throws -> [LicenseKeyRecord] {
        let store = licenseKeys
        return try await database.read { try store.keys(of: id, in: $0) }
    }

    /// The key that someone typed, also when it has ended; nil when there is none. Throws `InvalidInput` naming
    /// `member` for what is no key, and the key that was meant if it is known. For operators only: to others that would
    /// tell of keys they do not have.
    package func key(typed text: String, member: String) async throws -> LicenseKeyRecord? {
        let reading = KeyReading(text, forms: catalog.keyForms)
        guard !reading.isMalformed else { throw try await noKey(text, member: member) }
        let (store, hashes) = (licenseKeys, validator.hashes)
        return try await database.read { transaction in
            try reading.first(hashes) { try store.key($0, in: transaction) }
        }
    }

    /// Lets memory forget keys whose end is long over. Called now and then.
    package func forgetEndedKeys(at now: Timestamp) { index.forgetEndedKeys(at: now) }
}
