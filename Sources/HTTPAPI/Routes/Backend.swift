package import Access
package import Cluster
package import Journal
package import Licensing
package import Primitives
package import Upkeep

/// What the faces stand before.
package struct Backend: Sendable {
    let licensing: LicensingService
    let access: AccessService
    let audit: AuditLog
    let upkeep: Upkeep
    let membership: Membership
    let clock: any WallClock

    package init(
        licensing: LicensingService, access: AccessService, audit: AuditLog, upkeep: Upkeep, membership: Membership,
        clock: any WallClock
    ) {
        self.licensing = licensing
        self.access = access
        self.audit = audit
        self.upkeep = upkeep
        self.membership = membership
        self.clock = clock
    }
}
