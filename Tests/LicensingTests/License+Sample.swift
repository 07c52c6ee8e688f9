import Customers
import Primitives
import Testing

@testable import Licensing

extension License {
    /// A license of product 1 for tests of what needs no database.
    static func sample(
        id: LicenseID = LicenseID(rawValue: 7), overrides: PolicySettings = PolicySettings(), state: State = .active,
        notBefore: Timestamp? = nil, expiresAt: Timestamp? = nil, used: Int = 0, version: Int64 = 1,
        createdAt: Timestamp
    ) throws -> License {
        License(
            id: id, customerID: try #require(ID(123)), productID: try #require(ID(1)), overrides: overrides,
            policy: Policy(overrides), state: state, notBefore: notBefore, expiresAt: expiresAt,
            paymentGraceUntil: nil, overLimitUntil: nil, startedAt: nil, batch: nil, used: used, statusIndex: 0,
            version: version, createdAt: createdAt)
    }
}
