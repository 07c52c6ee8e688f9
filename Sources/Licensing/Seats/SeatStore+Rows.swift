package import Database
import Primitives
import Secrets

// MARK: - Reading

extension SeatStore {
    static let seatColumns = """
        a.id, a.domain, a.network, a.installation_id, a.carried_domain, a.carried_installation_id, a.ordinal, a.kind,
        a.held_until, a.first_seen, a.last_seen
        """

    /// A seat from a row of `seatColumns`, with `addresses` seen in it.
    static func seat(_ row: any SQLRow, addresses: [Activation.Address] = []) throws -> Activation {
        Activation(
            id: row.randomID(0), domain: row.optionalText(1), network: row.optionalText(2),
            installationID: row.optionalText(3),
            carried: CarriedIdentity(domain: row.optionalText(4), installationID: row.optionalText(5)),
            ordinal: row.integer(6), kind: try kind(row.text(7)), heldUntil: row.optionalTimestamp(8),
            firstSeen: row.timestamp(9), lastSeen: row.timestamp(10), addresses: addresses)
    }

    static func kind(_ name: String) throws -> SeatKind {
        guard let kind = SeatKind(name: name) else { throw DatabaseError.corrupt(detail: "seat kind \(name)") }
        return kind
    }

    /// The seats that the claim's identity holds, with their places.
    func heldSeats(
        of claim: SeatClaim, lastSeen: LastSeen, in transaction: ReadTransaction
    ) throws -> [SeatPlan.HeldSeat] {
        var seats: [SeatPlan.HeldSeat] = []
        try transaction.forEach(
            """
            SELECT a.id, a.ordinal, a.first_seen, a.kind, s.place_key, s.last_seen
            FROM activations a LEFT JOIN seat_addresses s ON s.activation_id = a.id
            WHERE a.license_id = ? AND a.released_at IS NULL AND a.domain IS NOT DISTINCT FROM ?
                AND a.network IS NOT DISTINCT FROM ? AND a.installation_id IS NOT DISTINCT FROM ?
            ORDER BY a.ordinal, s.first_seen
            """,
            claim.license, claim.identity.domain, claim.identity.network, claim.identity.installationID
        ) { row in
            if seats.last?.id != row.randomID(0) {
                seats.append(
                    .init(
                        id: row.randomID(0), ordinal: row.integer(1), firstSeen: row.timestamp(2),
                        kind: try Self.kind(row.text(3)), places: []))
            }
            guard !row.isNull(4) else { return }
            let key = KeyedHash(bytes: row.blob(4))
            let seen = max(row.timestamp(5), lastSeen(key) ?? row.timestamp(5))
            seats[seats.count - 1].places.append(.init(key: key, lastSeen: seen))
        }
        return seats
    }

    /// The seats of a license that are taken, oldest first, with the addresses seen in them.
    package func activations(of license: LicenseID, in transaction: ReadTransaction) throws -> [Activation] {
        var bySeat: [ActivationID: [Activation.Address]] = [:]
        try transaction.forEach(
            """
            SELECT s.activation_id, s.address, s.peer, s.first_seen, s.last_seen
            FROM seat_addresses s JOIN activations a ON a.id = s.activation_id
            WHERE a.license_id = ? AND a.released_at IS NULL ORDER BY s.first_seen, s.place_key
            """,
            license
        ) { row in
            bySeat[row.randomID(0), default: []].append(
                Activation.Address(
                    address: row.text(1), peer: row.optionalText(2), firstSeen: row.timestamp(3),
                    lastSeen: row.timestamp(4)))
        }
        return try transaction.all(
            """
            SELECT \(Self.seatColumns) FROM activations a
            WHERE a.license_id = ? AND a.released_at IS NULL ORDER BY a.first_seen, a.id
            """,
            license
        ) { row in
            try Self.seat(row, addresses: bySeat[row.randomID(0)] ?? [])
        }
    }

    /// How many places there are, those of released seats included.
    func placeCount(in transaction: ReadTransaction) throws -> Int {
        Int(try transaction.count("SELECT count(*) FROM seat_addresses"))
    }

