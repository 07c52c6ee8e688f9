import Database
import Journal
import Primitives
import Secrets

// MARK: - A seat of the license

extension SeatStore {
    /// A further seat of the license, or nil when none is free. The first starts the clock of a license whose duration
    /// counts from then.
    func take(_ need: Need, _ license: License, in transaction: WriteTransaction) throws -> Claimed? {
        let seat = need.seat(need.claim.isForFile ? .file : .production)
        let term = SeatRules.term(of: license, startingAt: need.claim.at)
        let isTaken = try transaction.savepoint { transaction -> Bool? in
            try insertActivation(seat, need.claim, license.policy, in: transaction)
            return try takeSeat(of: license, term, in: transaction) ? true : nil
        }
        guard isTaken == true else { return nil }
        var changed = license.changed(used: license.used + 1)
        if let term { (changed.startedAt, changed.expiresAt) = (term.start, term.end) }
        return try settle(seat, need, changed, "activation.created", in: transaction)
    }

    /// The one statement that decides who gets a seat: no row means that none was free.
    func takeSeat(
        of license: License, _ term: (start: Timestamp, end: Timestamp)?, in transaction: WriteTransaction
    ) throws -> Bool {
        try transaction.execute(
            """
            UPDATE licenses SET used = used + 1, version = version + 1, started_at = coalesce(started_at, ?),
                expires_at = coalesce(expires_at, ?)
            WHERE id = ? AND state = 'active' AND \(Self.hasRoom)
            """,
            term?.start, term?.end, license.id) == 1
    }

    /// The license's limit, or its product's.
    private static let hasRoom = """
        (coalesce(max_activations, (SELECT p.max_activations FROM products p WHERE p.id = product_id)) = 0
        OR used < coalesce(max_activations, (SELECT p.max_activations FROM products p WHERE p.id = product_id)))
        """

    /// Writes what belongs to a seat that was just taken.
    private func settle(
        _ seat: SeatPlan.HeldSeat, _ need: Need, _ license: License, _ event: String, from: Activation? = nil,
        in transaction: WriteTransaction
    ) throws -> Claimed {
        let claim = need.claim
        let facts = claim.facts(seat, places: 1)
        try journal.append(
            claim.event(event, seat, of: license, from: from), by: claim.provenance, in: transaction)
        if claim.isForFile { return (.held(facts), [.license(license)]) }
        if need.leaving != nil { try deletePlace(claim.place, in: transaction) }
        try insertPlace(claim, activation: seat.id, in: transaction)
        return (.held(facts), [.license(license), .place(claim.place, facts)])
    }
}

// MARK: - A staging seat

extension SeatStore {
    /// A seat beside those of the license for a staging host, or nil when as many are taken as may be. The oldest that
    /// is dormant makes room.
    func stage(
        _ need: Need, _ license: License, lastSeen: LastSeen, in transaction: WriteTransaction
    ) throws -> Claimed? {
        if let staged = try tryStaging(need, license, in: transaction) { return staged }
        let cutoff = need.claim.at - .days(SeatRules.dormantDays)
        let dormant = try unseenSeats(
            .staging, of: license, before: cutoff, lastSeen: lastSeen, in: transaction.reading)
        guard let oldest = dormant.first, license.policy.stagingMax > 0 else { return nil }
        let freed = try release(
            [oldest], as: .dormant, of: license, by: need.claim.provenance, in: transaction)
        return try tryStaging(need, freed.license, in: transaction).map { ($0.outcome, freed.changes + $0.changes) }
    }

    /// The new version locks the license, so that the count after it sees every seat taken before.
    private func tryStaging(
        _ need: Need, _ license: License, in transaction: WriteTransaction
    ) throws -> Claimed? {
        let seat = need.seat(.staging)
        let isTaken = try transaction.savepoint { transaction -> Bool? in
            guard try bumpVersion(of: license, in: transaction) else { return nil }
            try insertActivation(seat, need.claim, license.policy, in: transaction)
            let taken = try transaction.reading.count(
                """
                SELECT count(*) FROM activations WHERE license_id = ? AND released_at IS NULL AND kind = 'staging'
                """, arguments: [license.id.sqlValue])
            return taken <= license.policy.stagingMax ? true : nil
        }
        guard isTaken == true else { return nil }
        return try settle(seat, need, license.changed(used: license.used), "activation.created", in: transaction)
    }
}

// MARK: - A seat that moves

extension SeatStore {
    /// The seat that the claim's installation holds under another domain, if it may take it along: it says the same
    /// identifier, its token is not that of another seat, the budget is not spent, and no license file holds the seat.
    func movingSeat(_ need: Need, _ license: License, in transaction: ReadTransaction) throws -> Activation? {
        let claim = need.claim
        guard case .domain = claim.identity, let id = claim.installation.installationID, !need.hasSeats,
            claim.proof != .worthless
        else { return nil }
        let candidates = try transaction.all(
            """
            SELECT \(Self.seatColumns) FROM activations a
            WHERE a.license_id = ? AND a.released_at IS NULL AND a.kind = 'production' AND a.domain IS NOT NULL
                AND a.carried_installation_id = ? AND (a.held_until IS NULL OR a.held_until <= ?)
            ORDER BY a.last_seen DESC, a.id
            """,
            license.id, id.text, claim.at, as: { try Self.seat($0) })
        let source =
            if case .activation(let own) = claim.proof { candidates.first { $0.id == own } } else { candidates.first }
        guard let source, try hasBudget(license, at: claim.at, in: transaction) else { return nil }
        return source
    }

    /// Whether the installations of a license may still move or deactivate themselves.
    func hasBudget(_ license: License, at now: Timestamp, in transaction: ReadTransaction) throws -> Bool {
        let spent = try transaction.count(
            """
            SELECT count(*) FROM activations WHERE license_id = ? AND released_at > ?
                AND release_kind IN (\(SeatReleaseKind.sqlList(\.isOnBudget)))
            """,
            arguments: [license.id.sqlValue, (now - .days(SeatRules.budgetDays)).sqlValue])
        return spent < license.policy.movesMax
    }

    /// Takes the seat `source` to the claim's domain: as many are taken as before, and it is as old as it was.
    func move(
        _ source: Activation, _ need: Need, _ license: License, in transaction: WriteTransaction
    ) throws -> Claimed {
        guard try bumpVersion(of: license, in: transaction) else { return (.notInForce, []) }
        let gone = try close(source, as: .moved, by: need.claim.provenance, in: transaction)
        let seat = need.seat(.production, firstSeen: source.firstSeen)
        try insertActivation(seat, need.claim, license.policy, in: transaction)
        let settled = try settle(
            seat, need, license.changed(used: license.used), "activation.moved", from: source, in: transaction)
        return (settled.outcome, gone + settled.changes)
    }
}

// MARK: - Who stays away

extension SeatStore {
    /// Whether the claim's installation was deactivated or moved away lately: it comes back on request only.
    func isBarred(_ claim: SeatClaim, in transaction: ReadTransaction) throws -> Bool {
        let last = try transaction.first(
            """
            SELECT release_kind FROM activations
            WHERE license_id = ? AND domain IS NOT DISTINCT FROM ? AND network IS NOT DISTINCT FROM ?
                AND installation_id IS NOT DISTINCT FROM ? AND released_at > ?
            ORDER BY released_at DESC, first_seen DESC LIMIT 1
            """,
            claim.license, claim.identity.domain, claim.identity.network, claim.identity.installationID,
            claim.at - .days(SeatRules.returnBarDays)
        ) { SeatReleaseKind(rawValue: $0.text(0)) }
        return last??.barsReturn ?? false
    }
}
