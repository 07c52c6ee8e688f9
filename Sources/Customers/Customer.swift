package import Primitives

/// Who a license or a subscription belongs to.
package struct Customer: Sendable, Equatable {
    /// An open customer may receive licenses; a closed one keeps its history only.
    package enum State: String, Sendable, CaseIterable {
        case active
        case closed
    }

    package let id: CustomerID
    /// The customer's name in another system, such as a billing panel; unique, at most 200 characters.
    package let reference: String?
    package let state: State
    package let version: Int64
    package let createdAt: Timestamp
}

package typealias CustomerID = ID<Customer>
