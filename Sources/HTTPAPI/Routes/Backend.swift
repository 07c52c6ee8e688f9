package import Access
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
    let clock: any WallClock

    package init(
        licensing: LicensingService, access: AccessService, audit: AuditLog, upkeep: Upkeep, clock: any WallClock
    ) {
        self.licensing = licensing
        self.access = access
        self.audit = audit
        self.upkeep = upkeep
        self.clock = clock
    }
}
