import Database
import Journal
package import Primitives
import Secrets

/// A `.lic` file about to be issued, checked.
package struct NewLicenseFile: Sendable {
    /// Days that a file may last.
    package static let daysRange = 1...366
    /// Bytes of a request's nonce.
    package static let nonceBytesMax = 256

    package let license: LicenseID
    package let installation: Installation
    /// False when nobody said at which address the installation is: then the token names none.
    package let isAddressKnown: Bool
    package let days: Int
    /// Of the request that it answers.
    package let nonce: String?

    /// Throws `InvalidInput` naming `days`.
    package init(
        license: LicenseID, installation: Installation, isAddressKnown: Bool, days: Int, nonce: String? = nil
    ) throws(InvalidInput) {
        guard Self.daysRange.contains(days) else {
            throw InvalidInput("days", "must be \(Self.daysRange.lowerBound) to \(Self.daysRange.upperBound)")
        }
        self.license = license
        self.installation = installation
        self.isAddressKnown = isAddressKnown
        self.days = days
        self.nonce = nonce
    }
}

/// A seat that a file holds until it ends.
struct FileSeat: Sendable {
    let license: License
    let place: PlaceFacts
    let placeKey: KeyedHash
    let endsAt: Timestamp
    let changes: [IndexChange]
}

/// License files in the database. A file is a row before it is a token.
struct LicenseFileStore: Sendable {
    let journal: Journal
    let hashes: KeyedHashes
    let licenses: LicenseStore
    let seats: SeatStore

    /// Takes or confirms the seat of the installation and records the file that will hold it. Throws
    /// `LicensingRefusal.licenseUnknown`, `OfflineRefusal`, `InvalidInput`.
    func issue(
        _ new: NewLicenseFile, lastSeen: (KeyedHash) -> Timestamp?, by provenance: Provenance,
        in transaction: WriteTransaction
    ) throws -> FileSeat {
        let now = provenance.at
        guard let before = try licenses.current(new.license, in: transaction.reading) else {
            throw LicensingRefusal.licenseUnknown
        }
        let claim = try claim(new, of: before, by: provenance)
        let (outcome, changes) = try seats.claim(claim, lastSeen: lastSeen, in: transaction)
        guard case .held(let place) = outcome else { throw Self.refusal(outcome) }
        // The first seat may have started the license's days.
        guard let license = try licenses.current(new.license, in: transaction.reading) else {
            throw LicensingRefusal.licenseUnknown
        }
        let end = now.wholeSeconds + .days(new.days)
        let endsAt = license.expiresAt.map { min(end, license.graceUntil ?? $0) } ?? end
        guard endsAt > now else { throw OfflineRefusal.notInForce(.expired) }
        try insert(new, activation: place.activation, endsAt: endsAt, at: now, in: transaction)
        try seats.keep(place.activation, until: endsAt, in: transaction)
        try journal.append(
            Self.issued(new, license, place.activation, endsAt: endsAt), by: provenance, in: transaction)
        return FileSeat(license: license, place: place, placeKey: claim.place, endsAt: endsAt, changes: changes)
    }

    /// The seat that the file needs. Throws `OfflineRefusal`, `InvalidInput`.
    private func claim(_ new: NewLicenseFile, of license: License, by provenance: Provenance) throws -> SeatClaim {
        let (policy, installation) = (license.policy, new.installation)
        let facts = LicenseFacts(license, policy: PolicyID(position: 0))
        let question = Question(product: nil, installation: installation)
        if let objection = Rules.objection(to: facts, under: policy, question, at: provenance.at) {
            throw OfflineRefusal.notInForce(objection)
        }
        if installation.isFree(under: policy) { throw OfflineRefusal.developmentHost }
        if !new.isAddressKnown, policy.countedBy == .ip || !policy.allowedNetworks.isEmpty {
            throw InvalidInput("ip_address", "must be there: this license is bound to addresses")
        }
        guard let identity = installation.identity(under: policy) else {
            throw InvalidInput("installation_id", "must be there: this license counts installation ids")
        }
        let network = installation.address.network(under: policy)
        let newcomer = Rules.verdict(on: facts, for: .newcomer, at: provenance.at)
        return SeatClaim(
            license: license.id, installation: installation, identity: identity, network: network,
            place: hashes.place(license.id, identity, network),
            refusal: newcomer == .notActivated ? nil : newcomer, isExplicit: true, isForFile: true,
            provenance: provenance)
    }

    private func insert(
        _ new: NewLicenseFile, activation: ActivationID, endsAt: Timestamp, at now: Timestamp,
        in transaction: WriteTransaction
    ) throws {
        try transaction.execute(
            """
            INSERT INTO license_files (license_id, activation_id, nonce, issued_at, ends_at) VALUES (?, ?, ?, ?, ?)
            """,
            new.license, activation, new.nonce, now.wholeSeconds, endsAt)
    }

    private static func refusal(_ outcome: SeatOutcome) -> OfflineRefusal {
        if case .refused(let verdict, _) = outcome { .noSeat(verdict) } else { .notInForce(.suspended) }
    }

    private static func issued(
        _ new: NewLicenseFile, _ license: License, _ activation: ActivationID, endsAt: Timestamp
    ) -> Event {
        let personal = JSONWriter.object { json in
            json.member("domain", new.installation.domain?.ascii)
            json.member("installation_id", new.installation.installationID?.text)
            json.member("address", new.isAddressKnown ? new.installation.address.description : nil)
        }
        return Event(
            Event.Kind("license.file_issued"), subject: license.id.description, subjectVersion: license.version,
            personal: Event.Personal(customer: license.customerID.rawValue, json: personal)
        ) { facts in
            facts.member("activation", activation.description)
            facts.member("ends_at", endsAt.description)
            facts.member("answers_request", new.nonce != nil)
        }
    }
}
