/// One IP address, whatever way it was written.
///
/// It is 16 bytes, an IPv4 address being its IPv4-mapped form `::ffff:a.b.c.d` (RFC 4291 §2.5.5.2), so both spellings
/// of one host are one value. Addresses are compared as bytes, never as text.
package struct CanonicalAddress: Hashable, Sendable {
    /// The 16 bytes, most significant first.
    package let bits: UInt128

    /// The address with these 128 bits, IPv4 ones in their mapped form.
    package init(bits: UInt128) { self.bits = bits }

    /// The IPv4 address with these 32 bits, most significant first.
    package init(ipv4 bits: UInt32) { self.bits = Self.mappedPrefix | UInt128(bits) }

    /// Reads an address as a person or a program writes it; nil when the text is none.
    ///
    /// Accepted: a dotted quad of four decimal numbers, or any spelling of RFC 4291 §2.2, also in brackets as in a URL;
    /// white space around it is trimmed as for a domain. Refused: leading zeros (octal to some readers, RFC 6943
    /// §3.1.1), octal, hexadecimal and short IPv4 forms, zone identifiers (meaningful on one host only), ports.
    package init?(_ text: String) {
        let trimmed = text.utf8[...].trimmed
        if trimmed.first == UInt8(ascii: "["), trimmed.last == UInt8(ascii: "]") {
            self.init(ipv6Literal: trimmed.dropFirst().dropLast())
        } else {
            self.init(literal: trimmed)
        }
    }

    /// Whether this is an IPv4 address.
    package var isIPv4: Bool { bits >> 32 == Self.mappedPrefix >> 32 }

    /// The last 32 bits, which are the whole of an IPv4 address.
    var low32: UInt32 { UInt32(truncatingIfNeeded: bits) }

    /// ::ffff:0:0/96 (RFC 4291 §2.5.5.2).
    private static let mappedPrefix: UInt128 = 0xFFFF << 32
}
