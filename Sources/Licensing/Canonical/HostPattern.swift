/// Which hosts a grant means: one, all below one, or all whose first label is a given one.
package enum HostPattern: Sendable, Hashable {
    /// `example.com`.
    case exact(String)
    /// `*.example.com`: one or more labels below, never `example.com` itself.
    case below(String)
    /// `staging.*`: any name with two more labels or more whose first label this is.
    case firstLabel(String)

    /// What would be accepted as a grant, for messages.
    package static let grantExpectation =
        "must be domains, or *. and a domain that is no public suffix, such as example.com or *.example.com"
    /// What would be accepted as a staging host, for messages.
    package static let stagingExpectation =
        "must be domains, *. and a domain that is no public suffix, or a label and .*, such as staging.*"

    /// Reads `example.com` and `*.example.com` in any spelling of a domain; nil for anything else, and for a wildcard
    /// on a public suffix.
    package init?(grant text: String) {
        if text.hasPrefix("*.") {
            let name = String(text.dropFirst(2))
            guard let domain = Self.domain(name), domain.address == nil,
                domain.ascii == name.lowercased() || !name.utf8.allSatisfy({ $0 < 0x80 }),
                !PublicSuffix.isPublic(domain.ascii)
            else { return nil }
            self = .below(domain.ascii)
        } else {
            guard !text.contains("*"), let domain = Self.domain(text) else { return nil }
            self = .exact(domain.ascii)
        }
    }

    private static func domain(_ text: String) -> CanonicalDomain? {
        do { return try CanonicalDomain(text) } catch { return nil }
    }

    /// Reads a grant's spellings, and `staging.*`.
    package init?(staging text: String) {
        guard text.hasSuffix(".*") else {
            self.init(grant: text)
            return
        }
        let label = text.dropLast(2).lowercased()
        guard !label.isEmpty, label.utf8.count <= HostName.labelBytesMax, label.utf8.allSatisfy(HostName.mayHold),
            label.first != "-", label.last != "-"
        else { return nil }
        self = .firstLabel(label)
    }

    /// Whether `host`, a canonical domain, is meant.
    package func matches(_ host: String) -> Bool {
        switch self {
        case .exact(let domain): host == domain
        case .below(let domain): host.utf8.count > domain.utf8.count + 1 && host.utf8.endsWithLabels(domain.utf8)
        case .firstLabel(let label): host.utf8.rest(afterFirstLabel: label.utf8) != nil
        }
    }

    /// For `staging.*` and `staging.example.com`: `example.com`, the domain that the staging host belongs to.
    package func parent(of host: String) -> Substring? {
        guard case .firstLabel(let label) = self else { return nil }
        return host.utf8.rest(afterFirstLabel: label.utf8).map { host[$0...] }
    }
}

extension HostPattern: CustomStringConvertible {
    package var description: String {
        switch self {
        case .exact(let domain): domain
        case .below(let domain): "*.\(domain)"
        case .firstLabel(let label): "\(label).*"
        }
    }
}

extension String.UTF8View {
    /// Whether these end in a dot and `labels`.
    fileprivate func endsWithLabels(_ labels: String.UTF8View) -> Bool {
        let start = index(endIndex, offsetBy: -labels.count)
        return self[index(before: start)] == UInt8(ascii: ".") && self[start...].elementsEqual(labels)
    }

    /// Where the rest begins after `label` and a dot, if these begin so and two labels or more follow.
    fileprivate func rest(afterFirstLabel label: String.UTF8View) -> Index? {
        guard starts(with: label), let dot = index(startIndex, offsetBy: label.count, limitedBy: endIndex),
            dot < endIndex, self[dot] == UInt8(ascii: ".")
        else { return nil }
        let rest = index(after: dot)
        return self[rest...].contains(UInt8(ascii: ".")) ? rest : nil
    }
}
