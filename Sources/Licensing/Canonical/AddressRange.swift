/// A block of addresses in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3), such as a proxy's network in a setting.
///
/// IPv4 and IPv6 are two families: `::/0` holds no IPv4 address.
package struct AddressRange: Hashable, Sendable {
    let first: CanonicalAddress
    /// Bits of the 128 that are fixed; an IPv4 prefix length plus 96.
    let fixedBits: Int

    /// Reads `address/length`, or an address alone for just that one; nil when the text is neither.
    ///
    /// Strict, as a list of those we trust should be: no white space, no brackets, no leading zeros, and no bits set
    /// behind the prefix (`10.0.0.1/8` is a mistake to be told of). IPv4 is written as IPv4, never in its mapped form.
    package init?(_ text: String) {
        var length = text.utf8[...]
        let literal = length.takeField(endingAt: .slash)
        guard let first = CanonicalAddress(literal: literal), !(first.isIPv4 && literal.contains(.colon)) else {
            return nil
        }
        let width: UInt32 = first.isIPv4 ? 32 : 128
        let isAlone = literal.endIndex == text.utf8.endIndex
        guard let fixed = isAlone ? width : length.decimal(upTo: width) else { return nil }
        self.first = first
        self.fixedBits = Int(fixed) + (first.isIPv4 ? 96 : 0)
        guard first.bits & ~mask == 0 else { return nil }
    }

    /// Whether `address` is of this family and block.
    package func contains(_ address: CanonicalAddress) -> Bool {
        address.isIPv4 == first.isIPv4 && address.bits & mask == first.bits
    }

    /// Swift's smart shift gives 0 for all 128 bits, which is the mask of `::/0`.
    private var mask: UInt128 { UInt128.max << (128 - fixedBits) }
}

extension AddressRange: CustomStringConvertible {
    /// The one text of this range, always with its length.
    package var description: String { "\(first)/\(fixedBits - (first.isIPv4 ? 96 : 0))" }
}
