package import Customers
package import Journal
package import Primitives

/// A change of how a license stands, as someone asks for it. What it is allowed to do is decided here, by values alone;
/// `Tables/transitions.txt` of the tests shows every case.
package enum LicenseTransition: Sendable {
    case suspend
    /// Takes away the hold of the one who asks; an operator may take away billing's too, by saying so.
    case reinstate(liftingBilling: Bool)
    case revoke
    case renew(Renewal)
    case transfer(to: CustomerID)
    /// Makes one installation of two domains, after the customer's site got another name.
    case merge(CanonicalDomain, into: CanonicalDomain)

    /// What they are called in requests and messages.
    package enum Kind: String, Sendable, CaseIterable {
        case suspend, reinstate, revoke, renew, transfer, merge

        /// Whether a revoked license allows it: repeating the revocation changes nothing, and whom a license belongs to
        /// is no state of it.
        package var isLegalWhenRevoked: Bool { self == .revoke || self == .transfer }
    }

    package var kind: Kind {
        switch self {
        case .suspend: .suspend
        case .reinstate: .reinstate
        case .revoke: .revoke
        case .renew: .renew
        case .transfer: .transfer
        case .merge: .merge
        }
    }

    /// How the license stands after it; the same as before when nothing is left to do. A hold that is not there to be
    /// lifted is no refusal: billing reinstates with each payment. What becomes of seats is not decided here.
    package func outcome(
        on standing: LicenseStanding, by holder: LicenseHold.Holder, _ provenance: Provenance
    ) throws(TransitionRefusal) -> LicenseStanding {
        if standing.revocation != nil, !kind.isLegalWhenRevoked { throw .revoked }
        var standing = standing
        switch self {
        case .suspend: standing.hold(by: holder, provenance)
        case .reinstate(let liftingBilling):
            standing.lift(holder == .operator && liftingBilling ? [.operator, .billing] : [holder])
        case .revoke: standing.revoke(by: holder, provenance)
        case .renew(let renewal): try standing.license.renew(renewal, at: provenance.at)
        case .transfer(let customer): standing.license.customerID = customer
        case .merge: break
        }
        return standing
    }
}

/// Why a transition is not carried out. Nothing was changed.
package enum TransitionRefusal: Error, Equatable {
    /// Revoked is final.
    case revoked
    /// A license without an end has none to be put off.
    case neverExpires
    /// Its days count from the first activation, which has not come.
    case notStarted
    /// It is valid through this day already, longer than the renewal would make it.
    case endsEarlier(CivilDate)
    /// It would have ended on this day, before now.
    case endsInPast(CivilDate)
    /// It would end before its first instant.
    case endsBeforeStart(Timestamp)
    /// It would end on this day, more than a century ahead.
    case tooFarAhead(CivilDate)
}
