import Licensing
import TestSupport

extension TestHouse {
    /// The seat that a license file holds for a domain, whose address nobody said, or nil when none is free.
    func hold(_ domain: String, of license: IssuedLicense, days: Int) async throws -> ActivationID? {
        let file = try NewLicenseFile(
            license: license.id, installation: installation(domain: domain, ip: "0.0.0.0"), isAddressKnown: false,
            days: days)
        do {
            return try await licensing.issueFile(file, dryRun: false, by: provenance()).activation
        } catch OfflineRefusal.noSeat {
            return nil
        }
    }
}
