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
    package let customerID: CustomerID
    package let productID: ProductID
    package let terms: LicenseTerms
    package let state: State
    package let notBefore: Timestamp?
    /// The instant at which it is expired; nil for never.
    package let expiresAt: Timestamp?
    /// Seconds after `expiresAt` in which installations that hold a seat stay valid.
    package let graceSeconds: Int64
    /// Seats taken.
    package let used: Int
    /// Position in the signed status list: dense, unique, never used again.
    package let statusIndex: Int64
    /// Grows with every change of the license or its seats.
    package let version: Int64
    package let createdAt: Timestamp

    /// The end of grace, or nil when it never expires or has no grace.
    package var graceUntil: Timestamp? {
        graceSeconds > 0 ? expiresAt.map { $0 + .seconds(graceSeconds) } : nil
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
