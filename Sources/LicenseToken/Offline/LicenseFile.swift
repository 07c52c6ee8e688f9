import Primitives

/// A `.lic` file: a license token in armor that survives mail and editors, with a few lines for people above it.
///
///     -----BEGIN SIGNET LICENSE-----
///     Product: whm-panel
///     License: lic_0Q5SZ3MHT8V1D
///     Domain: example.com
///     Valid-Until: 2027-08-03T08:00:00Z
///
///     eyJhbGciOiJFZERTQSIsInR5cCI6ImxpYytqd3QiLCJraWQiOiJrUHJLX3FteCJ9
///     …
///     -----END SIGNET LICENSE-----
///
/// The lines above are not signed and decide nothing: what holds is what ``LicenseTokenVerifier`` says of ``token``.
public struct LicenseFile: Sendable, Equatable {
    /// Bytes of the longest file that is read.
    public static let bytesMax = 16_384
    /// Header lines of a file, at most.
    public static let headersMax = 16
    /// Bytes of a header line, at most.
    public static let headerBytesMax = 512
    /// Characters of the token on each line but the last.
    public static let lineLength = 64

    static let begin = "-----BEGIN SIGNET LICENSE-----"
    static let end = "-----END SIGNET LICENSE-----"

    /// One line for people: `Domain: example.com`.
    public struct Header: Sendable, Equatable {
        /// Letters and dashes.
        public let name: String
        /// Printable ASCII, not empty.
        public let value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The lines for people, in order. Not signed: show them, and decide nothing by them.
    public let headers: [Header]

    /// The license token, of which nothing has been checked.
    public let token: LicenseToken

    /// A file to be written. Headers that could not be read back are left out.
    package init(token: LicenseToken, headers: [Header]) {
        self.token = token
        self.headers = Array(headers.filter { Self.header("\($0.name): \($0.value)") == $0 }.prefix(Self.headersMax))
    }

    /// The file, lines ending in LF.
    public var text: String {
        let characters = Array(token.text.utf8)
        let lines = stride(from: 0, to: characters.count, by: Self.lineLength)
            .map { String(decoding: characters[$0..<min($0 + Self.lineLength, characters.count)], as: UTF8.self) }
        let opening = [Self.begin] + headers.map { "\($0.name): \($0.value)" } + [""]
        return (opening + lines + [Self.end, ""]).joined(separator: "\n")
    }

    /// Whether `text` begins as a license file does.
    public static func isLikely(_ text: String) -> Bool { text.utf8.starts(with: begin.utf8) }
}

// MARK: - Reading

extension LicenseFile {
    /// Reads a file. Lines end in LF or CRLF; the last one's end may be missing.
    ///
    /// Throws ``LicenseTokenError/Code/malformed`` for a file that is too long, does not begin with the BEGIN line, has
    /// a line that is not of its form (`Name: value` above, full lines of 64 token characters below), or anything after
    /// the END line.
    public init(_ text: String) throws(LicenseTokenError) {
        guard text.utf8.count <= Self.bytesMax else {
            throw Self.malformed("it is longer than \(Self.bytesMax) bytes")
        }
        var lines = Self.lines(Array(text.utf8))
        if lines.last == "" { lines.removeLast() }
        guard lines.first == Self.begin else { throw Self.malformed("its first line is not \(Self.begin)") }
        guard lines.last == Self.end, lines.count > 1 else { throw Self.malformed("its last line is not \(Self.end)") }
        let inner = lines[1..<lines.count - 1]
        guard let blank = inner.firstIndex(of: "") else { throw Self.malformed("it has no blank line") }
        guard blank - inner.startIndex <= Self.headersMax else {
            throw Self.malformed("it has more than \(Self.headersMax) lines above the blank one")
        }
        var headers: [Header] = []
        for line in inner[..<blank] {
            guard let header = Self.header(line) else { throw Self.malformed("the line '\(line)' is not Name: value") }
            headers.append(header)
        }
        token = try Self.token(inner[(blank + 1)...])
        self.headers = headers
    }

    /// The lines without their ends.
    private static func lines(_ bytes: [UInt8]) -> [String] {
        bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line in
            String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
        }
    }

    private static func token(_ lines: ArraySlice<String>) throws(LicenseTokenError) -> LicenseToken {
        guard let last = lines.last, lines.dropLast().allSatisfy({ $0.utf8.count == lineLength }),
            (1...lineLength).contains(last.utf8.count), lines.allSatisfy({ $0.utf8.allSatisfy(isTokenCharacter) })
        else { throw malformed("its token is not in lines of \(lineLength) characters") }
        return LicenseToken(lines.joined())
    }

    /// Nil unless `line` is letters and dashes, a colon, a space, and printable ASCII.
    private static func header(_ line: String) -> Header? {
        let bytes = Array(line.utf8)
        guard bytes.count <= headerBytesMax, let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > 0,
            bytes[..<colon].allSatisfy({ isLetter($0) || $0 == UInt8(ascii: "-") }), bytes.count > colon + 2,
            bytes[colon + 1] == 0x20, bytes[(colon + 2)...].allSatisfy({ (0x20..<0x7F).contains($0) })
        else { return nil }
        return Header(
            name: String(decoding: bytes[..<colon], as: UTF8.self),
            value: String(decoding: bytes[(colon + 2)...], as: UTF8.self)
        )
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) && byte >= UInt8(ascii: "A")
    }

    private static func isTokenCharacter(_ byte: UInt8) -> Bool {
        isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
    }

    private static func malformed(_ reason: String) -> LicenseTokenError {
        LicenseTokenError(.malformed, "this is no license file: \(reason)")
    }
}
