import Licensing
import Testing

@testable import HTTPAPI

@Suite("The census of connections")
struct ConnectionCensusTests {
    private static func address(_ text: String) throws -> CanonicalAddress { try #require(CanonicalAddress(text)) }

    private static func admitted(_ census: ConnectionCensus, _ addresses: [String]) throws -> [Bool] {
        try addresses.map { census.admit(try address($0)) }
    }

    @Test("admits each client as often as it may, whatever the others do")
    func perClient() throws {
        let census = ConnectionCensus(perClientMax: 2)
        let crowd = ["203.0.113.7", "203.0.113.7", "203.0.113.7", "203.0.113.8", "203.0.113.7"]
        #expect(try Self.admitted(census, crowd) == [true, true, false, true, false])
    }

    @Test(
        "counts IPv6 by the /64 and IPv4 by the address",
        arguments: [
            (["2001:db8::1", "2001:db8::2"], true), (["2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"], true),
            (["2001:db8::1", "2001:db8:0:1::1"], false), (["203.0.113.7", "203.0.113.8"], false),
            (["203.0.113.7", "::ffff:203.0.113.7"], true), (["::1", "203.0.113.7"], false),
        ])
    func sameClient(addresses: [String], isOne: Bool) throws {
        let census = ConnectionCensus(perClientMax: 1)
        #expect(try Self.admitted(census, addresses) == [true, !isOne])
    }

    @Test("gives our proxies more, each its own")
    func proxies() throws {
        let proxies = ["10.0.0.0/8", "2001:db8::/32"].compactMap { AddressRange($0) }
        let census = ConnectionCensus(perClientMax: 1, perProxyMax: 2, proxies: proxies)
        #expect(try Self.admitted(census, ["10.0.0.1", "10.0.0.1", "10.0.0.1"]) == [true, true, false])
        #expect(try Self.admitted(census, ["10.0.0.2", "11.0.0.1", "11.0.0.1"]) == [true, true, false])
        #expect(try Self.admitted(census, ["2001:db8::1", "2001:db8::1", "2001:db8::2"]) == [true, true, false])
    }

    @Test("has room again for each that leaves, and no more than that")
    func leaving() throws {
        let census = ConnectionCensus(perClientMax: 2)
        let client = try Self.address("2001:db8::1")
        let neighbor = try Self.address("2001:db8::2")
        #expect(census.admit(client))
        #expect(census.admit(neighbor))
        census.leave(neighbor)
        #expect(census.admit(client))
        #expect(!census.admit(client))
        for _ in 1...2 { census.leave(client) }
        census.leave(client)
        #expect(census.admit(client))
        #expect(census.admit(client))
        #expect(!census.admit(client))
    }
}
