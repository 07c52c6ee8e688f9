import Primitives

/// One choice of a policy: its name on the wire and in storage, what it accepts, and where it lives.
package struct PolicyField: Sendable {
    package let name: String
    /// Sets the choice from a value; the reason if it cannot be taken.
    let read: @Sendable (JSONValue, inout PolicySettings) -> String?
    /// Writes the choice if it is made.
    let write: @Sendable (PolicySettings, inout JSONWriter) -> Void
    /// Copies the choice if it is made.
    let copy: @Sendable (PolicySettings, inout PolicySettings) -> Void
    /// Leaves the choice open.
    let clear: @Sendable (inout PolicySettings) -> Void
    /// How the command line spells it, without the dashes.
    package private(set) var option = ""
    /// What it decides, as a phrase.
    package private(set) var summary = ""
    /// How its value is written as text.
    package private(set) var form = Form.text

    /// How a value is written where there is only text.
    package enum Form: Sendable {
        case number
        /// `365d`, `365 days` or `365`.
        case days
        /// A flag that is named, or named with `no-` before it.
        case flag
        /// Parts separated by commas.
        case list
        case text
    }

    /// Every choice, in the order in which they are told.
    package static let all: [PolicyField] = [
        slug("license_type", \.licenseType).as("type", "What the license is called, such as professional"),
        slugs("features", \.features, max: Policy.featuresMax)
            .as("features", "What the software may switch on", .list),
        integer("max_activations", \.maxActivations, 0...Policy.activationsMax, "0 (unlimited)")
            .as("max-activations", "Seats; 0 is unlimited", .number),
        choice("counted_by", \.countedBy).as("counted-by", "What a seat is: domain, ip or installation_id"),
        integer("addresses_per_seat", \.addressesPerSeat, 1...Policy.addressesPerSeatMax)
            .as("addresses-per-seat", "Live addresses that one seat holds", .number),
        integer("ipv6_prefix", \.ipv6Prefix, Policy.ipv6PrefixRange)
            .as("ipv6-prefix", "Leading bits of an IPv6 address that make one location", .number),
        integer("moves_max", \.movesMax, 0...Policy.movesMaxMax)
            .as("moves-max", "Moves and deactivations by installations themselves in 30 days", .number),
        bool("counts_development", \.countsDevelopment)
            .as("count-development", "Whether development hosts take seats", .flag),
        hosts("staging_hosts", \.stagingHosts, HostPattern.init(staging:), HostPattern.stagingExpectation)
            .as("staging-hosts", "Hosts that take no seat, such as staging.* or *.preview.example.com", .list),
        integer("staging_max", \.stagingMax, 0...Policy.stagingMaxMax)
            .as("staging-max", "Staging hosts without a seat", .number),
        hosts("allowed_domains", \.allowedDomains, HostPattern.init(grant:), HostPattern.grantExpectation)
            .as("domain", "Domains that may use the license, such as *.example.com; none is any", .list),
        networks("allowed_networks", \.allowedNetworks)
            .as("network", "Networks that may use the license, such as 203.0.113.0/24; none is any", .list),
        bool("checks_peer", \.checksPeer)
            .as("check-peer", "Whether the connection must come from those networks too", .flag),
        choice("activation", \.activation)
            .as("activation", "How a newcomer gets its seat: automatic, or explicit (by activate only)"),
        lease("lease_minutes", \.leaseMinutes)
            .as("lease-minutes", "Minutes unseen after which a seat frees itself; 0 is never", .number),
        integer("grace_days", \.graceDays, 0...Policy.graceDaysMax)
            .as("grace-days", "Days after the expiry in which installations stay valid", .number),
        integer("token_days", \.tokenDays, Policy.tokenDaysRange)
            .as("token-days", "Longest life of a license token in days", .number),
        integer("duration_days", \.durationDays, 0...Int(Expiry.daysAheadMax), "0 (none)")
            .as("duration", "Days from the first activation to the expiry, such as 365d; 0 is no such clock", .days),
        deadline("maintenance_until", \.maintenanceUntil)
            .as("maintenance-until", "The day through which every version is covered, or never"),
        versionLimit("max_version", \.maxVersion)
            .as("max-version", "The highest version covered after that, such as 2.10, or any"),
    ]

    /// The choice with this name, in JSON or on the command line.
    package static func named(_ name: String) -> PolicyField? { all.first { $0.name == name || $0.option == name } }

    /// The choices that statements ask for, which have columns of their own.
    static let columns = all.filter { ["max_activations", "grace_days"].contains($0.name) }
    /// All others, which are stored as one object.
    static let stored = all.filter { field in !columns.contains { $0.name == field.name } }
    /// The choices that say something about a customer's installations: sealed in the journal.
    static let personal = all.filter { ["allowed_domains", "allowed_networks"].contains($0.name) }
    static let open = all.filter { field in !personal.contains { $0.name == field.name } }
}

// MARK: - Kinds of choices

extension PolicyField {
    private func `as`(_ option: String, _ summary: String, _ form: Form = .text) -> PolicyField {
        var field = self
        (field.option, field.summary, field.form) = (option, summary, form)
        return field
    }

    private typealias Path<Value> = WritableKeyPath<PolicySettings, Value?> & Sendable

