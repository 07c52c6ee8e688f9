package import Primitives

/// What a seat of a license is counted by.
package enum SeatCounting: String, Sendable, CaseIterable {
    /// A seat is a domain with the addresses seen under it.
    case domain
    /// A seat is an address: server licenses.
    case ip
    /// A seat is an identifier that the installation chose.
    case installationID = "installation_id"
}

/// How a new installation gets its seat.
package enum ActivationMode: String, Sendable, CaseIterable {
    /// `validate` takes it.
    case automatic
    /// Only `activate` takes it.
    case explicit
}

/// The end of something: a day through which it lasts, or never.
package enum Deadline: Sendable, Hashable {
    case never
    case through(CivilDate)
}

/// The highest version that a license covers once its maintenance has ended.
package enum VersionLimit: Sendable, Hashable {
    case any
    case upTo(SoftwareVersion)
}

/// Choices about a license, each of which may be left open: a product sets defaults, a license overrides some of them.
/// What nobody sets is as `Policy` says.
package struct PolicySettings: Sendable, Hashable {
    /// Such as `professional`.
    package var licenseType: Slug?
    /// In the order that the vendor gave, none twice; they travel in every token.
    package var features: [Slug]?
    /// Seats; 0 is unlimited.
    package var maxActivations: Int?
    package var countedBy: SeatCounting?
    /// Live addresses that one seat by domain holds.
    package var addressesPerSeat: Int?
    /// Leading bits of an IPv6 address that make a location.
    package var ipv6Prefix: Int?
    /// Moves and deactivations that installations may make themselves in 30 days.
    package var movesMax: Int?
    /// Whether development hosts take seats like any other.
    package var countsDevelopment: Bool?
    /// Hosts that take no seat, up to `stagingMax` of them.
    package var stagingHosts: [HostPattern]?
    package var stagingMax: Int?
    /// Domains that may use the license; none is any.
    package var allowedDomains: [HostPattern]?
    /// Networks whose addresses may use the license; none is any.
    package var allowedNetworks: [AddressRange]?
    /// Whether the address that a request is seen to come from must be in `allowedNetworks` too.
    package var checksPeer: Bool?
    package var activation: ActivationMode?
    /// Minutes after which a seat that was not seen frees itself; 0 is never.
    package var leaseMinutes: Int?
    /// Days after the expiry in which installations stay valid.
    package var graceDays: Int?
    /// Longest life of a license token in days.
    package var tokenDays: Int?
    /// Days from the first activation to the expiry; 0 is no such clock.
    package var durationDays: Int?
    /// Through when every version is covered.
    package var maintenanceUntil: Deadline?
    /// What is covered after that, or at any time if `maintenanceUntil` is open.
    package var maxVersion: VersionLimit?

    package init() {}

    /// These choices, and those of `other` where it makes any.
    package func overlaid(by other: PolicySettings) -> PolicySettings {
        var result = self
        for field in PolicyField.all { field.copy(other, &result) }
        return result
    }

    /// Whether nothing is chosen.
    package var isEmpty: Bool { self == PolicySettings() }
}

// MARK: - JSON

extension PolicySettings {
    /// The choices as a JSON object: how they are stored, told and recorded. Only the named fields, or all.
    package func json(_ fields: [PolicyField] = PolicyField.all) -> [UInt8] {
        JSONWriter.object { json in for field in fields { field.write(self, &json) } }
    }

    /// Writes the choices as members of an object under way.
    package func write(to json: inout JSONWriter) { for field in PolicyField.all { field.write(self, &json) } }

    /// The choices that a stored object holds. Throws `InvalidInput` for what no program of ours has written.
    package init(json: [UInt8]) throws {
        let object = try JSONReader.read(json).objectValue ?? JSONObject()
        self = try PolicyPatch(object).applied(to: PolicySettings())
    }
}

/// A change of choices: members that are there are set, and those that are null are left open again.
package struct PolicyPatch: Sendable, Equatable {
    private var values = PolicySettings()
    private var opened: [String] = []

    package init() {}

    /// The change that sets what `values` sets.
    package init(_ values: PolicySettings) { self.values = values }

    /// The change that `object` describes; members of other names are ignored. Throws `InvalidInput` with all that is
    /// wrong.
    package init(_ object: JSONObject) throws(InvalidInput) {
        var violations: [InvalidInput.Violation] = []
        for field in PolicyField.all {
            if let reason = take(object[field.name], for: field) {
                violations.append(.init(member: field.name, reason: reason))
            }
        }
        guard violations.isEmpty else { throw InvalidInput(violations) }
    }

    /// Takes one member in; the reason if it cannot be taken. A member that is absent changes nothing.
    package mutating func take(_ value: JSONValue?, for field: PolicyField) -> String? {
        switch value {
        case nil: return nil
        case .null:
            opened.append(field.name)
            return nil
        case .some(let value): return field.read(value, &values)
        }
    }

    /// `settings` after the change.
    package func applied(to settings: PolicySettings) -> PolicySettings {
        var result = settings.overlaid(by: values)
        for field in PolicyField.all where opened.contains(field.name) { field.clear(&result) }
        return result
    }

    package var isEmpty: Bool { values.isEmpty && opened.isEmpty }
}
