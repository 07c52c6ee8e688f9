package import Primitives
package import Secrets

/// Which seat a newcomer address goes to: a decision over plain values (DESIGN D7, first paragraph).
package struct SeatPlan {
    /// How long an address stays live after it was last seen.
    package static let livenessHours = 48

    /// A seat that the identity holds already.
    package struct HeldSeat: Sendable, Equatable {
        /// The identity at one network, and when it last asked from there.
        package struct Place: Sendable, Equatable {
            package let key: KeyedHash
            package let lastSeen: Timestamp

            package init(key: KeyedHash, lastSeen: Timestamp) {
                self.key = key
                self.lastSeen = lastSeen
            }
        }

        package let id: ActivationID
        package let ordinal: Int64
        package let firstSeen: Timestamp
        package let kind: SeatKind
        package var places: [Place]

        package init(
            id: ActivationID, ordinal: Int64, firstSeen: Timestamp, kind: SeatKind = .production, places: [Place]
        ) {
            self.id = id
            self.ordinal = ordinal
            self.firstSeen = firstSeen
            self.kind = kind
            self.places = places
        }
    }

    /// What a claim for the place leads to.
    package enum Decision: Sendable, Equatable {
        /// The place is in this seat and counts there: nothing to write but the time.
        case confirm(HeldSeat)
        /// The place joins a seat that has room; `dropping` are places of it that are no longer live.
        case join(HeldSeat, dropping: [KeyedHash])
        /// A further seat is needed; `leaving` is the place's stale entry in a seat without room.
        case take(ordinal: Int64, leaving: HeldSeat?)
    }

    /// Where `place` goes among the seats that its identity holds.
    package static func decide(
        _ place: KeyedHash, among seats: [HeldSeat], addressesPerSeat: Int, at now: Timestamp
    ) -> Decision {
        let holder = seats.first { $0.places.contains { $0.key == place } }
        if let holder, counts(place, in: holder, addressesPerSeat, at: now) { return .confirm(holder) }
        if let seat = seats.first(where: { live(in: $0, at: now, besides: place).count < addressesPerSeat }) {
            let stale = seat.places.filter { !isLive($0, at: now) && $0.key != place }.map(\.key)
            let isFull = seat.places.count >= addressesPerSeat
            return .join(seat, dropping: isFull ? stale : [])
        }
        let taken = Set(seats.map(\.ordinal))
        let ordinal = (1...).first { !taken.contains($0) } ?? Int64(seats.count) + 1
        return .take(ordinal: ordinal, leaving: holder)
    }

    /// Whether a known place still counts where it is: it is live, or its seat has room for all its places.
    private static func counts(
        _ place: KeyedHash, in seat: HeldSeat, _ addressesPerSeat: Int, at now: Timestamp
    ) -> Bool {
        seat.places.count <= addressesPerSeat || seat.places.contains { $0.key == place && isLive($0, at: now) }
    }

    private static func live(in seat: HeldSeat, at now: Timestamp, besides place: KeyedHash) -> [HeldSeat.Place] {
        seat.places.filter { isLive($0, at: now) && $0.key != place }
    }

    private static func isLive(_ place: HeldSeat.Place, at now: Timestamp) -> Bool {
        now - place.lastSeen <= .hours(livenessHours)
    }
}
