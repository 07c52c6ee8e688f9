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

    /// Every choice, in the order in which they are told.
    package static let all: [PolicyField] = [
        slug("license_type", \.licenseType),
        slugs("features", \.features, max: Policy.featuresMax),
        integer("max_activations", \.maxActivations, 0...Policy.activationsMax, "0 (unlimited)"),
        choice("counted_by", \.countedBy),
        integer("addresses_per_seat", \.addressesPerSeat, 1...Policy.addressesPerSeatMax),
        integer("ipv6_prefix", \.ipv6Prefix, Policy.ipv6PrefixRange),
        integer("moves_max", \.movesMax, 0...Policy.movesMaxMax),
        bool("counts_development", \.countsDevelopment),
        hosts("staging_hosts", \.stagingHosts, HostPattern.init(staging:), HostPattern.stagingExpectation),
        integer("staging_max", \.stagingMax, 0...Policy.stagingMaxMax),
        hosts("allowed_domains", \.allowedDomains, HostPattern.init(grant:), HostPattern.grantExpectation),
        networks("allowed_networks", \.allowedNetworks),
        bool("checks_peer", \.checksPeer),
        choice("activation", \.activation),
        lease("lease_minutes", \.leaseMinutes),
        integer("grace_days", \.graceDays, 0...Policy.graceDaysMax),
        integer("token_days", \.tokenDays, Policy.tokenDaysRange),
        integer("duration_days", \.durationDays, 0...Int(Expiry.daysAheadMax), "0 (none)"),
        deadline("maintenance_until", \.maintenanceUntil),
        versionLimit("max_version", \.maxVersion),
    ]

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