    /// `parse` gives nil for what does not fit `reason`.
    private init<Value: Sendable>(
        _ name: StaticString, _ path: any Path<Value>, reason: String, parse: @escaping @Sendable (JSONValue) -> Value?,
        write: @escaping @Sendable (Value, StaticString, inout JSONWriter) -> Void
    ) {
        self.name = name.description
        read = { json, settings in
            guard let value = parse(json) else { return reason }
            settings[keyPath: path] = value
            return nil
        }
        self.write = { settings, json in if let value = settings[keyPath: path] { write(value, name, &json) } }
        copy = { source, target in if let value = source[keyPath: path] { target[keyPath: path] = value } }
        clear = { $0[keyPath: path] = nil }
    }

    private static func integer(
        _ name: StaticString, _ path: any Path<Int>, _ range: ClosedRange<Int>, _ lowest: String? = nil
    ) -> PolicyField {
        PolicyField(
            name, path, reason: "must be \(lowest ?? String(range.lowerBound)) to \(range.upperBound)",
            parse: { json in json.integerValue.map { Int($0) }.flatMap { range.contains($0) ? $0 : nil } },
            write: { $2.member($1, Int64($0)) })
    }

    /// Minutes of a lease: 0, or enough for a client that calls at half of it.
    private static func lease(_ name: StaticString, _ path: any Path<Int>) -> PolicyField {
        let range = Policy.leaseMinutesRange
        return PolicyField(
            name, path, reason: "must be 0 (never) or \(range.lowerBound) to \(range.upperBound)",
            parse: { json in json.integerValue.map { Int($0) }.flatMap { $0 == 0 || range.contains($0) ? $0 : nil } },
            write: { $2.member($1, Int64($0)) })
    }

    private static func bool(_ name: StaticString, _ path: any Path<Bool>) -> PolicyField {
        PolicyField(
            name, path, reason: "must be true or false",
            parse: { if case .bool(let truth) = $0 { truth } else { nil } }, write: { $2.member($1, $0) })
    }

    private static func choice<Value: RawRepresentable<String> & CaseIterable & Sendable>(
        _ name: StaticString, _ path: any Path<Value>
    ) -> PolicyField {
        PolicyField(
            name, path, reason: "must be one of \(Value.allCases.map(\.rawValue).joined(separator: ", "))",
            parse: { $0.stringValue.flatMap(Value.init(rawValue:)) }, write: { $2.member($1, $0.rawValue) })
    }

    private static func slug(_ name: StaticString, _ path: any Path<Slug>) -> PolicyField {
        PolicyField(
            name, path, reason: "must be a name of a-z, 0-9 and . _ : -",
            parse: { $0.stringValue.flatMap { Slug($0) } },
            write: { $2.member($1, $0.text) })
    }

    private static func slugs(_ name: StaticString, _ path: any Path<[Slug]>, max: Int) -> PolicyField {
        PolicyField(
            name, path, reason: "must be at most \(max) names of a-z, 0-9 and . _ : -, none twice",
            parse: { list($0, max: max) { Slug($0) } }, write: { $2.member($1, $0.map(\.text)) })
    }

    private static func hosts(
        _ name: StaticString, _ path: any Path<[HostPattern]>, _ read: @escaping @Sendable (String) -> HostPattern?,
        _ expectation: String
    ) -> PolicyField {
        PolicyField(
            name, path, reason: "\(expectation); at most \(Policy.grantsMax), none twice",
            parse: { list($0, max: Policy.grantsMax, read) }, write: { $2.member($1, $0.map(\.description)) })
    }

    private static func networks(_ name: StaticString, _ path: any Path<[AddressRange]>) -> PolicyField {
        PolicyField(
            name, path,
            reason: "must be networks such as 203.0.113.0/24 or 2001:db8::/48; at most \(Policy.grantsMax), none twice",
            parse: { list($0, max: Policy.grantsMax) { AddressRange($0) } },
            write: { $2.member($1, $0.map(\.description)) })
    }

    private static func deadline(_ name: StaticString, _ path: any Path<Deadline>) -> PolicyField {
        PolicyField(
            name, path, reason: "must be YYYY-MM-DD or never",
            parse: { json in
                json.stringValue.flatMap { $0 == "never" ? .never : CivilDate(text: $0).map(Deadline.through) }
            },
            write: { deadline, name, json in
                if case .through(let day) = deadline {
                    json.member(name, day.description)
                } else {
                    json.member(name, "never")
                }
            })
    }

    private static func versionLimit(_ name: StaticString, _ path: any Path<VersionLimit>) -> PolicyField {
        PolicyField(
            name, path, reason: "\(SoftwareVersion.expectation), or any",
            parse: { json in
                json.stringValue.flatMap { $0 == "any" ? .any : SoftwareVersion($0).map(VersionLimit.upTo) }
            },
            write: { limit, name, json in
                if case .upTo(let version) = limit {
                    json.member(name, version.description)
                } else {
                    json.member(name, "any")
                }
            })
    }

    /// At most `max` strings that `read` accepts, none of them twice.
    private static func list<Element: Hashable>(
        _ json: JSONValue, max: Int, _ read: (String) -> Element?
    ) -> [Element]? {
        guard let texts = json.arrayValue, texts.count <= max else { return nil }
        let elements = texts.compactMap { $0.stringValue.flatMap(read) }
        return elements.count == texts.count && Set(elements).count == elements.count ? elements : nil
    }
}
