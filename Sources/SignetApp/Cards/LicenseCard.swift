import Licensing
package import Primitives

/// A license as a person reads it in a terminal of 80 columns: what it is, for whom, how it stands and until when, who
/// uses it, and what it allows with who decided that.
package struct LicenseCard: Sendable {
    /// Columns that it fits in.
    package static let width = 80
    /// Columns of the labels, two spaces before them included.
    private static let indent = 17
    /// Days ahead in which an expiry is worth a warning.
    private static let expiryWarningDays: Int64 = 30

    private let license: JSONObject
    private let now: Timestamp
    private let style: CardStyle

    /// `license`: as the API shows it. `now`: from where days are counted.
    package init(_ license: JSONObject, at now: Timestamp, style: CardStyle) {
        self.license = license
        self.now = now
        self.style = style
    }

    /// Lines, each with its line feed.
    package var text: String {
        [head, facts, warnings, installations, policies].filter { !$0.isEmpty }
            .map { $0.map { $0 + "\n" }.joined() }.joined(separator: "\n")
    }

    // MARK: What it is

    private var head: [String] {
        let status = license.string("status") ?? "-"
        let left = "License \(license.string("id") ?? "-")"
        let right = status.replacing("_", with: " ").uppercased()
        let gap = String(repeating: " ", count: max(2, Self.width - left.count - right.count))
        let product = license.string("product") ?? "-"
        let name = license.string("product_name").flatMap { $0 == product ? nil : "\($0) (\(product))" } ?? product
        let type = license.string("license_type") ?? "-"
        return [style.bold(left) + gap + style.colored(right, Self.color(of: status))]
            + CardText.wrapped("\(name), \(type), for customer \(license.string("customer_id") ?? "-")", to: Self.width)
    }

    private static func color(of status: String) -> CardStyle.Color {
        switch status {
        case "active": .green
        case "grace", "not_yet_valid": .yellow
        default: .red
        }
    }

    private var facts: [String] {
        let lines: [(String, String?)] = [
            ("Key", license.string("license_key") ?? license.string("last4").map { "…\($0)" }),
            ("Looked up", lookedUp),
            ("Begins", license.instant("not_before").map { "\($0), \(RelativeTime.text(of: $0, at: now))" }),
            ("Expires", expiry), ("Grace", grace), ("Seats", seats),
            ("Features", license.list("features").joined(separator: ", ").orNil), ("Batch", license.string("batch")),
            ("Created", license.instant("created_at").map { "\($0.date), \(RelativeTime.text(of: $0, at: now))" }),
        ]
        return lines.flatMap { label, value in value.map { row(label, $0) } ?? [] }
    }

    /// What is to be known of the key by which it was looked up; nil for one that does not end.
    private var lookedUp: String? {
        guard let key = license["looked_up"]?.objectValue, let end = key.instant("valid_until") else { return nil }
        let verb = key.string("state") == "ended" ? "ended" : "ends"
        return "…\(key.string("last4") ?? "") \(verb) \(end), \(RelativeTime.text(of: end, at: now))"
    }

    private var expiry: String {
        guard let end = license.instant("expires_at_time") else {
            let days = license["duration_days"]?.integerValue ?? 0
            return days > 0 ? "\(days) days after the first activation" : "never"
        }
        return "\(end.lastValidDay), \(RelativeTime.text(ofLastDay: end.lastValidDay, at: now))"
    }

    private var grace: String? {
        license.instant("grace_until").map {
            "until \($0.lastValidDay), \(RelativeTime.text(ofLastDay: $0.lastValidDay, at: now))"
        }
    }

    private var seats: String {
        let used = license["current_activations"]?.integerValue ?? 0
        let max = license["max_activations"]?.integerValue ?? 0
        return max == 0 ? "\(used) taken, unlimited" : "\(used) of \(max) taken"
    }

    private func row(_ label: String, _ value: String) -> [String] {
        let lines = CardText.wrapped(value, to: Self.width - Self.indent)
        return lines.enumerated().map { number, line in
            CardText.padded(number == 0 ? "  \(label)" : "", to: Self.indent) + line
        }
    }
}

// MARK: - What to look at

extension LicenseCard {
    private var warnings: [String] {
        let sentences = suspensions + [revocation, running, overLimit, full, maintenance].compactMap { $0 }
        return sentences.flatMap { sentence in
            CardText.wrapped(sentence, to: Self.width - 4).enumerated().map { number, line in
                (number == 0 ? "  ! " : "    ") + line
            }.map { style.colored($0, .yellow) }
        }
    }

    private var suspensions: [String] {
        let holds = license["suspension"]?.arrayValue?.compactMap(\.objectValue) ?? []
        return holds.map { hold in
            sentence("Suspended", hold, at: "since")
        }
    }

