import Journal
import Primitives

/// A license with all that was decided about its state. `License.state` follows from the rest: revoked, or suspended
/// while a hold stands, or active.
package struct LicenseStanding: Sendable, Equatable {
    package internal(set) var license: License
    /// At most one of each holder, the operator's first.
    package private(set) var holds: [LicenseHold]
    package private(set) var revocation: LicenseRevocation?

    package init(_ license: License, holds: [LicenseHold] = [], revocation: LicenseRevocation? = nil) {
        self.license = license
        self.holds = holds
        self.revocation = revocation
    }

    package func hold(of holder: LicenseHold.Holder) -> LicenseHold? { holds.first { $0.holder == holder } }
}

extension LicenseStanding {
    /// Sets the hold of `holder`, or gives the one that stands another reason. Without a reason, or with the same, a
    /// hold that stands stays as it is.
    mutating func hold(by holder: LicenseHold.Holder, _ provenance: Provenance) {
        if let index = holds.firstIndex(where: { $0.holder == holder }) {
            guard let reason = provenance.reason, reason != holds[index].reason else { return }
            holds[index].reason = reason
            holds[index].actor = provenance.actor
            return
        }
        holds.append(
            LicenseHold(
                holder: holder, reason: provenance.reason, actor: provenance.actor, since: provenance.at.wholeSeconds))
        holds.sort { $0.holder.order < $1.holder.order }
        settle()
    }

    /// Takes away what holds of `holders` stand.
    mutating func lift(_ holders: Set<LicenseHold.Holder>) {
        holds.removeAll { holders.contains($0.holder) }
        settle()
    }

    /// Revokes it, which ends its holds, or gives the revocation another reason.
    mutating func revoke(by holder: LicenseHold.Holder, _ provenance: Provenance) {
        if var revocation {
            guard let reason = provenance.reason, reason != revocation.reason else { return }
            revocation.reason = reason
            revocation.actor = provenance.actor
            self.revocation = revocation
            return
        }
        revocation = LicenseRevocation(
            holder: holder, reason: provenance.reason, actor: provenance.actor, at: provenance.at.wholeSeconds)
        holds = []
        settle()
    }

    private mutating func settle() {
        license.state = revocation != nil ? .revoked : holds.isEmpty ? .active : .suspended
    }
}

extension LicenseHold.Holder {
    /// Position among the cases.
    fileprivate var order: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
