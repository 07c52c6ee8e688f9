import Primitives

/// The seats of a license grouped anew because they are counted in another way: a decision over plain values.
struct Recount {
    /// An address of a seat, and the location that it is counted as now.
    struct Place: Sendable {
        let network: AddressNetwork
        var address: Activation.Address
    }

    /// A seat as it will be.
    struct Seat: Sendable {
        let identity: SeatIdentity
        let carried: CarriedIdentity
        let ordinal: Int64
        let kind: SeatKind
        let heldUntil: Timestamp?
        let firstSeen: Timestamp
        let lastSeen: Timestamp
        let places: [Place]
    }

    /// In order of age.
    let seats: [Seat]

    /// Groups `held`, oldest first, as `policy` counts. Each identity has as many seats as its live addresses need.
    /// What is known of a seat says which identity it has; one of which that is not known has no seat any more.
    init(_ held: [Activation], under policy: Policy, at now: Timestamp) {
        var groups: [SeatIdentity: Group] = [:]
        var order: [SeatIdentity] = []
        for seat in held {
            for (identity, place) in Self.places(of: seat, under: policy) {
                if groups[identity] == nil { order.append(identity) }
                groups[identity, default: Group()].add(place, of: seat)
            }
        }
        seats = order.flatMap { identity in groups[identity]?.seats(of: identity, under: policy, at: now) ?? [] }
    }

    /// Where the addresses of a seat belong now; a seat without any belongs where its installation does.
    private static func places(of seat: Activation, under policy: Policy) -> [(SeatIdentity, Place?)] {
        let places = seat.addresses.compactMap { address in
            CanonicalAddress(address.address).map { Place(network: $0.network(under: policy), address: address) }
        }
        if places.isEmpty { return identity(of: seat, at: nil, under: policy).map { [($0, nil)] } ?? [] }
        return places.compactMap { place in
            identity(of: seat, at: place.network, under: policy).map { ($0, place) }
        }
    }

    /// As `Installation.identity(under:)` says of an installation that calls.
    private static func identity(
        of seat: Activation, at network: AddressNetwork?, under policy: Policy
    ) -> SeatIdentity? {
        let domain = (seat.domain ?? seat.carried.domain).flatMap { try? CanonicalDomain($0) }
        let id = (seat.installationID ?? seat.carried.installationID).flatMap(InstallationID.init)
        return switch policy.countedBy {
        case .domain: domain.map(SeatIdentity.domain) ?? id.map(SeatIdentity.installationID)
        case .ip: network.map(SeatIdentity.network)
        case .installationID: id.map(SeatIdentity.installationID)
        }
    }
}

extension Recount {
    /// What belongs to one identity.
    private struct Group {
        private var sources: [Activation] = []
        private var places: [AddressNetwork: Place] = [:]

        mutating func add(_ place: Place?, of seat: Activation) {
            if !sources.contains(where: { $0.id == seat.id }) { sources.append(seat) }
            guard let place else { return }
            places[place.network] = places[place.network].map { $0.merged(with: place) } ?? place
        }

        func seats(of identity: SeatIdentity, under policy: Policy, at now: Timestamp) -> [Seat] {
            let all = places.values.sorted {
                ($1.address.lastSeen, $0.network.description) < ($0.address.lastSeen, $1.network.description)
            }
            let live = all.count { now - $0.address.lastSeen <= .hours(SeatPlan.livenessHours) }
            let size = policy.addressesPerSeat
            let count = max(1, min(sources.count, (live + size - 1) / size))
            return (0..<count).map { position in
                let own = Array(all.dropFirst(position * size).prefix(size))
                return seat(of: identity, own, position, under: policy)
            }
        }

        private func seat(
            of identity: SeatIdentity, _ places: [Place], _ position: Int, under policy: Policy
        ) -> Seat {
            let source = sources[position]
            let domain = sources.compactMap { $0.domain ?? $0.carried.domain }.first
            let id = sources.compactMap { $0.installationID ?? $0.carried.installationID }.first
            let seen = places.map(\.address.lastSeen).max() ?? source.lastSeen
            return Seat(
                identity: identity,
                carried: CarriedIdentity(
                    domain: identity.domain == nil ? domain : nil,
                    installationID: identity.installationID == nil ? id : nil),
                ordinal: Int64(position + 1), kind: kind(of: source, identity, under: policy),
                heldUntil: source.heldUntil, firstSeen: source.firstSeen, lastSeen: max(seen, source.firstSeen),
                places: places)
        }

        /// Staging is a matter of domains.
        private func kind(of source: Activation, _ identity: SeatIdentity, under policy: Policy) -> SeatKind {
            guard source.kind == .staging else { return source.kind }
            let isStaging = identity.domain.map { policy.isStaging(domain: $0) } ?? false
            return isStaging ? .staging : .production
        }
    }
}

extension Recount.Place {
    /// One location of two addresses in it: the one seen last, since the earlier of the two times.
    fileprivate func merged(with other: Self) -> Self {
        let newer = other.address.lastSeen > address.lastSeen ? other : self
        return Self(
            network: network,
            address: Activation.Address(
                address: newer.address.address, peer: newer.address.peer,
                firstSeen: min(address.firstSeen, other.address.firstSeen), lastSeen: newer.address.lastSeen))
    }
}
