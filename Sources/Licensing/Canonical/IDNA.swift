import CIDN2

/// Internationalized names: UTS 46 non-transitional processing with the checks of IDNA2008 (RFC 5891 §5), by libidn2.
///
/// libidn2 sees one label at a time and only those that are not plain ASCII. It refuses every `--` in places three and
/// four, but names such as `v2--site.netlify.app` are in use, and on plain ASCII the mapping is lower case, no more.
enum IDNA {
    /// The name in lower-case A-labels without its one trailing dot; what is no letter, digit or hyphen may be left in
    /// it for ``HostName`` to refuse.
    static func ascii(_ name: Substring) throws(CanonicalDomain.Refusal) -> String {
        var labels = name.unicodeScalars.split(omittingEmptySubsequences: false) { fullStops.contains($0) }
        if labels.count > 1, labels.last?.isEmpty == true { labels.removeLast() }
        var ascii: [String] = []
        var length = -1
        for label in labels {
            ascii.append(try aLabel(String(label)))
            length += ascii[ascii.count - 1].utf8.count + 1
            // Looked at here already, since a kilobyte holds 341 labels of work.
            guard length <= HostName.bytesMax else { throw .nameTooLong }
        }
        return ascii.joined(separator: ".")
    }

    /// The name in Unicode, for people; `ascii` is one that ``ascii(_:)`` gave.
    static func unicode(_ ascii: String) -> String {
        guard ascii.contains("xn--") else { return ascii }
        var output: UnsafeMutablePointer<CChar>?
        guard idn2_to_unicode_8z8z(ascii, &output, IDN2_NONTRANSITIONAL.flag) == IDN2_OK.rawValue, let output else {
            return ascii
        }
        defer { idn2_free(output) }
        return String(cString: output)
    }

    /// The characters that UTS 46 §4.5 and RFC 3490 §3.1 take for a dot between labels.
    private static let fullStops: [Unicode.Scalar] = [".", "\u{3002}", "\u{FF0E}", "\u{FF61}"]

    /// The A-label of a label, or the label in lower case if it is ASCII.
    private static func aLabel(_ label: String) throws(CanonicalDomain.Refusal) -> String {
        let lowered = label.lowercased()
        guard !label.utf8.allSatisfy({ $0 < 0x80 }) || lowered.hasPrefix("xn--") else { return lowered }
        let result = try lookup(label, IDN2_NFC_INPUT.flag | IDN2_NONTRANSITIONAL.flag)
        // A full-width slash or dot has become one, and an underscore stays visible in the A-label.
        guard result.utf8.allSatisfy(HostName.mayHold) else { throw .badCharacter }
        guard result.hasPrefix("xn--") else { return result }
        // An A-label is genuine if it comes back as itself. This is also where STD3 rules belong: libidn2 2.3.3 drops
        // the characters they forbid from a U-label (`a_b` becomes `ab`, another name), but refuses them in an A-label.
        let again = try lookup(result, IDN2_NONTRANSITIONAL.flag | IDN2_USE_STD3_ASCII_RULES.flag)
        guard again == result else { throw .notIDNA }
        return result
    }

    /// `label` holds no NUL; the host it comes from has none.
    private static func lookup(_ label: String, _ flags: Int32) throws(CanonicalDomain.Refusal) -> String {
        var output: UnsafeMutablePointer<UInt8>?
        let code = idn2_lookup_u8(label, &output, flags)
        guard code == IDN2_OK.rawValue, let output else { throw refusal(code) }
        defer { idn2_free(output) }
        return String(cString: output)
    }

    private static func refusal(_ code: Int32) -> CanonicalDomain.Refusal {
        switch code {
        case IDN2_TOO_BIG_LABEL.rawValue, IDN2_TOO_BIG_DOMAIN.rawValue, IDN2_PUNYCODE_BIG_OUTPUT.rawValue: .labelTooLong
        case IDN2_HYPHEN_STARTEND.rawValue: .hyphenPosition
        case IDN2_MALLOC.rawValue: preconditionFailure("libidn2 is out of memory")
        default: .notIDNA
        }
    }
}

extension idn2_flags {
    fileprivate var flag: Int32 { Int32(rawValue) }
}
