package import Database
import Journal
import Primitives
import Secrets

/// Which of a license's seats an operator means.
package enum SeatSelection: Sendable {
    /// All seats of a domain, or with a network only the one that was seen there.
    case domain(CanonicalDomain, AddressNetwork?)
    case installationID(InstallationID)
    case all
}

extension SeatStore {
    /// Releases the selected seats, durable once the transaction commits. Throws `LicensingRefusal.installationUnknown`
    /// when there is none, and `.licenseUnknown`.
    func release(
        _ selection: SeatSelection, of id: LicenseID, by provenance: Provenance, in transaction: WriteTransaction
    ) throws -> (released: [Activation], license: License, changes: [IndexChange]) {
        guard let license = try licenses.current(id, in: transaction.reading) else {
            throw LicensingRefusal.licenseUnknown
        }
        let seats = try activations(of: id, in: transaction.reading).filter { selection.includes($0) }
        guard !seats.isEmpty else { throw LicensingRefusal.installationUnknown }
        var changes: [IndexChange] = []
        for seat in seats { changes += try release(seat, by: provenance, in: transaction) }
        let changed = license.changed(used: license.used - seats.count)
        try transaction.execute(
            "UPDATE licenses SET used = ?, version = ? WHERE id = ?", changed.used, changed.version, id)
        for seat in seats { try journal.append(Self.released(seat, changed), by: provenance, in: transaction) }
        return (seats, changed, [.license(changed)] + changes)
    }

    /// The seats of a license that are taken, oldest first, with the addresses seen in them.
    package func activations(of license: LicenseID, in transaction: ReadTransaction) throws -> [Activation] {
        let addresses = try transaction.all(
            """
            SELECT s.activation_id, s.address, s.peer, s.first_seen, s.last_seen
            FROM seat_addresses s JOIN activations a ON a.id = s.activation_id
            WHERE a.license_id = ? AND a.released_at IS NULL ORDER BY s.first_seen
            """,
            license
        ) { row in
            (
                ActivationID(databaseValue: row.integer(0)),
                Activation.Address(
                    address: row.text(1), peer: row.optionalText(2), firstSeen: row.timestamp(3),
                    lastSeen: row.timestamp(4))
            )
        }
        let bySeat = Dictionary(grouping: addresses, by: \.0)
        return try transaction.all(
            """
            SELECT id, domain, installation_id, first_seen, last_seen FROM activations
            WHERE license_id = ? AND released_at IS NULL ORDER BY first_seen, id
            """,
            license
        ) { row in
            Activation(
                id: row.randomID(0), domain: row.optionalText(1), installationID: row.optionalText(2),
                firstSeen: row.timestamp(3), lastSeen: row.timestamp(4),
                addresses: bySeat[row.randomID(0)]?.map(\.1) ?? [])
        }
    }

    /// Hands every place of every taken seat to `body`: the index fills itself from here.
    func forEachPlace(in transaction: ReadTransaction, do body: (KeyedHash, PlaceFacts) -> Void) throws {
        try transaction.forEach(
            """
            SELECT s.place_key, a.id, a.first_seen, s.last_seen,
                (SELECT count(*) FROM seat_addresses n WHERE n.activation_id = a.id)
            FROM seat_addresses s JOIN activations a ON a.id = s.activation_id
            WHERE a.released_at IS NULL
            """
        ) { row in
            body(
                KeyedHash(bytes: row.blob(0)),
                PlaceFacts(
                    activation: row.randomID(1), firstSeen: row.timestamp(2), lastSeen: row.timestamp(3),
                    placesOfSeat: Int(row.integer(4))))
        }
    }

    /// Stores when places were last seen; earlier times than the stored ones change nothing.
    func recordLastSeen(_ places: [(KeyedHash, PlaceFacts)], in transaction: WriteTransaction) throws {
        for (key, facts) in places {
            try transaction.execute(
                "UPDATE seat_addresses SET last_seen = ? WHERE place_key = ? AND last_seen < ?",
                facts.lastSeen, key.bytes, facts.lastSeen)
            try transaction.execute(
                "UPDATE activations SET last_seen = ? WHERE id = ? AND last_seen < ?",
                facts.lastSeen, facts.activation, facts.lastSeen)
        }
    }

    private func release(
        _ seat: Activation, by provenance: Provenance, in transaction: WriteTransaction
    ) throws -> [IndexChange] {
        let keys = try transaction.reading.all(
            "SELECT place_key FROM seat_addresses WHERE activation_id = ?", seat.id
        ) { KeyedHash(bytes: $0.blob(0)) }
        try transaction.execute("DELETE FROM seat_addresses WHERE activation_id = ?", seat.id)
        try transaction.execute(
            "UPDATE activations SET released_at = ?, released_by = ? WHERE id = ? AND released_at IS NULL",
            provenance.at, provenance.actor, seat.id)
        return keys.map(IndexChange.placeGone)
    }

    private static func released(_ seat: Activation, _ license: License) -> Event {
        let personal = JSONWriter.object { json in
            json.member("domain", seat.domain)
            json.member("installation_id", seat.installationID)
        }
        return Event(
            Event.Kind("activation.released"), subject: license.id.description, subjectVersion: license.version,
            personal: Event.Personal(customer: license.customerID.rawValue, json: personal)
        ) { facts in
            facts.member("activation", seat.id.description)
            facts.member("used", Int64(license.used))
        }
    }
}

extension SeatSelection {
    fileprivate func includes(_ seat: Activation) -> Bool {
        switch self {
        case .all: true
        case .installationID(let id): seat.installationID == id.text
        case .domain(let domain, nil): seat.domain == domain.ascii
        case .domain(let domain, .some(let network)):
            seat.domain == domain.ascii
                && seat.addresses.contains { CanonicalAddress($0.address)?.network == network }
        }
    }
}
