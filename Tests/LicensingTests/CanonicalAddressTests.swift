import Licensing
import Testing

@Suite("A canonical address")
struct CanonicalAddressTests {
    /// Every row, and those whose text is an address.
    static let rows = TextTable("addresses.txt").rows
    static let accepted = rows.filter { $0["result"] != "!" }

    @Test("has one text, or none for what is no address", arguments: rows)
    func result(row: TextTable.Row) {
        #expect(CanonicalAddress(row["input"])?.description ?? "!" == row["result"])
    }

    @Test("is global unless it means another host to each who uses it", arguments: accepted)
    func reach(row: TextTable.Row) throws {
        let address = try #require(CanonicalAddress(row["input"]))
        #expect(address.isGlobal == (row["reach"] == "global"))
    }

    @Test("is counted as an IPv4 host, an IPv6 /64, or one place for all others", arguments: accepted)
    func network(row: TextTable.Row) throws {
        let network = try #require(CanonicalAddress(row["input"])).network
        #expect(network.description == row["network"])
        #expect(AddressNetwork(network.description) == network)
    }

    @Test("read again from its text gives the same bytes", arguments: accepted)
    func roundTrip(row: TextTable.Row) throws {
        let address = try #require(CanonicalAddress(row["input"]))
        #expect(CanonicalAddress(address.description) == address)
    }

    @Test("compares bytes: both families, all spellings")
    func bytes() throws {
        let mapped = try #require(CanonicalAddress("::ffff:203.0.113.7"))
        #expect(mapped == CanonicalAddress(ipv4: 0xCB00_7107))
        #expect(mapped.bits == 0xFFFF_CB00_7107)
        #expect(mapped.isIPv4)
        let ipv6 = try #require(CanonicalAddress("2001:db8::1"))
        #expect(ipv6.bits == 0x2001_0DB8_0000_0000_0000_0000_0000_0001)
        #expect(!ipv6.isIPv4)
        #expect(CanonicalAddress("::cb00:7107")?.isIPv4 == false)
    }
}

@Suite("A counted location")
struct CanonicalNetworkTests {
    @Test(
        "is shared by the addresses of one IPv6 customer and by all that are not global",
        arguments: [
            ("2001:db8::1", "2001:db8::dead:beef:1:2", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("203.0.113.7", "203.0.113.8", false),
            ("203.0.113.7", "2002:cb00:7107::", false),
            ("10.0.0.1", "192.168.1.5", true),
            ("127.0.0.1", "fd00::1", true),
            ("10.0.0.1", "203.0.113.7", false),
        ])
    func sharing(one: String, other: String, shared: Bool) throws {
        let networks = try [one, other].map { try #require(CanonicalAddress($0)).network }
        #expect((networks[0] == networks[1]) == shared)
    }

    @Test(
        "is read back from its own text only",
        arguments: [
            "", "203.0.113.7", "203.0.113.7/", "203.0.113.7/31", "203.0.113.7/032", "203.0.113.7/32/",
            "203.0.113.7/32 ",
            "::ffff:203.0.113.7/32", "2001:db8::/0", "2001:db8::1/64", "2001:DB8::/64", "2001:db8::/064", "nonGlobal",
            "Non-Global", "2001:db8::",
        ])
    func strictText(text: String) {
        #expect(AddressNetwork(text) == nil)
    }
}

@Suite("An address range")
struct CanonicalRangeTests {
    @Test(
        "holds the addresses of its block and family",
        arguments: [
            ("10.0.0.0/8", "10.255.255.255", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("203.0.113.7", "203.0.113.7", true),
            ("203.0.113.7/32", "203.0.113.8", false),
            ("0.0.0.0/0", "255.255.255.255", true),
            ("0.0.0.0/0", "::1", false),
            ("0.0.0.0/0", "::ffff:0:1", true),
            ("::/0", "2001:db8::1", true),
            ("::/0", "203.0.113.7", false),
            ("::1", "::1", true),
            ("::1/128", "::2", false),
            ("2001:db8::/33", "2001:db8:7fff::1", true),
            ("2001:db8::/33", "2001:db8:8000::1", false),
            ("172.16.0.0/12", "172.31.0.1", true),
            ("172.16.0.0/12", "172.32.0.1", false),
        ])
    func contains(range: String, address: String, isInside: Bool) throws {
        let range = try #require(AddressRange(range))
        let address = try #require(CanonicalAddress(address))
        #expect(range.contains(address) == isInside)
    }

    @Test(
        "is refused when it is not written exactly",
        arguments: [
            "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/8/8",
            "10.0.0.1/8", "2001:db8::1/64", "2001:db8::/129", "10.0.0.0 /8", " 10.0.0.0/8", "10.0.0.0/8 ", "[fd00::]/8",
            "::ffff:10.0.0.0/104", "::ffff:0:0/96", "::ffff:10.0.0.1", "10.0/16", "10.0.0.0/255.0.0.0", "localhost/8",
            "fe80::%eth0/10", "10.0.0.0/99999999999999999999", "10.0.0.0/１",
        ])
    func strictText(text: String) {
        #expect(AddressRange(text) == nil)
    }

    @Test(
        "prints with its length",
        arguments: [
            ("10.0.0.0/8", "10.0.0.0/8"), ("10.1.2.3", "10.1.2.3/32"), ("FD00::/8", "fd00::/8"), ("::1", "::1/128"),
            ("0.0.0.0/0", "0.0.0.0/0"), ("::/0", "::/0"),
        ])
    func description(text: String, printed: String) throws {
        let range = try #require(AddressRange(text))
        #expect(range.description == printed)
        #expect(AddressRange(printed) == range)
    }
}
