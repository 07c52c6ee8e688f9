import Database
package import Journal
import Primitives
package import Secrets

/// A newcomer's wish for a seat.
package struct SeatClaim: Sendable {
    package let license: LicenseID
    package let installation: Installation
    /// What the seat will belong to, and the location that it is claimed from.
    package let identity: SeatIdentity
    package let network: AddressNetwork
    package let place: KeyedHash
    /// False in grace, when an address may still join the seat of its domain but nobody gets another one.
    package let mayTakeSeat: Bool
    package let provenance: Provenance

    package init(
        license: LicenseID, installation: Installation, identity: SeatIdentity, network: AddressNetwork,
        place: KeyedHash, mayTakeSeat: Bool = true, provenance: Provenance
    ) {
        self.license = license
        self.installation = installation
        self.identity = identity
        self.network = network
        self.place = place
        self.mayTakeSeat = mayTakeSeat
        self.provenance = provenance
    }
}

/// What became of a claim.
package enum SeatOutcome: Sendable {
    /// The installation holds this seat, and did so durably before this was said.
    case held(PlaceFacts)
    /// No seat, or no room in one; `version` is the license version at which that was so.
    case refused(Verdict, version: Int64)
    /// The license is no longer in force: its own verdict counts.
    case notInForce
}

/// Seats in the database. Who gets the last one is decided here, by one statement, and nowhere else (DESIGN D4).
package struct SeatStore: Sendable {
    let journal: Journal
    private let hashes: KeyedHashes
    let licenses: LicenseStore

    package init(journal: Journal, hashes: KeyedHashes, licenses: LicenseStore) {
        self.journal = journal
        self.hashes = hashes
        self.licenses = licenses
    }

    /// Takes a seat for the claim's installation, or confirms the one it holds. Durable once the transaction commits.
    /// Safe to repeat: the place is the idempotency key.
    ///
    /// `lastSeen` gives what memory knows of a place and the database not yet.
    func claim(
        _ claim: SeatClaim, lastSeen: (KeyedHash) -> Timestamp?, in transaction: WriteTransaction
    ) throws -> (outcome: SeatOutcome, changes: [IndexChange]) {
        guard let license = try licenses.current(claim.license, in: transaction.reading), license.state == .active
        else { return (.notInForce, []) }
        let seats = try heldSeats(of: claim, lastSeen: lastSeen, in: transaction.reading)
        let decision = SeatPlan.decide(
            claim.place, among: seats, addressesPerSeat: license.policy.addressesPerSeat, at: claim.provenance.at)
        switch decision {
        case .confirm(let seat):
            let facts = PlaceFacts(seat, places: seat.places.count, lastSeen: claim.provenance.at)
            return (.held(facts), [.place(claim.place, facts)])
        case .join(let seat, let dropping):
            return try join(seat, dropping: dropping, claim, license, in: transaction)
        case .take where !claim.mayTakeSeat:
            return (.refused(.expired, version: license.version), [])
        case .take(let ordinal, let leaving):
            return try take(ordinal, leaving: leaving, hadSeats: !seats.isEmpty, claim, license, in: transaction)
        }
    }

    /// The seats that the claim's identity holds, with their places.
    private func heldSeats(
        of claim: SeatClaim, lastSeen: (KeyedHash) -> Timestamp?, in transaction: ReadTransaction
    ) throws -> [SeatPlan.HeldSeat] {
        var seats: [SeatPlan.HeldSeat] = []
        try transaction.forEach(
            """
            SELECT a.id, a.ordinal, a.first_seen, s.place_key, s.last_seen
            FROM activations a LEFT JOIN seat_addresses s ON s.activation_id = a.id
            WHERE a.license_id = ? AND a.released_at IS NULL
                AND a.domain IS NOT DISTINCT FROM ? AND a.installation_id IS NOT DISTINCT FROM ?
            ORDER BY a.ordinal, s.first_seen
            """,
            claim.license, claim.identity.domain, claim.identity.installationID
        ) { row in
            if seats.last?.id != row.randomID(0) {
                seats.append(
                    .init(id: row.randomID(0), ordinal: row.integer(1), firstSeen: row.timestamp(2), places: []))
            }
            guard !row.isNull(3) else { return }
            let key = KeyedHash(bytes: row.blob(3))
            let seen = max(row.timestamp(4), lastSeen(key) ?? row.timestamp(4))
            seats[seats.count - 1].places.append(.init(key: key, lastSeen: seen))
        }
        return seats
    }
}

// MARK: - Joining and taking

