import Database
import Journal
import Primitives
import Secrets

/// Which of a license's seats an operator means.
package enum SeatSelection: Sendable {
    /// All seats of a domain, or with an address only those that were seen at its network.
    case domain(CanonicalDomain, CanonicalAddress?)
    /// The seats that were seen at the network of an address.
    case address(CanonicalAddress)
    case installationID(InstallationID)
    case all
}

/// What releasing seats did.
package struct SeatsReleased: Sendable {
    package let seats: [Activation]
    /// The license after it.
    package let license: License
    package let changes: [IndexChange]
}

/// What became of an installation's wish to give its seat back.
enum SeatReturn: Sendable {
    case released(SeatsReleased)
    /// It was released before: nothing is left to do.
    case wasReleased
    /// The installations of the license have moved and left as often as they may for now.
    case budgetSpent
    /// A license file holds the seat until then.
    case held(until: Timestamp)
    /// The license has no such seat and never had.
    case unknown
}

extension SeatStore {
    /// Releases the selected seats, durable once the transaction commits. Throws `LicensingRefusal.installationUnknown`
    /// when there is none, and `.licenseUnknown`.
    func release(
        _ selection: SeatSelection, of id: LicenseID, by provenance: Provenance, in transaction: WriteTransaction
    ) throws -> SeatsReleased {
        guard let license = try licenses.current(id, in: transaction.reading) else {
            throw LicensingRefusal.licenseUnknown
        }
        let seats = try activations(of: id, in: transaction.reading).filter {
            selection.includes($0, under: license.policy)
        }
        guard !seats.isEmpty else { throw LicensingRefusal.installationUnknown }
        return try release(seats, as: .operator, of: license, by: provenance, in: transaction)
    }

    /// Releases the seat `id`, for the installation that proved to hold it, at the expense of its license's budget.
    /// Safe to repeat.
    func giveBack(
        _ id: ActivationID, of licenseID: LicenseID, by provenance: Provenance, in transaction: WriteTransaction
    ) throws -> SeatReturn {
        guard let license = try licenses.current(licenseID, in: transaction.reading) else { return .unknown }
        let found = try transaction.reading.first(
            "SELECT \(Self.seatColumns), a.released_at FROM activations a WHERE a.id = ? AND a.license_id = ?", id,
            licenseID
        ) { (seat: try Self.seat($0), isReleased: !$0.isNull(11)) }
        guard let found else { return .unknown }
        if found.isReleased { return .wasReleased }
        if let until = found.seat.heldUntil, until > provenance.at { return .held(until: until) }
        guard try hasBudget(license, at: provenance.at, in: transaction.reading) else { return .budgetSpent }
        return .released(try release([found.seat], as: .itself, of: license, by: provenance, in: transaction))
    }

    /// Releases `seats`, which `license` holds, as one new version of it with an event for each.
    func release(
        _ seats: [Activation], as kind: SeatReleaseKind, of license: License, by provenance: Provenance,
        in transaction: WriteTransaction
    ) throws -> SeatsReleased {
        var gone: [IndexChange] = []
        for seat in seats { gone += try close(seat, as: kind, by: provenance, in: transaction) }
        var changed = license.changed(used: license.used - seats.count { $0.kind.isCounted })
        if !changed.isOverLimit { changed.overLimitUntil = nil }
        try transaction.execute(
            "UPDATE licenses SET used = ?, version = ?, over_limit_until = ? WHERE id = ?", changed.used,
            changed.version, changed.overLimitUntil, changed.id)
        for seat in seats {
            try journal.append(Self.released(seat, as: kind, changed), by: provenance, in: transaction)
        }
        return SeatsReleased(seats: seats, license: changed, changes: [.license(changed)] + gone)
    }

    /// Ends a seat's row and takes its places away; counters and event are the caller's.
    func close(
        _ seat: Activation, as kind: SeatReleaseKind, by provenance: Provenance, in transaction: WriteTransaction
    ) throws -> [IndexChange] {
        let keys = try transaction.reading.all(
            "SELECT place_key FROM seat_addresses WHERE activation_id = ?", seat.id
        ) { KeyedHash(bytes: $0.blob(0)) }
        try transaction.execute("DELETE FROM seat_addresses WHERE activation_id = ?", seat.id)
        try transaction.execute(
            """
            UPDATE activations SET released_at = ?, released_by = ?, release_kind = ?
            WHERE id = ? AND released_at IS NULL
            """,
            provenance.at, provenance.actor, kind.rawValue, seat.id)
        return keys.map { .placeGone($0, of: seat.id) }
    }

    private static func released(_ seat: Activation, as kind: SeatReleaseKind, _ license: License) -> Event {
        let personal = JSONWriter.object { json in
            json.member("domain", seat.domain ?? seat.carried.domain)
            json.member("network", seat.network)
            json.member("installation_id", seat.installationID ?? seat.carried.installationID)
        }
        return Event(
            Event.Kind("activation.released"), subject: license.id.description, subjectVersion: license.version,
            personal: Event.Personal(customer: license.customerID.rawValue, json: personal)
        ) { facts in
            facts.member("activation", seat.id.description)
            facts.member("release_kind", kind.rawValue)
            facts.member("kind", seat.kind.name)
            facts.member("used", Int64(license.used))
        }
    }
}

extension SeatSelection {
    /// A domain is also what the installation of a seat by address or identifier said last.
    fileprivate func includes(_ seat: Activation, under policy: Policy) -> Bool {
        switch self {
        case .all: true
        case .installationID(let id): seat.installationID == id.text
        case .address(let address): seat.wasSeen(at: address, under: policy)
        case .domain(let domain, let address):
            (seat.domain ?? seat.carried.domain) == domain.ascii
                && address.map { seat.wasSeen(at: $0, under: policy) } ?? true
        }
    }
}

extension Activation {
    fileprivate func wasSeen(at address: CanonicalAddress, under policy: Policy) -> Bool {
        let network = address.network(under: policy)
        return addresses.contains { CanonicalAddress($0.address)?.network(under: policy) == network }
    }
}
