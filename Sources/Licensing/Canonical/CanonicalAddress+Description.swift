extension CanonicalAddress: CustomStringConvertible {
    /// The one text of this address: a dotted quad, or RFC 5952 without brackets.
    ///
    /// Only IPv4-mapped addresses print decimal, as IPv4; the other prefixes that embed one stay hexadecimal, as the
    /// `inet_ntop` of our clients' languages prints 64:ff9b::/96.
    package var description: String { isIPv4 ? Self.dottedQuad(low32) : Self.colonGroups(bits) }

    static func dottedQuad(_ bits: UInt32) -> String {
        "\(bits >> 24).\(bits >> 16 & 0xFF).\(bits >> 8 & 0xFF).\(bits & 0xFF)"
    }

    /// RFC 5952 §4: lower case, no leading zeros, `::` for the longest run of two or more zero groups, the first on a
    /// tie.
    private static func colonGroups(_ bits: UInt128) -> String {
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: bits >> (112 - 16 * $0)) }
        guard let gap = longestZeroRun(groups) else { return text(groups[...]) }
        return text(groups[..<gap.lowerBound]) + "::" + text(groups[gap.upperBound...])
    }

    private static func text(_ groups: ArraySlice<UInt16>) -> String {
        groups.map { String($0, radix: 16) }.joined(separator: ":")
    }

    private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int>? {
        var longest = 0..<1
        var run = 0..<0
        for (position, group) in groups.enumerated() {
            run = group == 0 ? run.lowerBound..<(position + 1) : (position + 1)..<(position + 1)
            if run.count > longest.count { longest = run }
        }
        return longest.count > 1 ? longest : nil
    }
}
