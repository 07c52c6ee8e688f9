#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

// The canonical forms of docs/token-format.md: what the service writes into tokens, and what a token is compared with.
extension LicenseClient {
    /// The canonical form of a domain in any spelling, also of a URL; of an address for an installation without a name.
    /// Nil if it is neither. A name outside ASCII is not converted: store its A-label (`xn--…`).
    public static func canonicalDomain(_ text: String) -> String? {
        let text = text.trimmed
        let host = withoutPort(hostPart(of: text))
        if let address = canonicalAddress(text) ?? canonicalAddress(host) { return address }
        guard host.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        var name = host.lowercased()
        if name.hasSuffix(".") { name.removeLast() }
        name = withoutWWW(name)
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard name.utf8.count <= 253, labels.allSatisfy(isLabel), labels.last?.allSatisfy(\.isNumber) == false else {
            return nil
        }
        return name
    }

    /// The canonical text (RFC 5952) of an address, also in brackets; an IPv4-mapped one is the IPv4 address. Nil if it
    /// is none.
    public static func canonicalAddress(_ text: String) -> String? {
        var text = text.trimmed
        if text.hasPrefix("["), text.hasSuffix("]"), text.contains(":") { text = String(text.dropFirst().dropLast()) }
        // The system's reader takes a C string, which ends at a zero byte.
        guard !text.utf8.contains(0) else { return nil }
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 { return dotted(withUnsafeBytes(of: four) { Array($0) }) }
        var six = in6_addr()
        guard inet_pton(AF_INET6, text, &six) == 1 else { return nil }
        let bytes = withUnsafeBytes(of: six) { Array($0) }
        let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10..<12].allSatisfy { $0 == 0xFF }
        return isMapped ? dotted(Array(bytes[12...])) : colons(bytes)
    }

    private static func dotted(_ bytes: [UInt8]) -> String { bytes.map(String.init).joined(separator: ".") }

    /// Eight groups, the longest run of two zero groups or more, of equal ones the first, as `::`.
    private static func colons(_ bytes: [UInt8]) -> String {
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        var longest = 0..<0
        for start in groups.indices {
            let count = groups[start...].prefix { $0 == 0 }.count
            if count > max(longest.count, 1) { longest = start..<start + count }
        }
        let text: (ArraySlice<UInt16>) -> String = { $0.map { String($0, radix: 16) }.joined(separator: ":") }
        guard !longest.isEmpty else { return text(groups[...]) }
        return text(groups[..<longest.lowerBound]) + "::" + text(groups[longest.upperBound...])
    }
}

// MARK: - Parts of a name

extension LicenseClient {
    /// What stands between `scheme://user@` and the path.
    private static func hostPart(of text: String) -> String {
        var rest = Substring(text)
        if let colon = rest.firstIndex(of: ":"), isScheme(rest[..<colon]), rest[colon...].hasPrefix("://") {
            rest = rest[colon...].dropFirst(3)
        }
        rest = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if let at = rest.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
        return String(rest)
    }

    private static func isScheme(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, isLetter(first) else { return false }
        return text.utf8.allSatisfy { isLetter($0) || isDigit($0) || "+.-".utf8.contains($0) }
    }

    private static func withoutPort(_ host: String) -> String {
        guard let colon = host.lastIndex(of: ":"), host[colon...].dropFirst().utf8.allSatisfy(isDigit) else {
            return host
        }
        return String(host[..<colon])
    }

    /// Without a leading `www.`, if two labels remain and reading the rest again would not take another one.
    private static func withoutWWW(_ name: String) -> String {
        let rest = name.dropFirst(4)
        guard name.hasPrefix("www."), hasTwoLabels(rest), !(rest.hasPrefix("www.") && hasTwoLabels(rest.dropFirst(4)))
        else { return name }
        return String(rest)
    }

    /// Whether a first label is followed by a dot.
    private static func hasTwoLabels(_ name: Substring) -> Bool {
        name.firstIndex(of: ".").map { $0 > name.startIndex } ?? false
    }

    private static func isLabel(_ label: Substring) -> Bool {
        let isOuter: (UInt8) -> Bool = { isLetter($0) || isDigit($0) }
        guard let first = label.utf8.first, let last = label.utf8.last, label.utf8.count <= 63 else { return false }
        return isOuter(first) && isOuter(last) && label.utf8.allSatisfy { isOuter($0) || $0 == UInt8(ascii: "-") }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