    /// Hands every place of every taken seat to `body`: the index fills itself from here.
    func forEachPlace(
        in transaction: ReadTransaction, do body: @escaping (KeyedHash, PlaceFacts) -> Void
    ) throws {
        var seat = PlacesOfSeat { body($1, $2) }
        try transaction.forEach("\(Self.places) ORDER BY a.id") { seat.take(try Self.place($0), of: $0.randomID(7)) }
        seat.handOver()
    }

    /// The same for the licenses with `ids`, each place with its license.
    func forEachPlace(
        of ids: [SQLValue], in transaction: ReadTransaction,
        do body: @escaping (LicenseID, KeyedHash, PlaceFacts) -> Void
    ) throws {
        var seat = PlacesOfSeat(body)
        try transaction.each(
            "\(Self.places) AND a.license_id IN (\(ids.placeholders)) ORDER BY a.id", arguments: ids
        ) { seat.take(try Self.place($0), of: $0.randomID(7)) }
        seat.handOver()
    }

    private static let places = """
        SELECT s.place_key, a.id, a.first_seen, s.last_seen, a.kind, a.carried_domain, a.carried_installation_id,
            a.license_id
        FROM activations a JOIN seat_addresses s ON s.activation_id = a.id
        WHERE a.released_at IS NULL
        """

    /// The only place of a seat.
    private static func place(_ row: any SQLRow) throws -> (key: KeyedHash, facts: PlaceFacts) {
        let carried = CarriedIdentity(domain: row.optionalText(5), installationID: row.optionalText(6))
        return (
            row.keyedHash(0),
            PlaceFacts(
                activation: row.randomID(1), firstSeen: row.timestamp(2), lastSeen: row.timestamp(3), placesOfSeat: 1,
                kind: try kind(row.text(4)), carried: carried.mark)
        )
    }
}

// MARK: - Writing

extension SeatStore {
    func bumpVersion(of license: License, in transaction: WriteTransaction) throws -> Bool {
        try transaction.execute(
            "UPDATE licenses SET version = version + 1 WHERE id = ? AND state = 'active'", license.id) == 1
    }

    func insertActivation(
        _ seat: SeatPlan.HeldSeat, _ claim: SeatClaim, _ policy: Policy, in transaction: WriteTransaction
    ) throws {
        try insertActivation(
            seat, of: claim.license, claim.identity, claim.carried, policy, lastSeen: seat.lastSeen(claim.at),
            heldUntil: nil, in: transaction)
    }

