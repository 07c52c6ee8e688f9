import ArgumentParser
import Licensing
import Primitives

/// Every choice of a policy as an option. What each is called, means and accepts stands in one table, `PolicyField`;
/// here is only what the argument parser needs to see in the source.
struct PolicyOptions: ParsableArguments {
    @Option(name: .policy("license_type"), parsing: .unconditional, help: .policy("license_type"))
    var licenseType: String?

    @Option(name: .policy("features"), parsing: .unconditionalSingleValue, help: .policy("features"))
    var features: [String] = []

    @Option(name: .policy("max_activations"), parsing: .unconditional, help: .policy("max_activations"))
    var maxActivations: String?

    @Option(name: .policy("counted_by"), parsing: .unconditional, help: .policy("counted_by"))
    var countedBy: String?

    @Option(name: .policy("addresses_per_seat"), parsing: .unconditional, help: .policy("addresses_per_seat"))
    var addressesPerSeat: String?

    @Option(name: .policy("ipv6_prefix"), parsing: .unconditional, help: .policy("ipv6_prefix"))
    var ipv6Prefix: String?

    @Option(name: .policy("moves_max"), parsing: .unconditional, help: .policy("moves_max"))
    var movesMax: String?

    @Flag(name: .policy("counts_development"), inversion: .prefixedNo, help: .policy("counts_development"))
    var countsDevelopment: Bool?

    @Option(name: .policy("staging_hosts"), parsing: .unconditionalSingleValue, help: .policy("staging_hosts"))
    var stagingHosts: [String] = []

    @Option(name: .policy("staging_max"), parsing: .unconditional, help: .policy("staging_max"))
    var stagingMax: String?

    @Option(name: .policy("allowed_domains"), parsing: .unconditionalSingleValue, help: .policy("allowed_domains"))
    var allowedDomains: [String] = []

    @Option(name: .policy("allowed_networks"), parsing: .unconditionalSingleValue, help: .policy("allowed_networks"))
    var allowedNetworks: [String] = []

    @Flag(name: .policy("checks_peer"), inversion: .prefixedNo, help: .policy("checks_peer"))
    var checksPeer: Bool?

    @Option(name: .policy("activation"), parsing: .unconditional, help: .policy("activation"))
    var activation: String?

    @Option(name: .policy("lease_minutes"), parsing: .unconditional, help: .policy("lease_minutes"))
    var leaseMinutes: String?

    @Option(name: .policy("grace_days"), parsing: .unconditional, help: .policy("grace_days"))
    var graceDays: String?

    @Option(name: .policy("token_days"), parsing: .unconditional, help: .policy("token_days"))
    var tokenDays: String?

    @Option(name: .policy("duration_days"), parsing: .unconditional, help: .policy("duration_days"))
    var durationDays: String?

    @Option(name: .policy("maintenance_until"), parsing: .unconditional, help: .policy("maintenance_until"))
    var maintenanceUntil: String?

    @Option(name: .policy("max_version"), parsing: .unconditional, help: .policy("max_version"))
    var maxVersion: String?

    /// What was given, by the choice's name, as text.
    private var given: [String: String] {
        let texts: [String: String?] = [
            "license_type": licenseType,
            "features": features.joinedList,
            "max_activations": maxActivations,
            "counted_by": countedBy,
            "addresses_per_seat": addressesPerSeat,
            "ipv6_prefix": ipv6Prefix,
            "moves_max": movesMax,
            "counts_development": countsDevelopment.map { $0 ? "true" : "false" },
            "staging_hosts": stagingHosts.joinedList,
            "staging_max": stagingMax,
            "allowed_domains": allowedDomains.joinedList,
            "allowed_networks": allowedNetworks.joinedList,
            "checks_peer": checksPeer.map { $0 ? "true" : "false" },
            "activation": activation,
            "lease_minutes": leaseMinutes,
            "grace_days": graceDays,
            "token_days": tokenDays,
            "duration_days": durationDays,
            "maintenance_until": maintenanceUntil,
            "max_version": maxVersion,
        ]
        return texts.compactMapValues { $0 }
    }

    /// The domains that were given.
    var domains: [String] { members["allowed_domains"]?.arrayValue?.compactMap(\.stringValue) ?? [] }

    /// The choices that were made, as members.
    var members: JSONObject {
        let given = given
        return PolicyField.all.reduce(into: JSONObject()) { object, field in
            if let text = given[field.name] { _ = object.append(field.name, field.value(text: text)) }
        }
    }
}

/// Which choices a command that changes something leaves open again.
struct InheritOptions: ParsableArguments {
    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Leave a choice open again, as max-activations: a license has it from its product then, a product from the"
                + " defaults.", valueName: "field"))
    var inherit: [String] = []

    func validate() throws {
        for name in inherit where PolicyField.named(name) == nil {
            let names = PolicyField.all.map(\.option).joined(separator: ", ")
            throw ValidationError("--inherit \(name): there is no such choice; there are \(names)")
        }
    }

    /// The choices that were made or left open again, as members. Throws `ValidationError` for both at once.
    func members(over policy: PolicyOptions) throws -> JSONObject {
        var members = policy.members
        for field in inherit.compactMap(PolicyField.named) {
            guard members.append(field.name, .null) else {
                throw ValidationError("--inherit \(field.option) and --\(field.option) are one too many")
            }
        }
        return members
    }
}

extension NameSpecification {
    /// The option of a choice.
    static func policy(_ name: String) -> NameSpecification {
        guard let field = PolicyField.named(name) else { preconditionFailure("no choice is named \(name)") }
        return .customLong(field.option)
    }
}

extension ArgumentHelp {
    /// What a choice decides, and what holds where neither the license nor its product makes it.
    static func policy(_ name: String) -> ArgumentHelp {
        guard let field = PolicyField.named(name) else { preconditionFailure("no choice is named \(name)") }
        let list = field.form == .list ? "; separated by commas, or repeated" : ""
        return ArgumentHelp("\(field.summary)\(list). (default: \(field.text(of: field.defaultValue)))")
    }
}

extension [String] {
    /// A list that was given in one or several options; nil when it was not.
    fileprivate var joinedList: String? { isEmpty ? nil : joined(separator: ",") }
}
