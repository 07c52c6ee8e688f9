package import Access
package import Database
package import Journal
package import Primitives

extension LicensingService {
    /// Issues a license and its key. Throws `LicensingRefusal`.
    package func issueLicense(
        _ new: NewLicense, dryRun: Bool, by provenance: Provenance
    ) async throws -> LicenseIssued {
        let issued = try await issueLicenses(new, count: 1, dryRun: dryRun, by: provenance)
        guard let first = issued.first else { preconditionFailure("one was asked for") }
        return first
    }

    /// Issues `count` licenses alike, all of them or none: 1…`NewLicense.countMax`. Throws `LicensingRefusal`.
    package func issueLicenses(
        _ new: NewLicense, count: Int, dryRun: Bool, by provenance: Provenance,
        receipt: Receipt<[LicenseIssued]> = .none
    ) async throws -> [LicenseIssued] {
        precondition((1...NewLicense.countMax).contains(count), "the count was checked where it was read")
        var generator = SystemRandomNumberGenerator()
        let keys = (0..<count).map { _ in LicenseKey(new.product.keyFormat, using: &generator) }
        let (registrar, index) = (registrar, index)
        return try await database.write(dryRun: dryRun) { transaction in
            try receipt.covering(transaction) {
                try keys.map { try registrar.issue(new, key: $0, by: provenance, in: transaction) }
            }
        } committed: {
            index.apply($0.flatMap(\.changes))
        }
    }

    /// The license with `id`, or nil.
    package func license(_ id: LicenseID) async throws -> LicenseRecord? {
        let licenses = licenses
        return try await database.read { try licenses.find(id, in: $0) }
    }

    /// The newest live key of a license, from its sealed copy; nil without one.
    package func key(of id: LicenseID) async throws -> LicenseKey? {
        let licenses = licenses
        return try await database.read { try licenses.key(of: id, in: $0) }
    }

    /// One page of licenses, newest first, or as the filter says.
    package func licenses(
        _ filter: LicenseFilter, _ page: Page, at now: Timestamp
    ) async throws -> Listing<LicenseRecord> {
        if filter.bySpread { try await storeLastSeen() }
        let (licenses, seats) = (licenses, seats)
        return try await database.read { transaction in
            guard filter.bySpread else { return try licenses.list(filter, page, at: now, in: transaction) }
            return try licenses.list(
                seats.spread(at: now, in: transaction), filter, page, at: now, in: transaction)
        }
    }

    /// The `max` newest licenses that `filter` lets through and whose position in the status list is below `position`:
    /// for going through all of them without keeping them.
    package func licenses(
        _ filter: LicenseFilter, below position: Int64, max: Int, at now: Timestamp
    ) async throws -> [LicenseRecord] {
        let licenses = licenses
        return try await database.read { try licenses.slice(filter, below: position, max: max, at: now, in: $0) }
    }

    /// One page of the taken seats of a license, oldest first, with times of last use up to now.
    package func activations(of id: LicenseID, _ page: Page) async throws -> Listing<Activation> {
        try await storeLastSeen()
        let seats = seats
        return try await database.read { try seats.activations(of: id, page, in: $0) }
    }

    /// The taken seats of a license, with times of last use up to now.
    package func activations(of id: LicenseID) async throws -> [Activation] {
        try await storeLastSeen()
        let seats = seats
        return try await database.read { try seats.activations(of: id, in: $0) }
    }

    /// Releases seats. Throws `LicensingRefusal.installationUnknown`, `.licenseUnknown`.
    package func release(
        _ selection: SeatSelection, of id: LicenseID, dryRun: Bool, by provenance: Provenance
    ) async throws -> (released: [Activation], license: License) {
        let (seats, index) = (seats, index)
        let result = try await database.write(dryRun: dryRun) { transaction in
            try seats.release(selection, of: id, by: provenance, in: transaction)
        } committed: {
            index.apply($0.changes)
        }
        return (result.seats, result.license)
    }
}