    func insertActivation(
        _ seat: SeatPlan.HeldSeat, of license: LicenseID, _ identity: SeatIdentity, _ carried: CarriedIdentity,
        _ policy: Policy, lastSeen: Timestamp, heldUntil: Timestamp?, in transaction: WriteTransaction
    ) throws {
        try transaction.execute(
            """
            INSERT INTO activations (id, license_id, seat_key, domain, network, installation_id, carried_domain,
                carried_installation_id, ordinal, kind, held_until, lease_minutes, first_seen, last_seen)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            seat.id, license, hashes.seat(license, identity, ordinal: seat.ordinal).bytes, identity.domain,
            identity.network, identity.installationID, carried.domain, carried.installationID, seat.ordinal,
            seat.kind.name, heldUntil, policy.leaseMinutes, seat.firstSeen, lastSeen)
    }

    func insertPlace(_ claim: SeatClaim, activation: ActivationID, in transaction: WriteTransaction) throws {
        try insertPlace(
            claim.place, claim.network,
            Activation.Address(
                address: claim.installation.address.description, peer: claim.installation.peer?.description,
                firstSeen: claim.at, lastSeen: claim.at),
            activation: activation, in: transaction)
    }

    func insertPlace(
        _ key: KeyedHash, _ network: AddressNetwork, _ address: Activation.Address, activation: ActivationID,
        in transaction: WriteTransaction
    ) throws {
        try transaction.execute(
            """
            INSERT INTO seat_addresses (place_key, activation_id, network, address, peer, first_seen, last_seen)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (place_key) DO UPDATE SET activation_id = excluded.activation_id, address = excluded.address,
                peer = excluded.peer, last_seen = excluded.last_seen
            """,
            key.bytes, activation, network.description, address.address, address.peer, address.firstSeen,
            address.lastSeen)
    }

    func deletePlace(_ key: KeyedHash, in transaction: WriteTransaction) throws {
        try transaction.execute("DELETE FROM seat_addresses WHERE place_key = ?", key.bytes)
    }

    /// Stores when places were last seen, and from how many networks; earlier times than the stored ones change
    /// nothing.
    func recordLastSeen(_ places: [(KeyedHash, PlaceFacts)], in transaction: WriteTransaction) throws {
        try transaction.executeAll(
            "UPDATE seat_addresses SET last_seen = ? WHERE place_key = ? AND last_seen < ?",
            places.map { key, facts in [facts.lastSeen, key.bytes, facts.lastSeen] })
        try transaction.executeAll(Self.recordUse, places.map { [$1.lastSeen, $1.activation, $1.lastSeen] })
        try recordSpread(places.map(\.1), in: transaction)
    }

    private static let recordUse = "UPDATE activations SET last_seen = ? WHERE id = ? AND last_seen < ?"

    /// Stores that a seat was used at `time`, which decides who may have it and which one moves.
    func recordUse(of seat: ActivationID, at time: Timestamp, in transaction: WriteTransaction) throws {
        try transaction.execute(Self.recordUse, time, seat, time)
    }

    /// Stores what installations say besides what their seats belong to.
    func recordCarried(_ carried: [(ActivationID, CarriedIdentity)], in transaction: WriteTransaction) throws {
        try transaction.executeAll(
            """
            UPDATE activations SET carried_domain = coalesce(?, carried_domain),
                carried_installation_id = coalesce(?, carried_installation_id)
            WHERE id = ? AND released_at IS NULL
            """,
            carried.map { id, identity in [identity.domain, identity.installationID, id] })
    }

    /// Locks the licenses that the seats belong to, in one order, so that two transactions that lock many never wait
    /// for each other.
    func lockLicenses(of seats: [ActivationID], in transaction: WriteTransaction) throws {
        var licenses: Set<LicenseID> = []
        for start in stride(from: 0, to: seats.count, by: Self.lockedAtOnce) {
            var part = seats[start..<min(start + Self.lockedAtOnce, seats.count)].map(\.sqlValue)
            part += repeatElement(part[0], count: Self.lockedAtOnce - part.count)
            licenses.formUnion(
                try transaction.reading.all(Self.licensesOfSeats, arguments: part) { $0.randomID(0) })
        }
        for license in licenses.sorted() { try transaction.lock("licenses", "id", license) }
    }

    /// Seats in one statement; fewer are filled up, so that one statement is prepared.
    private static let lockedAtOnce = 250

    private static let licensesOfSeats = """
        SELECT DISTINCT license_id FROM activations
        WHERE id IN (\(repeatElement("?", count: lockedAtOnce).joined(separator: ", ")))
        """
}

/// Rows of one seat come one after the other, so that its places are counted here and not by a query for each.
private struct PlacesOfSeat {
    private let body: (LicenseID, KeyedHash, PlaceFacts) -> Void
    private var places: [(license: LicenseID, key: KeyedHash, facts: PlaceFacts)] = []

    init(_ body: @escaping (LicenseID, KeyedHash, PlaceFacts) -> Void) { self.body = body }

    mutating func take(_ place: (key: KeyedHash, facts: PlaceFacts), of license: LicenseID) {
        if place.facts.activation != places.last?.facts.activation { handOver() }
        places.append((license, place.key, place.facts))
    }

    mutating func handOver() {
        for (license, key, var facts) in places {
            facts.placesOfSeat = UInt8(clamping: places.count)
            body(license, key, facts)
        }
        places.removeAll(keepingCapacity: true)
    }
}

extension SeatPlan.HeldSeat {
    /// Never before it was first seen, also when the clock was set back.
    fileprivate func lastSeen(_ now: Timestamp) -> Timestamp { max(now, firstSeen) }
}

extension Policy {
    /// Minutes of the lease; 0 for none.
    var leaseMinutes: Int64 { lease.map { $0.wholeSeconds / 60 } ?? 0 }
}
