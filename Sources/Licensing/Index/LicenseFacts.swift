package import Primitives

/// What validation needs to know of a license: compact, trivially copied, no references.
package struct LicenseFacts: Sendable, Equatable {
    package let id: LicenseID
    package let productID: ProductID
    /// Which of the index's policies it has.
    package let policy: PolicyID
    package let state: License.State
    /// `Timestamp.distantPast` for at once.
    package let notBefore: Timestamp
    /// `Timestamp.distantFuture` for never.
    package let expiresAt: Timestamp
    /// Until when billing admits everyone after the expiry; `Timestamp.distantPast` for not at all.
    package let paymentGraceUntil: Timestamp
    /// Until when seats above a lowered limit stay; `Timestamp.distantPast` when none are.
    package let overLimitUntil: Timestamp
    package let used: UInt32
    package let statusIndex: Int64
    package let version: Int64

    /// Of instants, nil is none: valid at once, never expired, no grace, nothing above the limit.
    package init(
        id: LicenseID, productID: ProductID, policy: PolicyID, state: License.State, notBefore: Timestamp?,
        expiresAt: Timestamp?, paymentGraceUntil: Timestamp?, overLimitUntil: Timestamp?, used: Int,
        statusIndex: Int64, version: Int64
    ) {
        self.id = id
        self.productID = productID
        self.policy = policy
        self.state = state
        self.notBefore = notBefore ?? .distantPast
        self.expiresAt = expiresAt ?? .distantFuture
        self.paymentGraceUntil = paymentGraceUntil ?? .distantPast
        self.overLimitUntil = overLimitUntil ?? .distantPast
        self.used = UInt32(clamping: used)
        self.statusIndex = statusIndex
        self.version = version
    }

    package init(_ license: License, policy: PolicyID) {
        self.init(
            id: license.id, productID: license.productID, policy: policy, state: license.state,
            notBefore: license.notBefore, expiresAt: license.expiresAt, paymentGraceUntil: license.paymentGraceUntil,
            overLimitUntil: license.overLimitUntil, used: license.used, statusIndex: license.statusIndex,
            version: license.version)
    }

    /// The instant at which even those who hold a seat are refused.
    package func graceEnd(under policy: Policy) -> Timestamp {
        expiresAt == .distantFuture
            ? .distantFuture : max(expiresAt + .seconds(policy.graceSeconds), paymentGraceUntil)
    }
}

/// Position of a policy in the index: licenses of one product that choose the same share one.
package struct PolicyID: Sendable, Hashable {
    let position: UInt32
}

/// What validation needs to know of a place: an installation's identity at one network.
package struct PlaceFacts: Sendable, Equatable {
    package let activation: ActivationID
    /// When its seat was taken.
    package let firstSeen: Timestamp
    package var lastSeen: Timestamp
    /// How many places the seat has, dead ones included.
    package internal(set) var placesOfSeat: UInt8
    package let kind: SeatKind
    /// From which networks calls came on the day of `lastSeen`: a `SpreadSketch`.
    package var sketch: UInt64
    /// The `CarriedIdentity.mark` of the last call.
    package var carried: UInt16
    /// Whether `lastSeen` is newer than what the database knows.
    var isTouched = false

    package init(
        activation: ActivationID, firstSeen: Timestamp, lastSeen: Timestamp, placesOfSeat: Int,
        kind: SeatKind = .production, sketch: UInt64 = 0, carried: UInt16 = 0
    ) {
        self.activation = activation
        self.firstSeen = firstSeen
        self.lastSeen = lastSeen
        self.placesOfSeat = UInt8(clamping: placesOfSeat)
        self.kind = kind
        self.sketch = sketch
        self.carried = carried
    }

    init(
        _ seat: SeatPlan.HeldSeat, places: Int, lastSeen: Timestamp, sketch: SpreadSketch = .empty, carried: UInt16 = 0
    ) {
        self.init(
            activation: seat.id, firstSeen: seat.firstSeen, lastSeen: lastSeen, placesOfSeat: places, kind: seat.kind,
            sketch: sketch.bits, carried: carried)
    }

    /// Whether a repeat from here is the same activation without asking the database: the place is live, or its seat
    /// has room for all its places; and its seat did not free itself by its lease.
    func counts(addressesPerSeat: Int, lease: Duration?, at now: Timestamp) -> Bool {
        (Int(placesOfSeat) <= addressesPerSeat || now - lastSeen <= .hours(SeatPlan.livenessHours))
            && !SeatRules.hasLapsed(lastSeen: lastSeen, lease: lease, at: now)
    }

    /// Notes a call at `now`, from a network of `sketch`; a new day begins a new sketch.
    mutating func see(_ network: SpreadSketch, at now: Timestamp) {
        let isNewDay = now.date > lastSeen.date
        sketch = isNewDay ? network.bits : sketch | network.bits
        lastSeen = max(lastSeen, now)
    }
}

/// What a call says besides what is asked.
package struct Sighting: Sendable {
    /// Where it came from.
    let network: SpreadSketch
    let carried: CarriedIdentity

    /// One that says nothing.
    package static let plain = Sighting(network: .empty, carried: CarriedIdentity(domain: nil, installationID: nil))
}

extension Timestamp {
    package static let distantPast = Timestamp(milliseconds: .min)
    package static let distantFuture = Timestamp(milliseconds: .max)
}