    private var revocation: String? {
        license["revocation"]?.objectValue.map { sentence("Revoked", $0, at: "at") }
    }

    private func sentence(_ what: String, _ object: JSONObject, at member: String) -> String {
        let since = object.instant(member).map { " \(RelativeTime.text(of: $0, at: now))" } ?? ""
        let reason = object.string("reason").map { ": \($0)" } ?? "."
        return "\(what) by \(object.string("by") ?? "-")\(since)\(reason)"
    }

    private var running: String? {
        switch license.string("status") {
        case "grace": return "It has expired; installations that have a seat stay valid until the grace ends."
        case "expired": return "It has expired: installations are refused."
        case "not_yet_valid": return "It is not valid yet: installations are refused until it begins."
        case "active":
            guard let end = license.instant("expires_at_time") else { return nil }
            let days = end.lastValidDay.days(since: now.date)
            return days <= Self.expiryWarningDays
                ? "It expires \(RelativeTime.text(ofLastDay: end.lastValidDay, at: now))." : nil
        default: return nil
        }
    }

    private var overLimit: String? {
        license.instant("over_limit_until").map {
            "More seats are taken than it has; the newest are released on \($0.date), "
                + "\(RelativeTime.text(of: $0, at: now))."
        }
    }

    private var full: String? {
        let used = license["current_activations"]?.integerValue ?? 0
        let max = license["max_activations"]?.integerValue ?? 0
        guard license.string("over_limit_until") == nil, max > 0, used >= max else { return nil }
        return "All seats are taken: a further installation is refused unless one of them can be freed."
    }

    private var maintenance: String? {
        guard let day = license.string("maintenance_until").flatMap({ CivilDate(text: $0) }), now >= day.end else {
            return nil
        }
        let limit = license.string("max_version") ?? "any"
        return "Maintenance ended with \(day); "
            + (limit == "any" ? "versions are not limited." : "versions up to \(limit) are covered.")
    }
}

// MARK: - Who uses it

extension LicenseCard {
    /// Installations that are listed; there may be a million.
    private static let installationsMax = 50

    private var installations: [String] {
        let seats = license["activations"]?.arrayValue?.compactMap(\.objectValue) ?? []
        guard !seats.isEmpty else { return [] }
        let more = seats.count - Self.installationsMax
        return [style.bold("Installations")] + seats.prefix(Self.installationsMax).flatMap(installation)
            + (more > 0 ? ["  … and \(more) more: signet license show --json"] : [])
    }

    private func installation(_ seat: JSONObject) -> [String] {
        let identity = seat.string("domain") ?? seat.string("network") ?? seat.string("installation_id") ?? "-"
        let seen = seat.instant("last_seen").map { "seen \(RelativeTime.text(of: $0, at: now))" } ?? ""
        let kind = seat.string("kind") ?? "-"
        let tail = CardText.padded(kind, to: 12) + seen
        let since = seat.instant("first_seen").map { "since \($0.date)" }
        let held = seat.instant("held_until").map { "held by a license file until \($0.date)" }
        let id = seat.string("domain") == nil ? nil : seat.string("installation_id")
        let addresses = seat["addresses"]?.arrayValue?.compactMap { $0.objectValue?.string("address") } ?? []
        let details = [seat.string("id"), since, held, id].compactMap { $0 }.joined(separator: ", ")
        let first = "  " + CardText.fitted(identity, to: 40) + "  " + tail
        return [first]
            + [details, addresses.joined(separator: ", ")].filter { !$0.isEmpty }.flatMap { line in
                CardText.wrapped(line, to: Self.width - 6).map { style.dim("      " + $0) }
            }
    }
}

// MARK: - What it allows

extension LicenseCard {
    /// Columns of the name and of who chose.
    private static let policyColumns = (name: 22, source: 10)

    private var policies: [String] {
        guard let sources = license["policy_sources"]?.objectValue else { return [] }
        let indent = Self.policyColumns.name + Self.policyColumns.source
        let title = CardText.padded("Policy", to: Self.policyColumns.name) + CardText.padded("from", to: 10)
        return [style.bold(CardText.trimmed(title))]
            + PolicyField.all.flatMap { field -> [String] in
                let source = sources.string(field.name) ?? "-"
                let value = field.text(of: license[field.name] ?? .null)
                return CardText.wrapped(value, to: Self.width - indent).enumerated().map { number, line in
                    let head =
                        number == 0
                        ? CardText.padded("  \(field.name)", to: Self.policyColumns.name)
                            + CardText.padded(source, to: Self.policyColumns.source)
                        : String(repeating: " ", count: indent)
                    return source == "default" ? style.dim(head + line) : head + line
                }
            }
    }
}
