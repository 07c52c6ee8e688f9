package import Primitives

/// What a license allows, every choice made: the product's settings under the license's own. Immutable, and shared by
/// all licenses that have the same.
package final class Policy: Sendable {
    /// Features of one license.
    package static let featuresMax = 64
    package static let activationsMax = 1_000_000
    package static let addressesPerSeatMax = 50
    package static let ipv6PrefixRange = 32...128
    package static let movesMaxMax = 1000
    package static let stagingMaxMax = 100
    /// Domains, networks or staging hosts of one license.
    package static let grantsMax = 100
    package static let leaseMinutesRange = 5...43_200
    /// Days of grace after the expiry.
    package static let graceDaysMax = 366
    package static let tokenDaysRange = 1...90

    /// What holds where neither the product nor the license says anything.
    package static let defaults: PolicySettings = {
        var settings = PolicySettings()
        settings.licenseType = Slug("standard")
        settings.features = []
        settings.maxActivations = 1
        settings.countedBy = .domain
        settings.addressesPerSeat = 3
        settings.ipv6Prefix = AddressNetwork.ipv6PrefixDefault
        settings.movesMax = 10
        settings.countsDevelopment = false
        settings.stagingHosts = ["staging", "stage", "dev", "test"].map(HostPattern.firstLabel)
        settings.stagingMax = 3
        settings.allowedDomains = []
        settings.allowedNetworks = []
        settings.checksPeer = false
        settings.activation = .automatic
        settings.leaseMinutes = 0
        settings.graceDays = 0
        settings.tokenDays = 14
        settings.durationDays = 0
        settings.maintenanceUntil = .never
        settings.maxVersion = .any
        return settings
    }()

    /// Every choice.
    package let settings: PolicySettings

    package let licenseType: Slug
    package let features: [Slug]
    package let maxActivations: Int
    package let countedBy: SeatCounting
    package let addressesPerSeat: Int
    package let ipv6Prefix: Int
    package let movesMax: Int
    package let countsDevelopment: Bool
    package let stagingHosts: [HostPattern]
    package let stagingMax: Int
    package let allowedDomains: [HostPattern]
    package let allowedNetworks: [AddressRange]
    package let checksPeer: Bool
    package let activation: ActivationMode
    /// Nil for seats that do not free themselves.
    package let lease: Duration?
    package let graceSeconds: Int64
    package let tokenLifeSeconds: Int64
    /// Nil without a clock that starts at the first activation.
    package let durationDays: Int64?
    /// The instant at which maintenance ends; `distantFuture` for never.
    package let maintenanceEnd: Timestamp
    package let maxVersion: VersionLimit

    /// The choices of `settings`, in the order given, each over those before it, and all over the defaults.
    package init(_ layers: PolicySettings...) {
        let settings = layers.reduce(Self.defaults) { $0.overlaid(by: $1) }
        self.settings = settings
        licenseType = settings.licenseType.made
        features = settings.features.made
        maxActivations = settings.maxActivations.made
        countedBy = settings.countedBy.made
        addressesPerSeat = settings.addressesPerSeat.made
        ipv6Prefix = settings.ipv6Prefix.made
        movesMax = settings.movesMax.made
        countsDevelopment = settings.countsDevelopment.made
        stagingHosts = settings.stagingHosts.made
        stagingMax = settings.stagingMax.made
        allowedDomains = settings.allowedDomains.made
        allowedNetworks = settings.allowedNetworks.made
        checksPeer = settings.checksPeer.made
        activation = settings.activation.made
        lease = settings.leaseMinutes.made == 0 ? nil : .minutes(settings.leaseMinutes.made)
        graceSeconds = Int64(settings.graceDays.made) * CivilDate.secondsPerDay
        tokenLifeSeconds = Int64(settings.tokenDays.made) * CivilDate.secondsPerDay
        durationDays = settings.durationDays.made == 0 ? nil : Int64(settings.durationDays.made)
        maintenanceEnd =
            if case .through(let day) = settings.maintenanceUntil { day.end } else { .distantFuture }
        maxVersion = settings.maxVersion.made
    }
}

extension Policy: Equatable {
    package static func == (left: Policy, right: Policy) -> Bool { left === right || left.settings == right.settings }
}

extension Optional {
    /// A choice of settings that lie over the defaults, which make every choice.
    fileprivate var made: Wrapped {
        guard let self else { preconditionFailure("the default policy leaves a choice open") }
        return self
    }
}

// MARK: - What it says of an installation

extension Policy {
    /// Whether `domain` may use the license. A staging host may when the domain that it belongs to may.
    package func allows(domain: String) -> Bool {
        allowedDomains.isEmpty || grant(for: domain) != nil
    }

    /// The grant under which `domain` may use the license; nil when it may not, or when every domain may.
    package func grant(for domain: String) -> HostPattern? {
        if let grant = allowedDomains.first(where: { $0.matches(domain) }) { return grant }
        guard !allowedDomains.isEmpty else { return nil }
        for host in stagingHosts {
            guard let parent = host.parent(of: domain).map(String.init) else { continue }
            if let grant = allowedDomains.first(where: { $0.matches(parent) }) { return grant }
        }
        return nil
    }

    /// Whether an installation at `address`, seen to come from `peer`, may use the license.
    package func allows(address: CanonicalAddress, peer: CanonicalAddress?) -> Bool {
        guard !allowedNetworks.isEmpty else { return true }
        guard grant(for: address) != nil else { return false }
        return !checksPeer || peer.flatMap(grant(for:)) != nil
    }

    /// The network under which `address` may use the license; nil when it may not, or when every address may.
    package func grant(for address: CanonicalAddress) -> AddressRange? {
        allowedNetworks.first { $0.contains(address) }
    }

    /// Whether `domain` is one of the hosts that take no seat while there are few of them.
    package func isStaging(domain: String) -> Bool { stagingHosts.contains { $0.matches(domain) } }

    /// Whether the license covers `version` at `now`.
    package func covers(_ version: SoftwareVersion, at now: Timestamp) -> Bool {
        guard case .upTo(let limit) = maxVersion else { return true }
        if case .through = settings.maintenanceUntil, now < maintenanceEnd { return true }
        return version.isWithin(limit)
    }
}
