/// One location for counting: the place that installations behind the same connection share.
///
/// An IPv4 address is a location of its own; an IPv6 customer holds a /64 whose lower half changes at will (RFC 8981),
/// or as much as a policy's `ipv6_prefix` says; all non-global addresses are one location, since they tell hosts apart
/// for nobody but their owner.
package struct AddressNetwork: Hashable, Sendable {
    private enum Location: Hashable, Sendable {
        case ipv4(UInt32)
        /// The leading `prefix` bits of the address, the rest 0.
        case ipv6(UInt128, prefix: UInt8)
        case nonGlobal
    }

    /// Leading bits that make an IPv6 location unless a policy says otherwise.
    package static let ipv6PrefixDefault = 64

    private let location: Location

    private init(location: Location) { self.location = location }

    /// The location of everything that is not a global address.
    package static let nonGlobal = AddressNetwork(location: .nonGlobal)

    /// The location that `address` belongs to; `ipv6Prefix` is 1…128.
    package init(of address: CanonicalAddress, ipv6Prefix: Int = ipv6PrefixDefault) {
        switch (address.isGlobal, address.isIPv4) {
        case (false, _): location = .nonGlobal
        case (true, true): location = .ipv4(address.low32)
        case (true, false):
            let mask = UInt128.max << (128 - ipv6Prefix)
            location = .ipv6(address.bits & mask, prefix: UInt8(clamping: ipv6Prefix))
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
        case (false, 1...128): location = .ipv6(range.first.bits, prefix: UInt8(range.fixedBits))
        default: return nil
        }
    }
}

extension AddressNetwork: CustomStringConvertible {
    /// The stable text, fit for storing: `203.0.113.7/32`, `2001:db8::/64` or `non-global`.
    package var description: String {
        switch location {
        case .ipv4(let bits): "\(CanonicalAddress(ipv4: bits))/32"
        case .ipv6(let bits, let prefix): "\(CanonicalAddress(bits: bits))/\(prefix)"
        case .nonGlobal: "non-global"
        }
    }
}

extension CanonicalAddress {
    /// The location this address is counted as where no policy says otherwise.
    package var network: AddressNetwork { AddressNetwork(of: self) }

    /// The location this address is counted as under `policy`.
    package func network(under policy: Policy) -> AddressNetwork {
        AddressNetwork(of: self, ipv6Prefix: policy.ipv6Prefix)
    }
}
