/// The place an installation runs at, as one identity: a host name in its ASCII form, or an address for an
/// installation without a name.
///
/// All spellings of one place are one value: case, a URL around it, port, path, trailing dot, one leading `www.`,
/// Unicode or A-label form. Different sub-domains are different places.
package struct CanonicalDomain: Hashable, Sendable {
    /// The identity, as stored, compared and signed: lower-case A-labels (RFC 5890 §2.3.2.1) without a trailing dot, or
    /// the text of ``address`` without brackets.
    package let ascii: String

    /// The address, for an installation without a name.
    package let address: CanonicalAddress?

    /// Longest input looked at, in bytes of UTF-8; a full name is 253 and a URL around it seldom 200 more.
    package static let inputBytesMax = 1024

    /// Reads what a person or a program gives as its domain.
    ///
    /// In order: white space around it is trimmed; of a URL the host is taken and scheme, user information, port, path,
    /// query and fragment are dropped; one trailing dot is dropped; Unicode becomes A-labels (UTS 46, nontransitional);
    /// a name that ends in a number is an IPv4 address or refused (WHATWG URL §3.5); one leading `www.` is dropped if
    /// two labels remain.
    /// A result read again gives itself.
    package init(_ text: String) throws(Refusal) {
        if let plain = Self(plain: text) {
            self = plain
        } else {
            try self.init(general: text)
        }
    }

    /// The short way for a text that already is a plain name, as nearly all are: one pass, no C, nothing copied unless
    /// `www.` goes. Nil for everything that needs, or may need, a second look; the general way gives the same result.
    init?(plain text: String) {
        guard let name = try? HostName(text.utf8[...]), !name.hasALabel, !name.endsInNumber else { return nil }
        self.init(ascii: Self.withoutWWW(text, labels: name.labels))
    }

    /// The long way, for any text.
    init(general text: String) throws(Refusal) {
        switch try Host(in: text) {
        case .address(let address): self.init(address)
        case .name(let name): try self.init(name: name)
        }
    }

    /// The domain of an installation that has an address only.
    package init(_ address: CanonicalAddress) {
        self.ascii = address.description
        self.address = address
    }

    private init(name: Substring) throws(Refusal) {
        let ascii = try IDNA.ascii(name)
        let shape = try HostName(ascii.utf8[...])
        if !shape.endsInNumber {
            self.init(ascii: Self.withoutWWW(ascii, labels: shape.labels))
        } else if let address = CanonicalAddress(literal: ascii.utf8[...]) {
            self.init(address)
        } else {
            throw .malformedAddress
        }
    }

    private init(ascii: String) {
        self.ascii = ascii
        self.address = nil
    }

    /// Drops one leading `www.` if two labels remain. `www.www.example.com` stays whole: it is not `example.com`, and
    /// losing one of the two now and the other when read again would make two identities of one place.
    private static func withoutWWW(_ name: String, labels: Int) -> String {
        let www = "www.".utf8
        guard labels >= 3, name.utf8.starts(with: www) else { return name }
        let rest = name.utf8.dropFirst(www.count)
        let wouldLoseAnother = labels >= 4 && rest.starts(with: www)
        return wouldLoseAnother ? name : String(Substring(rest))
    }
}

extension CanonicalDomain {
    /// The form for people: Unicode where the name has A-labels, else ``ascii``. Reads back to the same domain.
    ///
    /// Never an identity: homographs look alike in it, and differ in ``ascii``.
    package var display: String { address == nil ? IDNA.unicode(ascii) : ascii }

    /// Whether the name alone makes this a development host, which takes no seat: `localhost`, a single label, a name
    /// below a suffix that never resolves publicly, or an address that is not global.
    ///
    /// Suffixes are whole labels, never parts: `my.developer.com` and `notlocalhost.com` count, and so do `.dev`, a
    /// public top-level domain, and `example.com`, which stands for a customer's domain in every example.
    package var isDevelopment: Bool {
        if let address { return !address.isGlobal }
        return !ascii.utf8.contains(.dot) || ascii == "home.arpa"
            || Self.developmentSuffixes.contains { ascii.hasSuffix($0) }
    }

    /// RFC 6761 §6, RFC 6762 §3 (`local`), ICANN Board, 29 July 2024 (`internal`), RFC 8375 (`home.arpa`).
    private static let developmentSuffixes = [
        ".localhost", ".test", ".invalid", ".example", ".local", ".internal", ".home.arpa",
    ]
}

extension CanonicalDomain: CustomStringConvertible {
    /// The identity, ``ascii``.
    package var description: String { ascii }
}
