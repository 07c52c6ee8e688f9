import HTTPTypes
import Licensing
import NIOCore
import Primitives
import TestSupport
import Testing

@testable import HTTPAPI

/// Whom a request with these `X-Forwarded-For` lines, over a connection from `peer`, is taken to be from.
private struct Row: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let peer: String
    let forwarded: [String]
    let client: String

    init(_ name: String, peer: String, _ forwarded: [String], _ client: String) {
        testDescription = name
        self.peer = peer
        self.forwarded = forwarded
        self.client = client
    }
}

@Suite("The client's address")
struct ClientAddressTests {
    private static let proxies = ["10.0.0.0/8", "192.0.2.1", "2001:db8:face::/48"]

    private static let rows: [Row] = [
        .init("nothing forwarded: the peer", peer: "10.0.0.1", [], "10.0.0.1"),
        .init("a stranger's word means nothing", peer: "203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        .init("nor does a whole chain of a stranger's", peer: "203.0.113.9", ["1.1.1.1, 10.0.0.1"], "203.0.113.9"),
        .init("one proxy", peer: "10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        .init("the client's own word stands further left", peer: "10.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        .init("two proxies", peer: "10.0.0.1", ["198.51.100.1, 192.0.2.1"], "198.51.100.1"),
        .init("two proxies and a lie", peer: "10.0.0.1", ["10.9.9.9, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        .init("several lines are one list", peer: "10.0.0.1", ["1.1.1.1", "198.51.100.1", "10.0.0.2"], "198.51.100.1"),
        .init("all of them proxies: the leftmost", peer: "10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        .init("space around hops", peer: "10.0.0.1", ["1.1.1.1 ,\t198.51.100.1  "], "198.51.100.1"),
        .init("IPv6", peer: "2001:db8:face::1", ["2001:DB8:0::1"], "2001:db8::1"),
        .init("IPv6 in brackets", peer: "10.0.0.1", ["[2001:db8::1]"], "2001:db8::1"),
        .init("an IPv4 peer on an IPv6 socket", peer: "::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        .init("a mapped hop is its IPv4 address", peer: "10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        .init("a mapped hop can be a proxy", peer: "10.0.0.1", ["198.51.100.1, ::ffff:10.0.0.2"], "198.51.100.1"),
        .init("no address: the last hop that was one", peer: "10.0.0.1", ["unknown"], "10.0.0.1"),
        .init("no address behind a proxy", peer: "10.0.0.1", ["1.1.1.1, _hidden, 10.0.0.2"], "10.0.0.2"),
        .init("an address with a port is none", peer: "10.0.0.1", ["198.51.100.1:4711"], "10.0.0.1"),
        .init("leading zeros are none", peer: "10.0.0.1", ["198.051.100.001"], "10.0.0.1"),
        .init("empty hops say nothing", peer: "10.0.0.1", ["", ",", "198.51.100.1,,"], "198.51.100.1"),
        .init("a line of spaces is no hop to trust past", peer: "10.0.0.1", ["198.51.100.1, ,"], "10.0.0.1"),
        .init("a neighbor of a single proxy is none", peer: "192.0.2.2", ["198.51.100.1"], "192.0.2.2"),
    ]

    @Test("is the first, from the right, that no proxy of ours is", arguments: rows)
    private func client(row: Row) throws {
        let address = ClientAddress(proxies: Self.proxies.compactMap { AddressRange($0) })
        #expect(
            try address.client(peer: Self.address(row.peer), headers: Self.fields(row.forwarded)).description
                == row.client)
    }

    @Test("is the peer, whatever was forwarded, where no proxies are set", arguments: rows)
    private func withoutProxies(row: Row) throws {
        let peer = try Self.address(row.peer)
        let client = ClientAddress(proxies: []).client(peer: peer, headers: try Self.fields(row.forwarded))
        #expect(client == peer)
    }

    @Test("is read in a chain of thousands of hops")
    func longChain() throws {
        let address = ClientAddress(proxies: Self.proxies.compactMap { AddressRange($0) })
        let chain = "198.51.100.1" + String(repeating: ",10.0.0.1", count: 5000)
        #expect(
            try address.client(peer: Self.address("10.0.0.1"), headers: Self.fields([chain])).description
                == "198.51.100.1")
    }

    @Test("is the socket's, without the zone that the kernel adds")
    func socketAddress() throws {
        #expect(CanonicalAddress(socketAddress: try SocketAddress(ipAddress: "::1", port: 1))?.description == "::1")
        let mapped = try SocketAddress(ipAddress: "::ffff:198.51.100.1", port: 1)
        #expect(CanonicalAddress(socketAddress: mapped)?.description == "198.51.100.1")
        #expect(CanonicalAddress(socketAddress: try SocketAddress(unixDomainSocketPath: "signet.sock")) == nil)
    }

    @Test("stands in for an absent ip_address and is kept beside a claimed one")
    func throughTheRoute() async throws {
        let house = try await TestHouse()
        let acme = try await house.acme()
        let face = ClientFace(of: house, peer: "10.0.0.1", proxies: ["10.0.0.0/8"])
        let headers: HTTPFields = [try #require(HTTPField.Name("X-Forwarded-For")): "1.1.1.1, 198.51.100.1"]
        let reply = try await face.validate(
            #"{"license_key":"\#(acme.key.text)","domain":"example.com"}"#, headers)
        #expect(reply.json["activation"]?.objectValue?["ip"] == .string("198.51.100.1"))
        let claimed = try await face.validate(
            #"{"license_key":"\#(acme.key.text)","domain":"example.org","ip_address":"203.0.113.50"}"#, headers)
        #expect(claimed.json["activation"]?.objectValue?["ip"] == .string("203.0.113.50"))
        let peers = try await house.licensing.activations(of: acme.id).flatMap(\.addresses).compactMap(\.peer)
        #expect(peers == ["198.51.100.1", "198.51.100.1"])
    }

    private static func address(_ text: String) throws -> CanonicalAddress { try #require(CanonicalAddress(text)) }

    private static func fields(_ lines: [String]) throws -> HTTPFields {
        let name = try #require(HTTPField.Name("X-Forwarded-For"))
        return HTTPFields(lines.map { HTTPField(name: name, value: $0) })
    }
}
