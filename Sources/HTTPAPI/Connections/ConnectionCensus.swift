package import Licensing
import Synchronization

/// How many connections each client has. IPv6 is counted by /64, since a client has at least that much.
package final class ConnectionCensus: Sendable {
    package static let perClientMaxDefault = 256
    package static let perProxyMaxDefault = 2048

    private let perClientMax: Int
    private let perProxyMax: Int
    private let proxies: [AddressRange]
    private let counts = Mutex([CanonicalAddress: Int]())

    /// `proxies` are our own, whose connections carry many clients.
    package init(
        perClientMax: Int = perClientMaxDefault, perProxyMax: Int = perProxyMaxDefault, proxies: [AddressRange] = []
    ) {
        self.perClientMax = perClientMax
        self.perProxyMax = perProxyMax
        self.proxies = proxies
    }

    /// Counts a connection in; false when the client has as many as it may.
    func admit(_ client: CanonicalAddress) -> Bool {
        let max = proxies.contains { $0.contains(client) } ? perProxyMax : perClientMax
        return counts.withLock { counts in
            let count = counts[client.clientBlock, default: 0]
            guard count < max else { return false }
            counts[client.clientBlock] = count + 1
            return true
        }
    }

    /// Counts a connection out that was admitted.
    func leave(_ client: CanonicalAddress) {
        counts.withLock { counts in
            let count = counts[client.clientBlock, default: 0]
            counts[client.clientBlock] = count > 1 ? count - 1 : nil
        }
    }

    /// Connections that are open, and the clients that have them.
    var open: (connections: Int, clients: Int) { counts.withLock { ($0.values.reduce(0, +), $0.count) } }
}
