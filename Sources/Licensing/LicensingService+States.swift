package import Access
import Database
package import Journal
import Primitives

extension LicensingService {
    /// Changes how a license stands, as an operator; what `LicenseRegistrar.transition` throws.
    package func change(
        _ transition: LicenseTransition, of id: LicenseID, dryRun: Bool, by provenance: Provenance,
        receipt: Receipt<LicenseChanged> = .none
    ) async throws -> LicenseChanged {
        // Addresses that were seen last stay with the seat.
        if transition.kind == .merge { try await storeLastSeen() }
        let (registrar, index) = (registrar, index)
        return try await database.write(dryRun: dryRun) { transaction in
            try receipt.covering(transaction) {
                try registrar.transition(transition, of: id, by: .operator, provenance, in: transaction)
            }
        } committed: {
            index.apply($0.changes)
        }
    }
}
