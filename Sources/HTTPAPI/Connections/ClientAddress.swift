import HTTPTypes
import Licensing
import NIOCore

extension CanonicalAddress {
    /// The address of an Internet socket; nil for others.
    init?(socketAddress: SocketAddress) {
        guard let text = socketAddress.ipAddress else { return nil }
        // The kernel adds the zone to link-local addresses; it says nothing to others.
        self.init(String(text.prefix { $0 != "%" }))
    }
}

/// Where a request came from, through our own proxies and no others.
///
/// `X-Forwarded-For` is read from the right: each hop that is a proxy of ours vouches for the one to its left, and the
/// first that is not is the client. What stands further left was written by the client and means nothing.
struct ClientAddress {
    let proxies: [AddressRange]

    /// The client's address; `peer` is the other end of the connection.
    func client(peer: CanonicalAddress, headers: HTTPFields) -> CanonicalAddress {
        guard !proxies.isEmpty, isProxy(peer) else { return peer }
        let hops = headers[values: .xForwardedFor].flatMap { $0.split(separator: ",") }
        var client = peer
        for hop in hops.reversed() {
            guard isProxy(client) else { return client }
            guard let next = CanonicalAddress(String(hop)) else { return client }
            client = next
        }
        return client
    }

    private func isProxy(_ address: CanonicalAddress) -> Bool { proxies.contains { $0.contains(address) } }
}

extension HTTPField.Name {
    fileprivate static let xForwardedFor: Self = {
        guard let name = Self("X-Forwarded-For") else { preconditionFailure("a valid field name (RFC 9110 §5.1)") }
        return name
    }()
}
