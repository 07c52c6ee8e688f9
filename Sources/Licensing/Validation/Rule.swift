import Primitives

/// What must hold of a license and a question, before any seat is looked at. The order of the cases is their
/// precedence: the first that fails gives the verdict.
package enum LicenseRule: String, Sendable, CaseIterable {
    case notRevoked = "not_revoked"
    case notSuspended = "not_suspended"
    /// Its first instant has come.
    case begun
    /// It is for the product that asks.
    case product
    /// Its maintenance covers the version that asks.
    case version
    /// It has not expired, or is in grace.
    case notExpired = "not_expired"
    case domainAllowed = "domain_allowed"
    case addressAllowed = "address_allowed"

    /// `allCases`, made once.
    static let inOrder = allCases

    /// The verdict when it does not hold.
    package var refusal: Verdict {
        switch self {
        case .notRevoked: .revoked
        case .notSuspended: .suspended
        case .begun: .notYetValid
        case .product: .productMismatch
        case .version: .versionNotAllowed
        case .notExpired: .expired
        case .domainAllowed: .domainNotAllowed
        case .addressAllowed: .ipNotAllowed
        }
    }

    /// Whether it holds at `now`.
    func holds(for license: LicenseFacts, under policy: Policy, _ question: Question, at now: Timestamp) -> Bool {
        switch self {
        case .notRevoked: license.state != .revoked
        case .notSuspended: license.state != .suspended
        case .begun: now >= license.notBefore
        case .product: question.isProductKnown && question.product.map { $0 == license.productID } ?? true
        case .version: question.version.map { policy.covers($0, at: now) } ?? true
        case .notExpired: now < license.graceEnd(under: policy)
        case .domainAllowed: question.installation.map { $0.hasAllowedDomain(under: policy) } ?? true
        case .addressAllowed: question.installation.map { $0.hasAllowedAddress(under: policy) } ?? true
        }
    }
}

/// What must hold of an installation and the seats of a license to which there is no objection, in order of precedence.
package enum SeatRule: String, Sendable, CaseIterable {
    /// After the expiry only those who hold a seat are in, and newcomers only when billing awaits a payment.
    case newcomerAdmitted = "newcomer_admitted"
    /// It holds a seat, or may take one.
    case activated
    /// The seats of its domain have room for its address, or a further seat is free.
    case addressFits = "address_fits"
    /// A seat is free for it.
    case seatFree = "seat_free"

    /// `allCases`, made once.
    static let inOrder = allCases

    /// The verdict when it does not hold.
    package var refusal: Verdict {
        switch self {
        case .newcomerAdmitted: .expired
        case .activated: .notActivated
        case .addressFits: .addressLimit
        case .seatFree: .activationLimit
        }
    }

    /// Whether it holds at `now`.
    func holds(for license: LicenseFacts, _ seat: SeatStanding, at now: Timestamp) -> Bool {
        switch self {
        case .newcomerAdmitted: seat.isIn || now < max(license.expiresAt, license.paymentGraceUntil)
        case .activated: seat != .newcomer
        case .addressFits: seat != .addressRefused
        case .seatFree: seat != .seatRefused
        }
    }
}

extension SeatStanding {
    /// Whether it needs no further seat.
    fileprivate var isIn: Bool {
        switch self {
        case .notAsked, .development, .holds: true
        case .newcomer, .granted, .addressRefused, .seatRefused: false
        }
    }
}

extension Installation {
    fileprivate func hasAllowedDomain(under policy: Policy) -> Bool {
        if isFree(under: policy) || policy.allowedDomains.isEmpty { return true }
        return domain.map { policy.allows(domain: $0.ascii) } ?? false
    }

    fileprivate func hasAllowedAddress(under policy: Policy) -> Bool {
        isFree(under: policy) || policy.allows(address: address, peer: peer)
    }
}
