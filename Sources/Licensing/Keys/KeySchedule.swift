package import LicenseToken
package import Primitives

/// All signing keys of an installation and what each is for at any time: a pure value, from which the ring takes who
/// signs and what is published (DESIGN D6).
///
///     next ──(its time)──▶ current ──(its successor's time)──▶ verifying ──(nothing it signed lives)──▶ retired
///       └────────────────────┴───────────── revoke ──────────────┴────────────────────────────────────────┴──▶ revoked
///
/// The states follow from instants, so nothing has to run for a key to change hands. The rules that hold after every
/// change: one key signs; one further key is published that no time is set for, so that there is one to go on with when
/// the current one is lost; and without force no key signs that clients could not have met before.
package struct KeySchedule: Sendable, Equatable {
    /// The longest life that a token may be given: what a superseded key is published for at least, whatever lives are
    /// in use, since a product's may have been longer yesterday.
    package static let tokenLifeMax = Duration.days(Policy.tokenDaysRange.upperBound)
    /// How much longer: clocks that are wrong, and clients that were off (reliability notes §3.1).
    package static let retirementMargin = Duration.days(30)
    /// How far ahead a rotation may be set.
    package static let aheadMax = Duration.days(366)

    /// The order in which they sign; those whose time is open come last, by age.
    package private(set) var keys: [SigningKeyRecord]
    /// Whether clients learn of keys from sets that the root signed: then a key counts as published once such a set
    /// lists it.
    package var usesRoot: Bool

    /// Throws `NoneSigns`.
    package init(_ keys: [SigningKeyRecord], usesRoot: Bool) throws {
        self.keys = keys
        self.usesRoot = usesRoot
        sort()
        guard keys.contains(where: { $0.signsFrom != nil && $0.revokedAt == nil }) else { throw NoneSigns() }
    }

    /// The schedule of a new installation: the first of `firstKeys` signs, the others will. Throws `NoneSigns`.
    package init(firstKeys: [PublicKeyRecord], at now: Timestamp) throws {
        var keys = firstKeys.map { SigningKeyRecord($0, publishedAt: now) }
        if !keys.isEmpty { keys[0].signsFrom = now }
        try self.init(keys, usesRoot: false)
    }

    /// A schedule without a key that signs is none.
    package struct NoneSigns: Error, Equatable {}

    private mutating func sort() {
        keys.sort { left, right in
            (left.signsFrom ?? .distantFuture, left.publishedAt, left.keyID)
                < (right.signsFrom ?? .distantFuture, right.publishedAt, right.keyID)
        }
    }

    // MARK: - What holds at some time

    /// The key that signs. Before the first one's time, which only a clock set back can show, that one.
    package func current(at now: Timestamp) -> SigningKeyRecord {
        let signing = keys.filter { $0.signsFrom != nil && $0.revokedAt == nil }
        let begun = signing.last { $0.signsFrom.map { $0 <= now } ?? false }
        guard let current = begun ?? signing.first else { preconditionFailure("every change leaves a key that signs") }
        return current
    }

    /// What `key` is for at `now`.
    package func state(of key: SigningKeyRecord, at now: Timestamp) -> SigningKeyRecord.State {
        if key.revokedAt != nil { return .revoked }
        if current(at: now).keyID == key.keyID { return .current }
        guard let signsFrom = key.signsFrom, signsFrom <= now else { return .next }
        return key.verifiesUntil.map { now < $0 } ?? true ? .verifying : .retired
    }

    /// What the key set lists: the key that signs, those to come, those that only verify.
    package func published(at now: Timestamp) -> [SigningKeyRecord] {
        let order: [SigningKeyRecord.State] = [.current, .next, .verifying]
        return order.flatMap { state in keys.filter { self.state(of: $0, at: now) == state } }
    }

    /// What was taken back, by time.
    package var revoked: [SigningKeyRecord] {
        keys.filter { $0.revokedAt != nil }.sorted {
            ($0.revokedAt ?? $0.publishedAt) < ($1.revokedAt ?? $1.publishedAt)
        }
    }

    /// The next instant after `now` at which any of the above changes by itself; the distant future without one.
    package func changes(after now: Timestamp) -> Timestamp {
        keys.filter { $0.revokedAt == nil }.flatMap { [$0.signsFrom, $0.verifiesUntil] }.compactMap { $0 }
            .filter { $0 > now }.min() ?? .distantFuture
    }

    /// The key whose time is set and not come.
    package func pending(at now: Timestamp) -> SigningKeyRecord? {
        keys.first { $0.revokedAt == nil && $0.signsFrom.map { $0 > now } ?? false }
    }

    /// Published keys that no time is set for, the oldest first.
    package var reserves: [SigningKeyRecord] { keys.filter { $0.revokedAt == nil && $0.signsFrom == nil } }

    /// The keys to which a change since `before` gave the time at which they sign.
    func turnsSet(since before: KeySchedule) -> [String] {
        keys.filter { $0.signsFrom != nil && $0.revokedAt == nil && $0.signsFrom != before.key($0.keyID)?.signsFrom }
            .map(\.keyID)
    }

    package func key(_ keyID: String) -> SigningKeyRecord? { keys.first { $0.keyID == keyID } }

    /// When `key` may sign without force: a token life after clients could first learn of it. Nil while they cannot.
    package func earliest(of key: SigningKeyRecord, tokenLife: Duration) -> Timestamp? {
        usesRoot ? key.listedAt.map { $0 + tokenLife } : key.publishedAt + tokenLife
    }
}

