/// One location for counting: the place that installations behind the same connection share.
///
/// An IPv4 address is a location of its own; an IPv6 customer holds a /64 whose lower half changes at will
/// (RFC 8981); all non-global addresses are one location, since they tell hosts apart for nobody but their owner.
package struct AddressNetwork: Hashable, Sendable {
    private enum Location: Hashable, Sendable {
        case ipv4(UInt32)
        /// The upper half of the address.
        case ipv6(UInt64)
        case nonGlobal
    }

    private let location: Location

    private init(location: Location) { self.location = location }

    /// The location of everything that is not a global address.
    package static let nonGlobal = AddressNetwork(location: .nonGlobal)

    /// The location that `address` belongs to.
    package init(of address: CanonicalAddress) {
        switch (address.isGlobal, address.isIPv4) {
        case (false, _): location = .nonGlobal
        case (true, true): location = .ipv4(address.low32)
        case (true, false): location = .ipv6(UInt64(truncatingIfNeeded: address.bits >> 64))
        }
    }

    /// Reads back a ``description``; nil for any other text, also for another spelling of the same network. Whether it
    /// is global is not asked again: the registries change, and what was stored must stay readable.
    package init?(_ text: String) {
        guard let network = Self.nonGlobal.description == text ? .nonGlobal : AddressRange(text).flatMap(Self.init),
            network.description == text
        else { return nil }
        self = network
    }

    private init?(_ range: AddressRange) {
        switch (range.first.isIPv4, range.fixedBits) {
        case (true, 128): location = .ipv4(range.first.low32)
        case (false, 64): location = .ipv6(UInt64(truncatingIfNeeded: range.first.bits >> 64))
        default: return nil
        }
    }
}

extension AddressNetwork: CustomStringConvertible {
    /// The stable text, fit for storing: `203.0.113.7/32`, `2001:db8::/64` or `non-global`.
    package var description: String {
        switch location {
        case .ipv4(let bits): "\(CanonicalAddress(ipv4: bits))/32"
        case .ipv6(let upper): "\(CanonicalAddress(bits: UInt128(upper) << 64))/64"
        case .nonGlobal: "non-global"
        }
    }
}

extension CanonicalAddress {
    /// The location this address is counted as.
    package var network: AddressNetwork { AddressNetwork(of: self) }
}
