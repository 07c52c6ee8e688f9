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
    package let statusIndex: UInt32
    package let version: Int64

    package init(_ license: License, policy: PolicyID) {
        id = license.id
        productID = license.productID
        self.policy = policy
        state = license.state
        notBefore = license.notBefore ?? .distantPast
        expiresAt = license.expiresAt ?? .distantFuture
        paymentGraceUntil = license.paymentGraceUntil ?? .distantPast
        overLimitUntil = license.overLimitUntil ?? .distantPast
        used = UInt32(clamping: license.used)
        statusIndex = UInt32(clamping: license.statusIndex)
        version = license.version
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
    package let placesOfSeat: UInt8
    /// Whether `lastSeen` is newer than what the database knows.
    var isTouched = false

    init(activation: ActivationID, firstSeen: Timestamp, lastSeen: Timestamp, placesOfSeat: Int) {
        self.activation = activation
        self.firstSeen = firstSeen
        self.lastSeen = lastSeen
        self.placesOfSeat = UInt8(clamping: placesOfSeat)
    }

    init(_ seat: SeatPlan.HeldSeat, places: Int, lastSeen: Timestamp) {
        self.init(activation: seat.id, firstSeen: seat.firstSeen, lastSeen: lastSeen, placesOfSeat: places)
    }

    /// Whether a repeat from here is the same activation without asking the database: the place is live, or its seat
    /// has room for all its places.
    func counts(addressesPerSeat: Int, at now: Timestamp) -> Bool {
        Int(placesOfSeat) <= addressesPerSeat || now - lastSeen <= .hours(SeatPlan.livenessHours)
    }
}

extension Timestamp {
    package static let distantPast = Timestamp(milliseconds: .min)
    package static let distantFuture = Timestamp(milliseconds: .max)
}