// MARK: - Changes

extension KeySchedule {
    /// Keys made ahead, of which a change takes those that it needs; the rest were never anybody's.
    package typealias Spares = [PublicKeyRecord]
    /// What any one change may need.
    package static let sparesMax = 2

    /// Publishes a further key that no time is set for.
    package mutating func publish(_ spare: PublicKeyRecord, at now: Timestamp) {
        keys.append(SigningKeyRecord(spare, publishedAt: now))
        sort()
    }

    /// Sets when the next key takes over, and publishes the one after it. `asked` is when; nil takes the first instant
    /// that needs no force, or now with force. A time that was set before and has not come is moved.
    ///
    /// Throws `notLongEnough`, `notListed`, `rotationPending`, `timeInPast`, `timeTooFar`.
    package mutating func rotate(
        asked: Timestamp?, force: Bool, tokenLife: Duration, spares: Spares, at now: Timestamp
    ) throws(SigningKeyRefusal) {
        var spares = spares[...]
        if let pending = pending(at: now), asked == nil, !force {
            throw .rotationPending(pending.keyID, from: pending.signsFrom ?? now)
        }
        let candidate = pending(at: now) ?? reserves.first ?? published(&spares, at: now)
        let instant = try turn(of: candidate, asked: asked, force: force, tokenLife: tokenLife, at: now)
        let current = current(at: now)
        // Two turns never begin in the same millisecond, or which of the two signs would be left to chance.
        let begun = current.signsFrom.map { $0 + .milliseconds(1) } ?? instant
        hand(over: current, to: candidate, at: max(instant, begun))
        keepReserve(&spares, at: now)
    }

    /// Takes a key back at once. If it signs, the next one takes over now. Throws `unknown`, `alreadyRevoked`,
    /// `notLongEnough`, `notListed`.
    package mutating func revoke(
        _ keyID: String, force: Bool, tokenLife: Duration, spares: Spares, at now: Timestamp
    ) throws(SigningKeyRefusal) {
        var spares = spares[...]
        guard let key = key(keyID) else { throw .unknown(keyID) }
        guard key.revokedAt == nil else { throw .alreadyRevoked(keyID) }
        switch state(of: key, at: now) {
        case .current:
            let successor = pending(at: now) ?? reserves.first ?? published(&spares, at: now)
            let instant = try turn(of: successor, asked: nil, force: force, tokenLife: tokenLife, at: now)
            guard instant <= now else { throw .notLongEnough(successor.keyID, from: instant) }
            hand(over: key, to: successor, at: now)
        case .next where key.signsFrom != nil:
            update(current(at: now).keyID) { $0.signsUntil = nil }
        default: break
        }
        update(keyID) { $0.revokedAt = now }
        keepReserve(&spares, at: now)
    }

    /// Records that a private half is no more. Throws `unknown`, `stillNeeded`.
    package mutating func destroy(_ keyID: String, at now: Timestamp) throws(SigningKeyRefusal) {
        guard let key = key(keyID) else { throw .unknown(keyID) }
        let state = state(of: key, at: now)
        guard state == .retired || state == .revoked else { throw .stillNeeded(keyID, state) }
        update(keyID) { $0.destroyedAt = $0.destroyedAt ?? now }
    }

    /// Records which keys a set that the root signed lists.
    package mutating func list(_ keyIDs: [String], at now: Timestamp) {
        usesRoot = true
        for keyID in keyIDs { update(keyID) { $0.listedAt = $0.listedAt ?? now } }
    }

    /// Records that `keyID` signed something that lives until `end`.
    package mutating func extend(_ keyID: String, until end: Timestamp) {
        update(keyID) { $0.filesUntil = max($0.filesUntil ?? end, end) }
    }

    /// The instant at which `key` takes over.
    private func turn(
        of key: SigningKeyRecord, asked: Timestamp?, force: Bool, tokenLife: Duration, at now: Timestamp
    ) throws(SigningKeyRefusal) -> Timestamp {
        if let asked {
            guard asked >= now else { throw .timeInPast(asked) }
            guard asked <= now + Self.aheadMax else { throw .timeTooFar(asked) }
        }
        if force { return asked ?? now }
        guard let earliest = earliest(of: key, tokenLife: tokenLife) else { throw .notListed(key.keyID) }
        guard let asked else { return max(now, earliest) }
        guard asked >= earliest else { throw .notLongEnough(key.keyID, from: earliest) }
        return asked
    }

    private mutating func hand(over key: SigningKeyRecord, to successor: SigningKeyRecord, at instant: Timestamp) {
        update(key.keyID) { $0.signsUntil = instant }
        update(successor.keyID) { $0.signsFrom = instant }
        sort()
    }

    /// A spare, published now.
    private mutating func published(_ spares: inout ArraySlice<PublicKeyRecord>, at now: Timestamp)
        -> SigningKeyRecord
    {
        guard let spare = spares.popFirst() else { preconditionFailure("a change gets \(Self.sparesMax) spare keys") }
        publish(spare, at: now)
        return SigningKeyRecord(spare, publishedAt: now)
    }

    private mutating func keepReserve(_ spares: inout ArraySlice<PublicKeyRecord>, at now: Timestamp) {
        if reserves.isEmpty { _ = published(&spares, at: now) }
    }

    private mutating func update(_ keyID: String, _ change: (inout SigningKeyRecord) -> Void) {
        guard let position = keys.firstIndex(where: { $0.keyID == keyID }) else { return }
        change(&keys[position])
    }
}
