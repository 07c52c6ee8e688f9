import Primitives

/// What an installation says of itself besides what its seat belongs to: the identifier that comes along with a domain,
/// by which the seat may later move, or the domain that comes along with an identifier.
package struct CarriedIdentity: Sendable, Equatable {
    package let domain: String?
    package let installationID: String?

    init(domain: String?, installationID: String?) {
        self.domain = domain
        self.installationID = installationID
    }

    /// What `installation` says besides `identity`.
    init(_ installation: Installation, beside identity: SeatIdentity) {
        domain = identity.domain == nil ? installation.domain?.ascii : nil
        installationID = identity.installationID == nil ? installation.installationID?.text : nil
    }

    /// 0 for nothing, else a short hash, by which memory sees that something else is said than last time. FNV-1a, which
    /// gives the same after every start.
    var mark: UInt16 {
        if domain == nil, installationID == nil { return 0 }
        var hash: UInt32 = 0x811C_9DC5
        for text in [domain, installationID] {
            for byte in text?.utf8 ?? "".utf8 { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
            hash = (hash ^ 0xFF) &* 0x0100_0193
        }
        return UInt16(1 + hash % UInt32(UInt16.max))
    }
}
