package import Primitives

/// The entity that `act_` identifiers name.
package enum ActivationEntity: RandomlyIdentified {
    package static let idPrefix = "act_"
}

package typealias ActivationID = RandomID<ActivationEntity>

/// A seat that is taken, as `license show` prints it.
package struct Activation: Sendable {
    /// An address seen in the seat.
    package struct Address: Sendable {
        package let address: String
        package let peer: String?
        package let firstSeen: Timestamp
        package let lastSeen: Timestamp
    }

    package let id: ActivationID
    /// What it belongs to: one of the three.
    package let domain: String?
    package let network: String?
    package let installationID: String?
    /// What its installation said besides.
    package let carried: CarriedIdentity
    package let ordinal: Int64
    package let kind: SeatKind
    /// The end of the license file that holds it.
    package let heldUntil: Timestamp?
    package let firstSeen: Timestamp
    package let lastSeen: Timestamp
    package let addresses: [Address]
}
