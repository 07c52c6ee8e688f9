/// Where the software runs, as the verifier compares it with the claims a token is bound to.
///
/// All values are compared byte by byte, so give the canonical forms that the server answered in `activation`, kept
/// since the installation was activated. Never take the domain from a visitor's request: its `Host` header is theirs
/// to choose. A value that is nil matches no token that is bound to it.
public struct Installation: Sendable, Hashable {
    /// Lower-case domain name in A-label form without a trailing dot, such as `shop.example.com`, or the canonical
    /// address literal of an installation without a name.
    public let domain: String?

    /// Network address: IPv4 as four decimal numbers, IPv6 as in RFC 5952.
    public let address: String?

    /// The id the installation chose for itself and sends to the server as `installation_id`.
    public let installationID: String?

    /// An installation of which the given facts are known.
    public init(domain: String? = nil, address: String? = nil, installationID: String? = nil) {
        self.domain = domain
        self.address = address
        self.installationID = installationID
    }
}
