import Database
import Journal
import Primitives
import Secrets

extension SeatStore {
    /// Makes one installation of two domains of a license: the seats of `from` end, and their addresses go where those
    /// of `into` have room for them, the ones seen last first. Without a seat of `into` one is made in their stead. It
    /// costs no budget. Throws `LicensingRefusal.licenseUnknown`, and `.installationUnknown` when `from` has no seat.
    func merge(
        _ from: CanonicalDomain, into domain: CanonicalDomain, of id: LicenseID, by provenance: Provenance,
        in transaction: WriteTransaction
    ) throws -> SeatsReleased {
        guard let license = try licenses.current(id, in: transaction.reading) else {
            throw LicensingRefusal.licenseUnknown
        }
        let held = try activations(of: id, in: transaction.reading)
        let sources = held.filter { $0.domain == from.ascii }
        guard from != domain, !sources.isEmpty else { throw LicensingRefusal.installationUnknown }
        var changes: [IndexChange] = []
        for seat in sources { changes += try close(seat, as: .merged, by: provenance, in: transaction) }
        var targets = held.filter { $0.domain == domain.ascii }.map(Target.init)
        var used = license.used - sources.count { $0.kind.isCounted }
        if targets.isEmpty {
            let target = try replace(sources, under: domain, of: license, in: transaction)
            used += target.seat.kind.isCounted ? 1 : 0
            targets = [target]
        }
        distribute(sources, over: &targets, at: domain, of: license)
        changes += try targets.flatMap { try store($0, under: domain, of: license, in: transaction) }
        let changed = try finish(license, used: used, sources, into: domain, from, by: provenance, in: transaction)
        return SeatsReleased(seats: sources, license: changed, changes: [.license(changed)] + changes)
    }

    /// A seat that takes addresses in.
    private struct Target {
        let seat: SeatPlan.HeldSeat
        /// Those it had, then those that came.
        var addresses: [Activation.Address]
        let before: Int

        init(_ activation: Activation) {
            seat = SeatPlan.HeldSeat(
                id: activation.id, ordinal: activation.ordinal, firstSeen: activation.firstSeen, kind: activation.kind,
                places: [])
            addresses = activation.addresses
            before = addresses.count
        }

        init(_ seat: SeatPlan.HeldSeat) {
            self.seat = seat
            addresses = []
            before = 0
        }
    }

    private func replace(
        _ sources: [Activation], under domain: CanonicalDomain, of license: License, in transaction: WriteTransaction
    ) throws -> Target {
        let staging: SeatKind = license.policy.isStaging(domain: domain.ascii) ? .staging : .production
        let seat = SeatPlan.HeldSeat(
            id: .random(), ordinal: 1, firstSeen: sources[0].firstSeen,
            kind: sources.map(\.kind).first { $0 != .staging } ?? staging, places: [])
        let carried = CarriedIdentity(
            domain: nil, installationID: sources.compactMap(\.carried.installationID).first)
        try insertActivation(
            seat, of: license.id, .domain(domain), carried, license.policy,
            lastSeen: sources.map(\.lastSeen).max() ?? seat.firstSeen,
            heldUntil: sources.compactMap(\.heldUntil).max(), in: transaction)
        return Target(seat)
    }

    private func distribute(
        _ sources: [Activation], over targets: inout [Target], at domain: CanonicalDomain, of license: License
    ) {
        func network(_ address: Activation.Address) -> AddressNetwork? {
            CanonicalAddress(address.address)?.network(under: license.policy)
        }
        var known = Set(targets.flatMap(\.addresses).compactMap(network))
        for address in sources.flatMap(\.addresses).sorted(by: { $0.lastSeen > $1.lastSeen }) {
            guard let place = network(address), !known.contains(place),
                let room = targets.firstIndex(where: { $0.addresses.count < license.policy.addressesPerSeat })
            else { continue }
            targets[room].addresses.append(address)
            known.insert(place)
        }
    }

    private func store(
        _ target: Target, under domain: CanonicalDomain, of license: License, in transaction: WriteTransaction
    ) throws -> [IndexChange] {
        try target.addresses.enumerated().compactMap { position, address in
            guard let network = CanonicalAddress(address.address)?.network(under: license.policy) else { return nil }
            let key = hashes.place(license.id, .domain(domain), network)
            if position >= target.before {
                try insertPlace(key, network, address, activation: target.seat.id, in: transaction)
                try recordUse(of: target.seat.id, at: address.lastSeen, in: transaction)
            }
            return .place(
                key, PlaceFacts(target.seat, places: target.addresses.count, lastSeen: address.lastSeen))
        }
    }

    private func finish(
        _ license: License, used: Int, _ sources: [Activation], into domain: CanonicalDomain, _ from: CanonicalDomain,
        by provenance: Provenance, in transaction: WriteTransaction
    ) throws -> License {
        var changed = license.changed(used: used)
        changed.overLimitUntil = SeatRules.overLimitUntil(of: changed, at: provenance.at)
        try transaction.execute(
            "UPDATE licenses SET used = ?, version = ?, over_limit_until = ? WHERE id = ?", changed.used,
            changed.version, changed.overLimitUntil, changed.id)
        let personal = JSONWriter.object { json in
            json.member("domain", domain.ascii)
            json.member("from_domain", from.ascii)
        }
        let event = Event(
            Event.Kind("activation.merged"), subject: changed.id.description, subjectVersion: changed.version,
            personal: Event.Personal(customer: changed.customerID.rawValue, json: personal)
        ) { facts in
            facts.member("released", sources.map(\.id.description))
            facts.member("used", Int64(used))
        }
        try journal.append(event, by: provenance, in: transaction)
        return changed
    }
}
