/// The host inside a text given as a domain: the text itself, an authority, or a URL (RFC 3986 §3).
enum Host {
    /// A name not looked at yet; a dotted quad is one too.
    case name(Substring)
    case address(CanonicalAddress)

    /// Finds the host and drops scheme, user information, port, path, query and fragment.
    init(in text: String) throws(CanonicalDomain.Refusal) {
        guard text.utf8.count <= CanonicalDomain.inputBytesMax else { throw .inputTooLong }
        let trimmed = text.utf8[...].trimmed
        // White space is no part of a URL either, and a reader that takes a backslash for a slash finds another host.
        guard trimmed.allSatisfy({ $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") }) else { throw .badCharacter }
        if trimmed.contains(.colon), let address = CanonicalAddress(literal: trimmed) {
            self = .address(address)
        } else {
            try self.init(authority: Authority(of: trimmed))
        }
    }

    private init(authority: Authority) throws(CanonicalDomain.Refusal) {
        var port = authority.hostAndPort
        if port.first == UInt8(ascii: "[") {
            let literal = port.dropFirst().prefix { $0 != UInt8(ascii: "]") }
            let isClosed = literal.endIndex < port.endIndex
            port = port[literal.endIndex...].dropFirst()
            guard isClosed, let address = CanonicalAddress(ipv6Literal: literal) else { throw .malformedAddress }
            self = .address(address)
        } else {
            let name = port.prefix { $0 != .colon }
            port = port[name.endIndex...]
            guard !name.isEmpty else { throw .empty }
            self = .name(Substring(name))
        }
        try Self.check(port: port, mayBeEmpty: authority.isMarked)
    }

    /// RFC 3986 §3.2.3 allows `host:` in a URL. Without `//` it is refused: `https:/example.com` is not a host `https`.
    private static func check(port: Substring.UTF8View, mayBeEmpty: Bool) throws(CanonicalDomain.Refusal) {
        guard let first = port.first else { return }
        let digits = port.dropFirst()
        guard first == .colon, !digits.contains(.colon) else { throw .malformedAddress }
        guard digits.allSatisfy(\.isDigit), digits.isEmpty ? mayBeEmpty : Int(Substring(digits)) ?? .max <= 65535 else {
            throw .badPort
        }
    }
}

/// The part of a URL between `//` and the path, or the beginning of a text that has no `//`.
private struct Authority {
    /// Host and port, without user information.
    let hostAndPort: Substring.UTF8View
    /// Whether `//` marks it as the authority of a URL.
    let isMarked: Bool

    init(of text: Substring.UTF8View) {
        let marked = Self.afterDoubleSlash(in: text)
        let authority = (marked ?? text).prefix { !"/?#".utf8.contains($0) }
        // The last at sign ends user information: https://example.com@evil.example/ is a URL of evil.example.
        let userEnd = authority.lastIndex(of: UInt8(ascii: "@"))
        hostAndPort = userEnd.map { authority[$0...].dropFirst() } ?? authority
        isMarked = marked != nil
    }

    /// What follows `scheme://` or a leading `//`, or nil.
    private static func afterDoubleSlash(in text: Substring.UTF8View) -> Substring.UTF8View? {
        let scheme = text.prefix { $0.isLetter || $0.isDigit || $0 == .hyphen || $0 == .dot || $0 == UInt8(ascii: "+") }
        var rest = text[scheme.endIndex...]
        if let first = scheme.first {
            guard first.isLetter, rest.first == .colon else { return nil }
            rest = rest.dropFirst()
        }
        return rest.starts(with: "//".utf8) ? rest.dropFirst(2) : nil
    }
}
