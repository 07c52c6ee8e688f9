package import Access
import Database
package import Journal
import Primitives

extension LicensingService {
    /// What an import of a batch did, line by line.
    package typealias ImportResults = [ImportResult]

    /// Brings what another system says into ours: one transaction, in which each line is done whole or not at all. A
    /// line that comes again as it was changes nothing. Throws `LicensingRefusal.productUnknown`.
    package func importLicenses(
        _ batch: ImportBatch, dryRun: Bool, by provenance: Provenance, receipt: Receipt<ImportResults> = .none
    ) async throws -> ImportResults {
        try await storeLastSeen()
        let (importer, index, catalog) = (importer, index, catalog)
        let imported = try await database.write(dryRun: dryRun) { transaction in
            var changes: [IndexChange] = []
            let results = try receipt.covering(transaction) {
                let imported = try importer.run(
                    batch, forms: catalog.keyForms, lastSeen: { index.place($0)?.lastSeen }, by: provenance,
                    in: transaction)
                changes = imported.changes
                return imported.results
            }
            return LicenseImporter.Imported(results: results, changes: changes)
        } committed: { imported in
            if imported.bringsKeys { catalog.admitImportedKeys() }
            index.apply(imported.changes)
        }
        return imported.results
    }

    /// What old clients are told of a license of `product`, besides what it allows; without one, of a license of ours.
    package func legacyFacts(of license: LicenseID, _ product: ProductID) async throws -> LegacyFacts {
        let (links, secrets) = (importer.links, importer.secrets)
        return try await database.read { transaction in
            let link = try links.find(.license, of: license.databaseValue, in: transaction)
            var facts = link.map { LegacyFacts(stored: $0.legacy) } ?? LegacyFacts()
            facts.secret = try secrets.find(for: product, preferring: facts.product, in: transaction)
            if let there = try facts.product.flatMap({ try links.find(.product, $0, in: transaction) }) {
                facts.productName = (try JSONReader.read(there.legacy.utf8)).objectValue?["name"]?.stringValue
            }
            return facts
        }
    }

    /// What imports with the stores of this service.
    private var importer: LicenseImporter {
        LicenseImporter(
            customers: customers, products: products, licenses: licenses, seats: seats, registrar: registrar,
            links: ImportLinkStore(source: .whmcs, journal: licenses.journal),
            secrets: ProductSecretStore(source: .whmcs, secrets: licenses.secrets))
    }
}
