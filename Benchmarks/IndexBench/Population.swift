import Licensing
import Primitives
import Secrets

/// Licenses and activations that follow from their numbers, so that a benchmark need not keep them.
struct Population {
    static let start = Timestamp(seconds: 1_790_000_000)

    let licenses: Int
    let activationsEach: Int

    var activations: Int { licenses * activationsEach }

    func id(_ license: Int) -> LicenseID { LicenseID(rawValue: Self.mixed(license, 0)) }

    func key(_ license: Int) -> KeyedHash { KeyedHash(high: Self.mixed(license, 1), low: Self.mixed(license, 2)) }

    /// The place of an activation; that of license `n` are those that divide to `n`.
    func place(_ activation: Int) -> KeyedHash {
        KeyedHash(high: Self.mixed(activation, 3), low: Self.mixed(activation, 4))
    }

    /// Everything, one change at a time, as a running service takes it in.
    func fill(_ index: LicenseIndex) {
        guard let product = ProductID(1) else { preconditionFailure("1 is an identifier") }
        let policy = index.policyID(of: product, choosing: PolicySettings())
        for license in 0..<licenses {
            index.put(
                LicenseFacts(
                    id: id(license), productID: product, policy: policy, state: .active, notBefore: nil,
                    expiresAt: Self.start + .days(365), paymentGraceUntil: nil, overLimitUntil: nil,
                    used: activationsEach, statusIndex: Int64(license), version: 2))
            index.apply([.key(key(license), id(license))])
            for activation in license * activationsEach..<(license + 1) * activationsEach {
                index.apply([.place(place(activation), facts(of: activation))])
            }
        }
    }

    private func facts(of activation: Int) -> PlaceFacts {
        PlaceFacts(
            activation: ActivationID(rawValue: Self.mixed(activation, 5)), firstSeen: Self.start,
            lastSeen: Self.start, placesOfSeat: 1)
    }

    /// The last step of SplitMix64 (Steele, Lea and Flood 2014), over a number and which of its words is meant.
    private static func mixed(_ number: Int, _ word: UInt64) -> UInt64 {
        var mixed = (UInt64(number) &* 8 &+ word &+ 1) &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