extension SeatStore {
    private func join(
        _ seat: SeatPlan.HeldSeat, dropping: [KeyedHash], _ claim: SeatClaim, _ license: License,
        in transaction: WriteTransaction
    ) throws -> (SeatOutcome, [IndexChange]) {
        guard try bumpVersion(of: license, in: transaction) else { return (.notInForce, []) }
        for key in dropping { try deletePlace(key, in: transaction) }
        try insertPlace(claim, activation: seat.id, in: transaction)
        let remaining = seat.places.filter { !dropping.contains($0.key) && $0.key != claim.place }
        let facts = PlaceFacts(seat, places: remaining.count + 1, lastSeen: claim.provenance.at)
        let changed = license.changed(used: license.used)
        try journal.append(
            Self.event("activation.address_added", seat.id, claim, changed), by: claim.provenance, in: transaction)
        let neighbors = remaining.map { place in
            IndexChange.place(place.key, PlaceFacts(seat, places: remaining.count + 1, lastSeen: place.lastSeen))
        }
        return (
            .held(facts),
            [.license(changed)] + dropping.map(IndexChange.placeGone) + neighbors + [.place(claim.place, facts)]
        )
    }

    private func take(
        _ ordinal: Int64, leaving: SeatPlan.HeldSeat?, hadSeats: Bool, _ claim: SeatClaim, _ license: License,
        in transaction: WriteTransaction
    ) throws -> (SeatOutcome, [IndexChange]) {
        let seat = SeatPlan.HeldSeat(
            id: .random(), ordinal: ordinal, firstSeen: claim.provenance.at, places: [])
        let isTaken = try transaction.savepoint { transaction -> Bool? in
            try insertActivation(seat, claim, in: transaction)
            return try takeSeat(of: license, in: transaction) ? true : nil
        }
        guard isTaken == true else {
            return (.refused(hadSeats ? .addressLimit : .activationLimit, version: license.version), [])
        }
        if leaving != nil { try deletePlace(claim.place, in: transaction) }
        try insertPlace(claim, activation: seat.id, in: transaction)
        let facts = PlaceFacts(seat, places: 1, lastSeen: claim.provenance.at)
        let changed = license.changed(used: license.used + 1)
        try journal.append(
            Self.event("activation.created", seat.id, claim, changed), by: claim.provenance, in: transaction)
        return (.held(facts), [.license(changed), .place(claim.place, facts)])
    }

    /// The one statement that decides who gets a seat: no row means that none was free.
    private func takeSeat(of license: License, in transaction: WriteTransaction) throws -> Bool {
        try transaction.execute(
            """
            UPDATE licenses SET used = used + 1, version = version + 1
            WHERE id = ? AND state = 'active' AND \(Self.hasRoom)
            """,
            license.id) == 1
    }

    /// The license's limit, or its product's.
    private static let hasRoom = """
        (coalesce(max_activations, (SELECT p.max_activations FROM products p WHERE p.id = product_id)) = 0
        OR used < coalesce(max_activations, (SELECT p.max_activations FROM products p WHERE p.id = product_id)))
        """

    private func bumpVersion(of license: License, in transaction: WriteTransaction) throws -> Bool {
        try transaction.execute(
            "UPDATE licenses SET version = version + 1 WHERE id = ? AND state = 'active'", license.id) == 1
    }

    private func insertActivation(
        _ seat: SeatPlan.HeldSeat, _ claim: SeatClaim, in transaction: WriteTransaction
    ) throws {
        let key = hashes.seat(claim.license, claim.identity, ordinal: seat.ordinal)
        try transaction.execute(
            """
            INSERT INTO activations (id, license_id, seat_key, domain, installation_id, ordinal, first_seen, last_seen)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            seat.id, claim.license, key.bytes, claim.identity.domain,
            claim.identity.installationID, seat.ordinal, seat.firstSeen, seat.firstSeen)
    }

    private func insertPlace(
        _ claim: SeatClaim, activation: ActivationID, in transaction: WriteTransaction
    ) throws {
        try transaction.execute(
            """
            INSERT INTO seat_addresses (place_key, activation_id, network, address, peer, first_seen, last_seen)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (place_key) DO UPDATE SET activation_id = excluded.activation_id, address = excluded.address,
                peer = excluded.peer, last_seen = excluded.last_seen
            """,
            claim.place.bytes, activation, claim.network.description,
            claim.installation.address.description, claim.installation.peer?.description,
            claim.provenance.at, claim.provenance.at)
    }

    private func deletePlace(_ key: KeyedHash, in transaction: WriteTransaction) throws {
        try transaction.execute("DELETE FROM seat_addresses WHERE place_key = ?", key.bytes)
    }

    private static func event(
        _ kind: String, _ activation: ActivationID, _ claim: SeatClaim, _ license: License
    ) -> Event {
        let personal = JSONWriter.object { json in
            json.member("domain", claim.installation.domain?.ascii)
            json.member("installation_id", claim.installation.installationID?.text)
            json.member("address", claim.installation.address.description)
            json.member("peer", claim.installation.peer?.description)
        }
        return Event(
            Event.Kind(kind), subject: license.id.description, subjectVersion: license.version,
            personal: Event.Personal(customer: license.customerID.rawValue, json: personal)
        ) { facts in
            facts.member("activation", activation.description)
            facts.member("used", Int64(license.used))
        }
    }
}

extension License {
    /// The license one version later, with `used` seats.
    func changed(used: Int) -> License {
        var changed = self
        changed.used = used
        changed.version += 1
        return changed
    }
}
