import Database
package import Journal
package import LicenseToken
package import Primitives
import Secrets

/// A `.lic` file that was issued, or with a dry run would be.
package struct IssuedLicenseFile: Sendable {
    package let license: LicenseID
    package let activation: ActivationID
    package let issuedAt: Timestamp
    package let endsAt: Timestamp
    /// Nil when it was only tried.
    package let file: LicenseFile?
}

extension LicensingService {
    /// Issues an offline key. Throws `LicensingRefusal.licenseUnknown`, `OfflineRefusal`.
    package func issueOfflineKey(
        of id: LicenseID, bound binding: OfflineBinding, dryRun: Bool, by provenance: Provenance
    ) async throws -> IssuedOfflineKey {
        // A key without an end must be verified for as long as anything is planned.
        let farthest = provenance.at + .days(Int(Expiry.daysAheadMax))
        let end = try await license(id)?.license.expiresAt.map { min($0, farthest) } ?? farthest
        let signer = try await keys.signer(until: end, by: provenance)
        let (licenses, store, products, index) = (licenses, offlineKeys, products, index)
        return try await database.write(dryRun: dryRun) { transaction in
            guard let license = try licenses.current(id, in: transaction.reading) else {
                throw LicensingRefusal.licenseUnknown
            }
            let product = try products.product(of: license, in: transaction.reading)
            let facts = try store.facts(of: license, product, bound: binding, by: provenance, in: transaction)
            // Deterministic: what is signed here and then undone by a dry run is told to nobody.
            let key = try signer.offlineKeys.sign(facts)
            try store.insert(key, of: license, bound: binding, by: provenance, in: transaction)
            return IssuedOfflineKey(license: id, key: key, facts: facts, binding: binding)
        } committed: { issued in
            index.apply([.key(store.hashes.hash(of: issued.key), id)])
        }
    }

    /// Takes a seat for as long as a file lasts, and then signs it. Throws `LicensingRefusal.licenseUnknown`,
    /// `OfflineRefusal`, `InvalidInput`.
    package func issueFile(
        _ new: NewLicenseFile, dryRun: Bool, by provenance: Provenance
    ) async throws -> IssuedLicenseFile {
        let (files, products, index) = (licenseFiles, products, index)
        let (seat, product) = try await database.write(dryRun: dryRun) { transaction in
            let seat = try files.issue(
                new, lastSeen: { index.place($0)?.lastSeen }, by: provenance, in: transaction)
            return (seat, try products.product(of: seat.license, in: transaction.reading))
        } committed: { (done: (seat: FileSeat, product: Product)) in
            index.apply(done.seat.changes)
        }
        return IssuedLicenseFile(
            license: new.license, activation: seat.place.activation, issuedAt: provenance.at.wholeSeconds,
            endsAt: seat.endsAt, file: dryRun ? nil : try await file(new, seat, product, by: provenance))
    }

    private func file(
        _ new: NewLicenseFile, _ seat: FileSeat, _ product: Product, by provenance: Provenance
    ) async throws -> LicenseFile {
        let facts = LicenseFacts(seat.license, policy: PolicyID(position: 0))
        let token = try await mint.fileToken(
            for: ValidationAnswer.Seat(place: seat.place, installation: new.installation), place: seat.placeKey,
            of: ValidationAnswer.License(facts: facts, policy: seat.license.policy, product: product),
            nonce: new.nonce, isAddressKnown: new.isAddressKnown, until: seat.endsAt, by: provenance)
        var headers = [
            LicenseFile.Header(name: "Product", value: product.code.text),
            LicenseFile.Header(name: "License", value: new.license.description),
        ]
        if let domain = new.installation.domain { headers.append(.init(name: "Domain", value: domain.ascii)) }
        if let id = new.installation.installationID { headers.append(.init(name: "Installation", value: id.text)) }
        headers.append(.init(name: "Valid-Until", value: seat.endsAt.description))
        return LicenseFile(token: LicenseToken(String(decoding: token, as: UTF8.self)), headers: headers)
    }

    /// The numbers of a product's types and features in offline keys.
    package func offlineKeyNames(of product: Product) async throws -> OfflineKeyNames {
        let codes = offlineKeys.codes
        return try await database.read { try codes.names(of: product, in: $0) }
    }

    /// Gives names numbers, before a key needs them. Throws `OfflineRefusal.numbersUsedUp`.
    package func addOfflineKeyNames(
        types: [Slug], features: [Slug], to product: Product, dryRun: Bool, by provenance: Provenance
    ) async throws -> OfflineKeyNames {
        let codes = offlineKeys.codes
        return try await database.write(dryRun: dryRun) { transaction in
            try codes.add(types: types, features: features, to: product, by: provenance, in: transaction)
            return try codes.names(of: product, in: transaction.reading)
        }
    }
}
