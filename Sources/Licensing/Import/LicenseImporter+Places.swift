import Database
import Journal
import Primitives
import Secrets

/// The places at which a license was used, as seats.
extension LicenseImporter {
    /// Takes a seat for every place that has none. One that was deactivated here lately stays away.
    func claimPlaces(_ change: inout LicenseImport) throws {
        change.notes += change.plan.places.notes
        for place in change.plan.places.places(under: change.license.policy) {
            try claim(place, &change)
        }
    }

    private func claim(_ place: ImportedPlaces.Place, _ change: inout LicenseImport) throws {
        let policy = change.license.policy
        guard
            let installation = Installation(
                domain: place.domain, installationID: nil, address: place.address, peer: nil)
                ?? Self.nameless(place.address, under: policy),
            let identity = installation.identity(under: policy),
            policy.countsDevelopment || !installation.isDevelopment
        else { return }
        let network = place.address.network(under: policy)
        let claim = SeatClaim(
            license: change.id, installation: installation, identity: identity, network: network,
            place: licenses.hashes.place(change.id, identity, network), isExplicit: true,
            provenance: change.run.provenance)
        guard try !seats.isBarred(claim, in: change.run.reading) else {
            return change.note(place, "was deactivated here")
        }
        let claimed = try seats.claim(claim, lastSeen: change.run.lastSeen, in: change.run.transaction)
        change.took(claimed.changes, try licenses.current(change.id, in: change.run.reading) ?? change.license)
        switch claimed.outcome {
        case .held(let facts): try mark(facts.activation, change.run)
        case .refused(let verdict, _): change.note(place, "is refused: \(verdict.message)")
        case .notInForce: change.note(place, "takes its seat when it calls: the license is not in force now")
        case .outdated: change.note(place, "is counted in another way now")
        }
    }

    /// Where addresses are counted, a place needs no name; an installation does.
    private static func nameless(_ address: CanonicalAddress, under policy: Policy) -> Installation? {
        guard policy.countedBy == .ip else { return nil }
        return Installation(domain: CanonicalDomain(address), installationID: nil, address: address, peer: nil)
    }

    private func mark(_ activation: ActivationID, _ run: Run) throws {
        try run.transaction.execute(
            "INSERT INTO imported_seats (activation_id) VALUES (?) ON CONFLICT (activation_id) DO NOTHING", activation)
    }

    /// Gives back the seats that an import took for places which are not in the lists any more, unless their
    /// installations have called here.
    func releasePlaces(_ change: inout LicenseImport) throws {
        let stays = change.plan.places.identities(under: change.license.policy)
        let imported = Set(
            try change.run.reading.all(
                """
                SELECT a.id FROM imported_seats i JOIN activations a ON a.id = i.activation_id
                WHERE a.license_id = ? AND a.released_at IS NULL AND a.last_seen = a.first_seen
                """, change.id
            ) { ActivationID(databaseValue: $0.integer(0)) })
        let gone = try seats.activations(of: change.id, in: change.run.reading).filter { seat in
            imported.contains(seat.id) && !stays.contains(seat.domain ?? seat.network ?? "")
        }
        guard !gone.isEmpty else { return }
        let released = try seats.release(
            gone, as: .operator, of: change.license, by: change.run.provenance, in: change.run.transaction)
        change.took(released.changes, released.license)
    }
}

extension LicenseImport {
    fileprivate mutating func note(_ place: ImportedPlaces.Place, _ what: String) {
        let name = place.domain?.ascii ?? place.address.description
        notes.append(ImportNote(.locationNotTaken, "\(name) \(what)."))
    }
}
