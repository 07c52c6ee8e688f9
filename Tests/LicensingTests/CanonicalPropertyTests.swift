import Testing

@testable import Licensing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Random texts, the same ones in every run: the seed is the argument that the test output names.
@Suite("Of random texts")
struct CanonicalPropertyTests {
    @Test("plain names come out the same by the short way and by the long one", arguments: [0xC0FFEE as UInt64])
    func shortAndLongWay(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var plain = 0
        for _ in 0..<20_000 {
            let text = random.ldhName()
            guard let short = CanonicalDomain(plain: text) else { continue }
            plain += 1
            try #require(short == (try? CanonicalDomain(general: text)), "\(text)")
        }
        #expect(plain > 8_000)
    }

    @Test("capitals, a trailing dot and a URL around a name change nothing", arguments: [0xBEEF as UInt64])
    func spellings(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<5_000 {
            let text = random.ldhName()
            guard let domain = CanonicalDomain(plain: text) else { continue }
            for spelling in [text.uppercased(), text + ".", "https://u:p@\(text):8443/x", " \(text)\n"] {
                try #require(domain == (try? CanonicalDomain(spelling)), "\(spelling)")
            }
        }
    }

    @Test("50,000 never crash, and each accepted one is a canonical domain", arguments: [0x516_4E47 as UInt64])
    func fuzz(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var accepted = 0
        for _ in 0..<50_000 {
            let text = random.hostileText()
            _ = (CanonicalAddress(text), AddressRange(text), AddressNetwork(text))
            guard let domain = try? CanonicalDomain(text) else { continue }
            accepted += 1
            try #require(violation(in: domain) == nil, "\(text.debugDescription)")
        }
        #expect(accepted > 5_000)
    }

    @Test(
        "addresses read as the C library reads them, and print so that it reads the same", arguments: [0xADD2 as UInt64]
    )
    func addresses(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var accepted = 0
        for _ in 0..<50_000 {
            let text = random.addressText()
            let address = CanonicalAddress(text)
            try #require(address?.bits == cLibraryBits(text), "\(text)")
            guard let address else { continue }
            accepted += 1
            try #require(cLibraryBits(address.description) == address.bits, "\(address)")
            try #require(CanonicalAddress(address.description) == address)
            try #require(AddressNetwork(address.network.description) == address.network)
        }
        #expect(accepted > 10_000)
    }

    /// What is wrong with a domain that was accepted, or nil.
    private func violation(in domain: CanonicalDomain) -> String? {
        guard (try? CanonicalDomain(domain.ascii)) == domain else { return "not idempotent" }
        guard (try? CanonicalDomain(domain.display)) == domain else { return "display is another domain" }
        if let address = domain.address { return domain.ascii == address.description ? nil : "another address" }
        let labels = domain.ascii.split(separator: ".", omittingEmptySubsequences: false)
        guard domain.ascii.utf8.count <= 253, labels.allSatisfy({ 1...63 ~= $0.utf8.count }) else { return "too long" }
        guard labels.allSatisfy({ $0.first != "-" && $0.last != "-" }) else { return "hyphen" }
        let alphabet = Set("abcdefghijklmnopqrstuvwxyz0123456789-.")
        return domain.ascii.allSatisfy(alphabet.contains) ? nil : "character"
    }

    /// The 128 bits that `inet_pton` (POSIX) reads, IPv4 as IPv4-mapped, or nil.
    private func cLibraryBits(_ text: String) -> UInt128? {
        var ipv4 = in_addr()
        if inet_pton(AF_INET, text, &ipv4) == 1 { return 0xFFFF << 32 | UInt128(UInt32(bigEndian: ipv4.s_addr)) }
        var ipv6 = in6_addr()
        guard inet_pton(AF_INET6, text, &ipv6) == 1 else { return nil }
        return withUnsafeBytes(of: ipv6) { bytes in bytes.reduce(0) { $0 << 8 | UInt128($1) } }
    }
}

/// The generator of Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014): small, seedable.
private struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension SplitMix64 {
    mutating func pick<Element>(_ choices: [Element]) -> Element {
        choices[Int.random(in: 0..<choices.count, using: &self)]
    }

    mutating func count(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    /// Mostly a name of lower-case letters, digits and hyphens, with every trap that such a name can hold.
    mutating func ldhName() -> String {
        let traps = [
            "www", "xn--a", "xn--bcher-kva", "0x7f", "123", "test", "localhost", "a--b", "ab--c", "-a", "a-", "",
        ]
        let characters = Array("abcxyz019-")
        let labels = (0..<count(1...5)).map { _ in
            if count(0...4) == 0 { return pick(traps) }
            return String((0..<count(1...(count(0...9) == 0 ? 66 : 12))).map { _ in pick(characters) })
        }
        return labels.joined(separator: ".")
    }

    /// Bytes at random, or fragments that mean something to a parser of hosts, at random.
    mutating func hostileText() -> String {
        if count(0...4) == 0 {
            return String(
                decoding: (0..<count(0...40)).map { _ in UInt8.random(in: 0...255, using: &self) }, as: UTF8.self)
        }
        let fragments = [
            "www.", ".", ".", ".com", "example", "a", "xn--", "xn--bcher-kva", "bücher", "ß", "。", "．", "-", "--", "_",
            "://", "//", "/", "?", "#", "@", ":", ":80", "[", "]", "::", "::1", "2001:db8", "::ffff:", "203.0.113.7",
            "0x", "1",
            "%", "%00", "\0", " ", "\n", "\\", "\u{AD}", "\u{200D}", "\u{300}", "ｗ", "ＸＮ－－", "א", "١", "例え", "💩", "İ",
            "ẞ",
            "\u{FFFD}", "localhost", "test", "\u{E0001}", "K", "٠", "i\u{307}", "A", "Z9", "q7", "\u{FF0F}", "\u{1100}",
        ]
        return (0..<count(1...6)).map { _ in count(0...9) == 0 ? anyScalar() : pick(fragments) }.joined()
    }

    mutating func anyScalar() -> String {
        String(Unicode.Scalar(UInt32.random(in: 0...0x2FFFF, using: &self)).map(Character.init) ?? "x")
    }

    /// An address, or one that a slip of the finger spoilt.
    mutating func addressText() -> String {
        var text = Array(count(0...2) == 0 ? dottedQuad() : ipv6())
        if count(0...1) == 0, !text.isEmpty {
            let slip = pick(Array("0123456789abcdefABF:.gx%/-"))
            let place = count(0...(text.count - 1))
            if count(0...1) == 0 { text[place] = slip } else { text.insert(slip, at: place) }
        }
        return String(text)
    }

    mutating func dottedQuad() -> String {
        (0..<4).map { _ in String(count(0...(count(0...9) == 0 ? 300 : 255))) }.joined(separator: ".")
    }

    mutating func ipv6() -> String {
        var groups = (0..<count(count(0...2) == 0 ? 7...9 : 0...8)).map { _ in
            count(0...2) == 0 ? "0" : String(count(0...0xFFFF), radix: 16, uppercase: count(0...1) == 0)
        }
        if count(0...3) == 0 { groups.append(dottedQuad()) }
        let gap = count(0...groups.count)
        guard count(0...3) > 0 else { return groups.joined(separator: ":") }
        return groups[..<gap].joined(separator: ":") + "::" + groups[gap...].joined(separator: ":")
    }
}
