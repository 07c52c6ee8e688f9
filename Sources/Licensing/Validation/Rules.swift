package import Primitives

/// How an installation stands to the seats of a license.
package enum SeatStanding: String, Sendable, CaseIterable {
    /// Nobody asked: an operator looks at the license itself.
    case notAsked = "not_asked"
    /// A development host: free, and stored nowhere.
    case development
    /// It holds a seat, and held it before this call.
    case holds
    /// It holds none and did not ask for one.
    case newcomer
    /// It just got one.
    case granted
    /// Its domain has seats, but no room in them for this address, and no further seat is free.
    case addressRefused = "address_refused"
    /// No seat is free.
    case seatRefused = "seat_refused"
}

/// The rules, as one function over plain values: no clock, no database, no memory.
package enum Rules {
    /// What the license itself says, before any seat is looked at; nil when it is in force or in grace.
    package static func objection(
        to license: LicenseFacts, productAsked: ProductID?, productKnown: Bool = true, at now: Timestamp
    ) -> Verdict? {
        switch license.state {
        case .revoked: return .revoked
        case .suspended: return .suspended
        case .active: break
        }
        if now < license.notBefore { return .notYetValid }
        if !productKnown || productAsked.map({ $0 != license.productID }) ?? false { return .productMismatch }
        return now >= license.graceEnd ? .expired : nil
    }

    /// The verdict on an installation of a license to which there is no objection.
    package static func verdict(on license: LicenseFacts, for seat: SeatStanding, at now: Timestamp) -> Verdict {
        let isInGrace = now >= license.expiresAt
        switch seat {
        case .notAsked, .development, .holds: return isInGrace ? .expiredGrace : .valid
        // Grace is for those who are in: a new installation needs a license in force.
        case .newcomer: return isInGrace ? .expired : .notActivated
        case .granted: return isInGrace ? .expired : .valid
        case .addressRefused: return isInGrace ? .expired : .addressLimit
        case .seatRefused: return isInGrace ? .expired : .activationLimit
        }
    }
}
