import Primitives

/// What a seat belongs to: a canonical domain, an address, or an identifier that the installation chose.
package enum SeatIdentity: Sendable, Hashable {
    case domain(CanonicalDomain)
    case network(AddressNetwork)
    case installationID(InstallationID)

    /// Equal identities and no others have equal bytes: what is hashed.
    var bytes: [UInt8] {
        switch self {
        case .domain(let domain): [UInt8(ascii: "d")] + domain.ascii.utf8
        case .network(let network): [UInt8(ascii: "n")] + network.description.utf8
        case .installationID(let id): [UInt8(ascii: "i")] + id.text.utf8
        }
    }

    package var domain: String? { if case .domain(let domain) = self { domain.ascii } else { nil } }

    package var network: String? { if case .network(let network) = self { network.description } else { nil } }

    package var installationID: String? { if case .installationID(let id) = self { id.text } else { nil } }
}

/// An identifier chosen by the installation: 8…128 of letters, digits and `. _ : -`, as a UUID has.
package struct InstallationID: Sendable, Hashable {
    package static let lengthRange = 8...128
    /// What would be accepted, for messages.
    package static let expectation = "must be 8 to 128 of letters, digits and . _ : -"

    package let text: String

    package init?(_ text: String) {
        guard Self.lengthRange.contains(text.utf8.count),
            text.utf8.allSatisfy({ $0.isDigit || $0.isLetter || "._:-".utf8.contains($0) })
        else { return nil }
        self.text = text
    }
}

/// One copy of the software that asks: who it is, from where, and where the request was seen to come from.
package struct Installation: Sendable {
    /// What the installation says of itself; at least one of the two.
    package let domain: CanonicalDomain?
    package let installationID: InstallationID?
    /// The claimed address, or the observed one when none was claimed: the identity, as in the guide.
    package let address: CanonicalAddress
    /// Where the request came from, recorded beside it; it changes no verdict.
    package let peer: CanonicalAddress?

    /// Nil without a domain and without an identifier.
    package init?(
        domain: CanonicalDomain?, installationID: InstallationID?, address: CanonicalAddress, peer: CanonicalAddress?
    ) {
        guard domain != nil || installationID != nil else { return nil }
        self.domain = domain
        self.installationID = installationID
        self.address = address
        self.peer = peer
    }

    /// What its seat belongs to under `policy`; nil when the license counts identifiers and it has none. A license that
    /// counts domains knows an installation without one by its identifier.
    package func identity(under policy: Policy) -> SeatIdentity? {
        switch policy.countedBy {
        case .domain: domain.map(SeatIdentity.domain) ?? installationID.map(SeatIdentity.installationID)
        case .ip: .network(address.network(under: policy))
        case .installationID: installationID.map(SeatIdentity.installationID)
        }
    }

    /// The domain alone makes a development host (DESIGN D7).
    package var isDevelopment: Bool { domain?.isDevelopment ?? false }

    /// Whether it takes no seat and may be anywhere: a development host, unless those count.
    package func isFree(under policy: Policy) -> Bool { isDevelopment && !policy.countsDevelopment }
}
