extension CanonicalAddress {
    /// Whether the address can mean one place to everybody, as opposed to loopback, private, link-local, shared,
    /// benchmarking, multicast and reserved ones, which mean another host to each who uses them.
    ///
    /// False where the IANA special-purpose registries (RFC 6890, RFC 8190) say "Globally Reachable: False" in the
    /// most specific block, and outside the unicast space that IANA assigns from. "N/A" (6to4, Teredo) is not False.
    ///
    /// The documentation ranges (RFC 5737, 3849, 9637) count as ordinary although the registries say False: nobody
    /// runs there, and an example copied from our documents must behave like the address it stands for, just as
    /// `example.com` does.
    package var isGlobal: Bool {
        isIPv4 ? Self.reach(of: self, in: Self.ipv4Blocks) : Self.reach(of: self, in: Self.ipv6Blocks)
    }

    private static func reach(of address: CanonicalAddress, in blocks: [Block]) -> Bool {
        blocks.first { $0.range.contains(address) }?.isGlobal ?? false
    }

    /// A block and what its registry row says; in a list the more specific block comes first.
    private struct Block {
        let range: AddressRange
        let isGlobal: Bool

        init(_ range: String, global: Bool) {
            guard let range = AddressRange(range) else { preconditionFailure("no address range: \(range)") }
            self.range = range
            self.isGlobal = global
        }
    }

    private static let ipv4Blocks = [
        Block("0.0.0.0/8", global: false),  // this network, RFC 791 §3.2
        Block("10.0.0.0/8", global: false),  // private use, RFC 1918
        Block("100.64.0.0/10", global: false),  // shared address space of carriers, RFC 6598
        Block("127.0.0.0/8", global: false),  // loopback, RFC 1122 §3.2.1.3
        Block("169.254.0.0/16", global: false),  // link-local, RFC 3927
        Block("172.16.0.0/12", global: false),  // private use, RFC 1918
        Block("192.0.0.9/32", global: true),  // Port Control Protocol anycast, RFC 7723
        Block("192.0.0.10/32", global: true),  // TURN anycast, RFC 8155
        Block("192.0.0.0/24", global: false),  // IETF protocol assignments, RFC 6890 §2.1
        Block("192.168.0.0/16", global: false),  // private use, RFC 1918
        Block("198.18.0.0/15", global: false),  // benchmarking, RFC 2544
        Block("224.0.0.0/4", global: false),  // multicast, RFC 5771: never the address of a host
        Block("240.0.0.0/4", global: false),  // reserved and broadcast, RFC 1112 §4, RFC 8190
        Block("0.0.0.0/0", global: true),
    ]

    private static let ipv6Blocks = [
        Block("64:ff9b::/96", global: true),  // IPv4/IPv6 translation, RFC 6052
        Block("2001::/32", global: true),  // Teredo, RFC 4380: N/A
        Block("2001:1::1/128", global: true),  // Port Control Protocol anycast, RFC 7723
        Block("2001:1::2/128", global: true),  // TURN anycast, RFC 8155
        Block("2001:1::3/128", global: true),  // DNS-SD registration anycast, RFC 9665
        Block("2001:3::/32", global: true),  // AMT, RFC 7450
        Block("2001:4:112::/48", global: true),  // AS112-v6, RFC 7535
        Block("2001:20::/28", global: true),  // ORCHIDv2, RFC 7343
        Block("2001:30::/28", global: true),  // drone remote identification, RFC 9374
        Block("2001::/23", global: false),  // IETF protocol assignments, RFC 2928; benchmarking 2001:2::/48, RFC 5180
        Block("2000::/3", global: true),  // global unicast, RFC 4291 §2.4, IANA IPv6 address space
        // Everything else is unspecified ::, loopback ::1, IPv4-compatible, local translation 64:ff9b:1::/48, discard
        // 100::/64, segment routing 5f00::/16, unique local fc00::/7, link-local fe80::/10, former site-local
        // fec0::/10, multicast ff00::/8, or not assigned.
    ]
}
