package import Customers
package import Primitives

/// A right to use a product, as the database holds it.
package struct License: Sendable, Equatable {
    /// What an operator or billing decided; expiry is not a state but a fact of the clock.
    package enum State: String, Sendable, CaseIterable {
        case active
        case suspended
        case revoked
    }

    /// What a list shows: the state and the clock together.
    package enum Status: String, Sendable, CaseIterable {
        case active
        case suspended
        case revoked
        case expired
        case grace
        case notYetValid = "not_yet_valid"
    }

    package let id: LicenseID
    package var customerID: CustomerID
    package var productID: ProductID
    /// What this license chooses otherwise than its product.
    package var overrides: PolicySettings
    /// What it allows, all choices made.
    package var policy: Policy
    package var state: State
    package var notBefore: Timestamp?
    /// The instant at which it is expired; nil for never.
    package var expiresAt: Timestamp?
    /// Until when billing lets everyone in although the license has expired: a payment is awaited.
    package var paymentGraceUntil: Timestamp?
    /// Until when seats above a lowered limit stay.
    package var overLimitUntil: Timestamp?
    /// When its first seat was taken, from which a duration counts.
    package var startedAt: Timestamp?
    /// The batch that it was issued in, such as a reseller's.
    package var batch: Slug?
    /// Seats taken.
    package var used: Int
    /// Position in the signed status list: dense, unique, never used again.
    package let statusIndex: Int64
    /// Grows with every change of the license or its seats.
    package var version: Int64
    package let createdAt: Timestamp

    /// The end of grace, or nil when it never expires or has no grace.
    package var graceUntil: Timestamp? {
        guard let expiresAt else { return nil }
        let end = max(expiresAt + .seconds(policy.graceSeconds), paymentGraceUntil ?? expiresAt)
        return end > expiresAt ? end : nil
    }

    /// The state and the clock together.
    package func status(at now: Timestamp) -> Status {
        switch state {
        case .revoked: return .revoked
        case .suspended: return .suspended
        case .active: break
        }
        if let notBefore, now < notBefore { return .notYetValid }
        guard let expiresAt, now >= expiresAt else { return .active }
        return now < (graceUntil ?? expiresAt) ? .grace : .expired
    }
}

/// The entity that `lic_` identifiers name.
package enum LicenseEntity: RandomlyIdentified {
    package static let idPrefix = "lic_"
}

package typealias LicenseID = RandomID<LicenseEntity>

extension Timestamp {
    /// The last day on which something that ends at this instant is still valid (DESIGN D9).
    package var lastValidDay: CivilDate { Timestamp(milliseconds: milliseconds - 1).date }
}
