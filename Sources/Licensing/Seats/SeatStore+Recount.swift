import Database
import Journal
import Primitives
import Secrets

extension SeatStore {
    /// Counts the seats of a license anew, as its policy says now: every seat ends, and those of the new way begin with
    /// the times and addresses of the old. One version, one event. More seats than the limit allows stay, as after a
    /// limit that was lowered; the caller marks that.
    func recount(
        _ license: License, by provenance: Provenance, in transaction: WriteTransaction
    ) throws -> SeatsChanged {
        let held = try activations(of: license.id, in: transaction.reading)
        let plan = Recount(held, under: license.policy, at: provenance.at)
        var gone: [IndexChange] = []
        for seat in held { gone += try close(seat, as: .recount, by: provenance, in: transaction) }
        var changed = license.changed(used: plan.seats.count { $0.kind.isCounted })
        changed.overLimitUntil = changed.isOverLimit ? license.overLimitUntil : nil
        var places: [IndexChange] = []
        for seat in plan.seats { places += try insert(seat, of: changed, in: transaction) }
        try transaction.execute(
            "UPDATE licenses SET used = ?, version = ?, over_limit_until = ? WHERE id = ?", changed.used,
            changed.version, changed.overLimitUntil, changed.id)
        let used = changed.used
        let event = Event(
            Event.Kind("activation.recounted"), subject: changed.id.description, subjectVersion: changed.version
        ) { facts in
            facts.member("counted_by", license.policy.countedBy.rawValue)
            facts.member("ipv6_prefix", Int64(license.policy.ipv6Prefix))
            facts.member("seats_before", Int64(held.count))
            facts.member("seats_after", Int64(plan.seats.count))
            facts.member("used", Int64(used))
        }
        try journal.append(event, by: provenance, in: transaction)
        return SeatsChanged(license: changed, changes: [.license(changed)] + gone + places)
    }

    private func insert(
        _ seat: Recount.Seat, of license: License, in transaction: WriteTransaction
    ) throws -> [IndexChange] {
        let held = SeatPlan.HeldSeat(
            id: .random(), ordinal: seat.ordinal, firstSeen: seat.firstSeen, kind: seat.kind, places: [])
        try insertActivation(
            held, of: license.id, seat.identity, seat.carried, license.policy, lastSeen: seat.lastSeen,
            heldUntil: seat.heldUntil, in: transaction)
        return try seat.places.map { place in
            let key = hashes.place(license.id, seat.identity, place.network)
            try insertPlace(key, place.network, place.address, activation: held.id, in: transaction)
            return .place(
                key,
                PlaceFacts(
                    held, places: seat.places.count, lastSeen: place.address.lastSeen, carried: seat.carried.mark))
        }
    }
}
