import Database
package import Journal
import Primitives
import Secrets

/// Seats in the database. Who gets the last one is decided here, by one statement, and nowhere else (DESIGN D4).
package struct SeatStore: Sendable {
    /// What memory knows of the last use of a place, which the database may not know yet.
    typealias LastSeen = (KeyedHash) -> Timestamp?

    /// What became of a claim, and what it changes in memory.
    typealias Claimed = (outcome: SeatOutcome, changes: [IndexChange])

    let journal: Journal
    let hashes: KeyedHashes
    let licenses: LicenseStore

    package init(journal: Journal, hashes: KeyedHashes, licenses: LicenseStore) {
        self.journal = journal
        self.hashes = hashes
        self.licenses = licenses
    }

    /// Takes a seat for the claim's installation, or confirms the one it holds. Durable once the transaction commits.
    /// Safe to repeat: the place is the idempotency key.
    func claim(_ claim: SeatClaim, lastSeen: LastSeen, in transaction: WriteTransaction) throws -> Claimed {
        guard let license = try licenses.current(claim.license, in: transaction.reading), license.state == .active
        else { return (.notInForce, []) }
        guard claim.isCurrent(under: license.policy) else { return (.outdated, []) }
        let seats = try heldSeats(of: claim, lastSeen: lastSeen, in: transaction.reading)
        let decision = SeatPlan.decide(
            claim.place, among: seats, addressesPerSeat: license.policy.addressesPerSeat, at: claim.at)
        switch decision {
        case .confirm(let seat) where claim.isForFile, .join(let seat, _) where claim.isForFile:
            return (.held(claim.facts(seat, places: seat.places.count)), [])
        case .confirm(let seat):
            return try confirm(seat, claim, license, in: transaction)
        case .join(let seat, let dropping):
            return try join(seat, dropping: dropping, claim, license, in: transaction)
        case .take(let ordinal, let leaving):
            let need = Need(claim: claim, ordinal: ordinal, leaving: leaving, hasSeats: !seats.isEmpty)
            return try admit(need, license, lastSeen: lastSeen, in: transaction)
        }
    }

    /// A further seat that is needed.
    struct Need {
        let claim: SeatClaim
        let ordinal: Int64
        /// The seat in which the place has a stale entry.
        let leaving: SeatPlan.HeldSeat?
        /// Whether the identity holds seats already.
        let hasSeats: Bool

        func seat(_ kind: SeatKind, firstSeen: Timestamp? = nil) -> SeatPlan.HeldSeat {
            SeatPlan.HeldSeat(
                id: .random(), ordinal: ordinal, firstSeen: firstSeen ?? claim.at, kind: kind, places: [])
        }
    }

    /// Gives the seat that is needed, in the first of the ways that is open: the one that its installation holds under
    /// another domain, one for staging, a free one, one that can be freed.
    private func admit(
        _ need: Need, _ license: License, lastSeen: LastSeen, in transaction: WriteTransaction
    ) throws -> Claimed {
        let claim = need.claim
        func refused(_ verdict: Verdict) -> Claimed { (.refused(verdict, version: license.version), []) }
        if !claim.isExplicit, license.policy.activation == .explicit { return refused(claim.refusal ?? .notActivated) }
        if !claim.isExplicit, try isBarred(claim, in: transaction.reading) {
            return refused(claim.refusal ?? .notActivated)
        }
        let isStaging = claim.isStaging(under: license.policy)
        if !isStaging, let source = try movingSeat(need, license, in: transaction.reading) {
            return try move(source, need, license, in: transaction)
        }
        if let refusal = claim.refusal { return refused(refusal) }
        if isStaging, let staged = try stage(need, license, lastSeen: lastSeen, in: transaction) { return staged }
        if let taken = try take(need, license, in: transaction) { return taken }
        if let freed = try freeSeat(of: license, by: claim.provenance, lastSeen: lastSeen, in: transaction),
            let taken = try take(need, freed.license, in: transaction)
        {
            return (taken.outcome, freed.changes + taken.changes)
        }
        return refused(need.hasSeats ? .addressLimit : .activationLimit)
    }
}

// MARK: - Joining

extension SeatStore {
    /// The place is in its seat: only the time is written, unless it is known already. Memory learns it as stored, and
    /// would not store it later.
    private func confirm(
        _ seat: SeatPlan.HeldSeat, _ claim: SeatClaim, _ license: License, in transaction: WriteTransaction
    ) throws -> Claimed {
        let facts = claim.facts(seat, places: seat.places.count)
        if seat.places.contains(where: { $0.key == claim.place && $0.lastSeen < claim.at }) {
            try recordLastSeen([(claim.place, facts)], in: transaction)
        }
        try recordCarried(claim, of: seat, in: transaction)
        return (.held(facts), [.place(claim.place, facts)])
    }

    private func recordCarried(
        _ claim: SeatClaim, of seat: SeatPlan.HeldSeat, in transaction: WriteTransaction
    ) throws {
        if claim.carried.mark != 0 { try recordCarried([(seat.id, claim.carried)], in: transaction) }
    }

    private func join(
        _ seat: SeatPlan.HeldSeat, dropping: [KeyedHash], _ claim: SeatClaim, _ license: License,
        in transaction: WriteTransaction
    ) throws -> Claimed {
        guard try bumpVersion(of: license, in: transaction) else { return (.notInForce, []) }
        for key in dropping { try deletePlace(key, in: transaction) }
        try insertPlace(claim, activation: seat.id, in: transaction)
        try recordUse(of: seat.id, at: claim.at, in: transaction)
        try recordCarried(claim, of: seat, in: transaction)
        let remaining = seat.places.filter { !dropping.contains($0.key) && $0.key != claim.place }
        let facts = claim.facts(seat, places: remaining.count + 1)
        let changed = license.changed(used: license.used)
        try journal.append(
            claim.event("activation.address_added", seat, of: changed), by: claim.provenance, in: transaction)
        let neighbors = remaining.map { place in
            IndexChange.place(place.key, PlaceFacts(seat, places: remaining.count + 1, lastSeen: place.lastSeen))
        }
        return (
            .held(facts),
            [.license(changed)] + dropping.map { .placeGone($0, of: seat.id) } + neighbors
                + [.place(claim.place, facts)]
        )
    }
}

extension SeatClaim {
    /// Its place in `seat`, which has so many.
    func facts(_ seat: SeatPlan.HeldSeat, places: Int) -> PlaceFacts {
        PlaceFacts(
            seat, places: places, lastSeen: at, sketch: SpreadSketch(of: installation.peer), carried: carried.mark)
    }

    /// The event of what it did to `seat` of `license`, as that stands after it.
    func event(
        _ kind: String, _ seat: SeatPlan.HeldSeat, of license: License, from: Activation? = nil
    ) -> Event {
        let personal = JSONWriter.object { json in
            json.member("domain", installation.domain?.ascii)
            json.member("installation_id", installation.installationID?.text)
            json.member("address", installation.address.description)
            json.member("peer", installation.peer?.description)
            if let from { json.member("from_domain", from.domain) }
        }
        return Event(
            Event.Kind(kind), subject: license.id.description, subjectVersion: license.version,
            personal: Event.Personal(customer: license.customerID.rawValue, json: personal)
        ) { facts in
            facts.member("activation", seat.id.description)
            if let from { facts.member("from_activation", from.id.description) }
            facts.member("kind", seat.kind.name)
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
