import Primitives

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// From how many networks a seat was used on a day, in 8 bytes: linear counting (Whang, Vander-Zanden, Taylor 1990)
/// over 64 bits. It ranks what looks cloned, changes no verdict, and no address can be read from it.
package struct SpreadSketch: Sendable, Hashable {
    package static let empty = SpreadSketch(bits: 0)

    /// One bit for each of 64 parts that the networks fall into.
    package private(set) var bits: UInt64

    package init(bits: UInt64) { self.bits = bits }

    /// The sketch of one network: that of `peer`, an IPv4 address or an IPv6 /64. All that are not global are one.
    package init(of peer: CanonicalAddress?) {
        guard let peer else {
            self = .empty
            return
        }
        let network =
            peer.isGlobal ? (peer.isIPv4 ? UInt64(peer.low32) : UInt64(truncatingIfNeeded: peer.bits >> 64)) : 0
        bits = 1 << (Self.mixed(network) >> 58)
    }

    package func union(_ other: SpreadSketch) -> SpreadSketch { SpreadSketch(bits: bits | other.bits) }

    /// How many networks there were, about: exact for a few, and 267 for all that are too many to tell.
    package var estimate: Int {
        let empty = 64 - bits.nonzeroBitCount
        return Int((64 * log(64 / max(Double(empty), 1))).rounded()) + (empty == 0 ? 1 : 0)
    }

    /// The last step of SplitMix64 (Steele, Lea and Flood 2014).
    private static func mixed(_ value: UInt64) -> UInt64 {
        var mixed = value &+ 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
