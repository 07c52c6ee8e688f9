import Database
package import Journal
import Primitives

extension LicensingService {
    /// Changes a license: one transaction, one event, and what follows for its seats. Throws
    /// `LicensingRefusal.licenseUnknown`, `.licenseRevoked`, `.versionChanged`, `.productUnknown`,
    /// `.endBeforeBeginning`, and `.recountNeeded` when seats would be counted in another way and `change` does not say
    /// that they may be.
    package func updateLicense(
        _ id: LicenseID, _ change: LicenseChange, dryRun: Bool, by provenance: Provenance
    ) async throws -> LicenseUpdate {
        try await storeLastSeen()
        let (licenses, products, seats, index) = (licenses, products, seats, index)
        do {
            return try await database.write(dryRun: dryRun) { transaction in
                let (before, after, alterations) = try licenses.update(
                    id, change, products: products, by: provenance, in: transaction)
                var seated = SeatsChanged(license: after, changes: [])
                if !alterations.isEmpty {
                    seated = try seats.policyChanged(
                        from: before.policy, of: after, recounts: change.recounts, by: provenance, in: transaction)
                }
                guard let record = try licenses.find(id, in: transaction.reading) else {
                    throw DatabaseError.statement(detail: "a license just changed is not there")
                }
                let update = LicenseUpdate(
                    record: record, alterations: alterations, isRecounted: seated.isRecounted)
                return (update: update, changes: seated.changes)
            } committed: { (done: (update: LicenseUpdate, changes: [IndexChange])) in
                index.apply(done.changes)
            }.update
        } catch LicensingRefusal.productUnknown(let code, _) {
            throw unknownProduct(code)
        }
    }
}
