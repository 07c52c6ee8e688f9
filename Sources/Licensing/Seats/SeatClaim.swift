package import Journal
import Primitives
package import Secrets

/// A newcomer's wish for a seat.
package struct SeatClaim: Sendable {
    package let license: LicenseID
    package let installation: Installation
    /// What the seat will belong to, and the location that it is claimed from.
    package let identity: SeatIdentity
    package let network: AddressNetwork
    package let place: KeyedHash
    /// What is told instead of giving a further seat: `expired` in grace, when an address may still join the seat of
    /// its domain, and a seat may move, but nobody gets another one. Nil when it may.
    package let refusal: Verdict?
    /// Whether somebody asked for the seat on purpose: then a deactivated installation comes back.
    package let isExplicit: Bool
    /// Whether a license file wants the seat. It says nothing of where its installation calls from, so it leaves no
    /// place; a seat that is taken for it frees itself when the file ends, unless its installation has called.
    package let isForFile: Bool
    /// What a token that came along proves.
    package private(set) var proof: SeatProof
    package let provenance: Provenance

    package init(
        license: LicenseID, installation: Installation, identity: SeatIdentity, network: AddressNetwork,
        place: KeyedHash, refusal: Verdict? = nil, isExplicit: Bool = false, isForFile: Bool = false,
        proof: SeatProof = .absent, provenance: Provenance
    ) {
        self.license = license
        self.installation = installation
        self.identity = identity
        self.network = network
        self.place = place
        self.refusal = refusal
        self.isExplicit = isExplicit
        self.isForFile = isForFile
        self.proof = proof
        self.provenance = provenance
    }

    /// The same claim with what a token proves.
    func proven(by proof: SeatProof) -> SeatClaim {
        var claim = self
        claim.proof = proof
        return claim
    }

    var at: Timestamp { provenance.at }

    var carried: CarriedIdentity { CarriedIdentity(installation, beside: identity) }

    /// What a refusal is remembered under: another identifier at the same place may have a seat to take along.
    var refusalKey: KeyedHash { Self.refusalKey(place, carried) }

    static func refusalKey(_ place: KeyedHash, _ carried: CarriedIdentity) -> KeyedHash {
        KeyedHash(high: place.high, low: place.low ^ UInt64(carried.mark) &* 0x9E37_79B9_7F4A_7C15)
    }

    /// Whether seats are still counted as they were when the claim was made.
    func isCurrent(under policy: Policy) -> Bool {
        installation.identity(under: policy) == identity && installation.address.network(under: policy) == network
    }

    /// Whether its seat would be that of a named staging host. Only where a seat is a domain: an address or an
    /// identifier may be that of a production site too.
    func isStaging(under policy: Policy) -> Bool {
        guard case .domain(let domain) = identity, !domain.isDevelopment else { return false }
        return policy.isStaging(domain: domain.ascii)
    }
}

/// Which seat an installation proves, by a token of ours, to be its own.
package enum SeatProof: Sendable, Equatable {
    /// No token was sent.
    case absent
    case activation(ActivationID)
    /// A token was sent that proves nothing about the license.
    case worthless
}

/// What became of a claim.
package enum SeatOutcome: Sendable {
    /// The installation holds this seat, and did so durably before this was said.
    case held(PlaceFacts)
    /// No seat, or no room in one; `version` is the license version at which that was so.
    case refused(Verdict, version: Int64)
    /// The license is no longer in force: its own verdict counts.
    case notInForce
    /// Seats are counted in another way since the claim was made: it has to be made anew.
    case outdated
}
