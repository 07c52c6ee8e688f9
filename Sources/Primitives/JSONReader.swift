/// Reads one JSON text strictly: RFC 8259 grammar, valid UTF-8 (RFC 3629), no lone surrogates, and, as I-JSON
/// (RFC 7493 §2.3) asks, no member name twice. What another reader could understand differently is refused here.
///
/// Ours rather than Foundation's because `JSONDecoder` keeps the last of two members with one name, which lets a
/// request or token mean two things to two programs (docs/decisions/0003-strict-json.md).
package struct JSONReader {
    /// Why a text is not acceptable, and at which byte.
    package struct Failure: Error, Equatable {
        /// What is wrong.
        package enum Reason: Equatable, Sendable {
            case empty
            case syntax
            case invalidUTF8
            case tooDeep
            case duplicateMember(String)
            case tooManyMembers
            case trailingBytes
        }

        package let reason: Reason
        package let offset: Int
    }

    /// Levels of arrays and objects; 16 unless told (field notes, reliability §3.1).
    package static let depthMax = 16

    /// Members of one object: the search for a second use of a name is linear in them.
    package static let membersMax = 256

    private let bytes: [UInt8]
    private let depthMax: Int
    private var offset = 0

    private init(_ bytes: [UInt8], depthMax: Int) {
        self.bytes = bytes
        self.depthMax = depthMax
    }

    /// The value that `bytes` spell. Throws `Failure`.
    package static func read(
        _ bytes: some Collection<UInt8>, depthMax: Int = JSONReader.depthMax
    ) throws(Failure) -> JSONValue {
        var reader = JSONReader(Array(bytes), depthMax: depthMax)
        reader.skipSpace()
        guard reader.offset < reader.bytes.count else { throw Failure(reason: .empty, offset: reader.offset) }
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.offset == reader.bytes.count else { throw reader.failure(.trailingBytes) }
        return value
    }

    private func failure(_ reason: Failure.Reason) -> Failure { Failure(reason: reason, offset: offset) }

    private var current: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        offset += 1
        return true
    }

    private mutating func expect(_ byte: UInt8) throws(Failure) {
        guard take(byte) else { throw failure(.syntax) }
    }

    private mutating func value(depth: Int) throws(Failure) -> JSONValue {
        switch current {
        case UInt8(ascii: "{"): try object(depth: depth + 1)
        case UInt8(ascii: "["): try array(depth: depth + 1)
        case UInt8(ascii: "\""): .string(try string())
        case UInt8(ascii: "t"): try literal("true", .bool(true))
        case UInt8(ascii: "f"): try literal("false", .bool(false))
        case UInt8(ascii: "n"): try literal("null", .null)
        default: try number()
        }
    }

    private mutating func literal(_ word: StaticString, _ value: JSONValue) throws(Failure) -> JSONValue {
        for index in 0..<word.utf8CodeUnitCount { try expect(word.utf8Start[index]) }
        return value
    }
}

// MARK: - Structures

extension JSONReader {
    private mutating func object(depth: Int) throws(Failure) -> JSONValue {
        guard depth <= depthMax else { throw failure(.tooDeep) }
        offset += 1
        var object = JSONObject()
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object(object) }
        repeat {
            skipSpace()
            let start = offset
            let name = try string()
            skipSpace()
            try expect(UInt8(ascii: ":"))
            skipSpace()
            guard object.append(name, try value(depth: depth)) else {
                throw Failure(reason: .duplicateMember(name), offset: start)
            }
            guard object.members.count <= Self.membersMax else { throw failure(.tooManyMembers) }
            skipSpace()
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"))
        return .object(object)
    }

    private mutating func array(depth: Int) throws(Failure) -> JSONValue {
        guard depth <= depthMax else { throw failure(.tooDeep) }
        offset += 1
        var elements: [JSONValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array(elements) }
        repeat {
            skipSpace()
            elements.append(try value(depth: depth))
            skipSpace()
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "]"))
        return .array(elements)
    }
}

// MARK: - Numbers and strings

extension JSONReader {
    private mutating func digits() -> Int {
        let start = offset
        while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { offset += 1 }
        return offset - start
    }

    private mutating func number() throws(Failure) -> JSONValue {
        let start = offset
        _ = take(UInt8(ascii: "-"))
        let leadingZero = current == UInt8(ascii: "0")
        let wholeDigits = digits()
        guard wholeDigits > 0, !leadingZero || wholeDigits == 1 else { throw failure(.syntax) }
        var isInteger = true
        if take(UInt8(ascii: ".")) {
            isInteger = false
            guard digits() > 0 else { throw failure(.syntax) }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isInteger = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard digits() > 0 else { throw failure(.syntax) }
        }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        if isInteger, let integer = Int64(text) { return .integer(integer) }
        return .decimal(text)
    }

    private mutating func string() throws(Failure) -> String {
        try expect(UInt8(ascii: "\""))
        var text: [UInt8] = []
        while let byte = current {
            switch byte {
            case UInt8(ascii: "\""):
                offset += 1
                guard let string = String(validating: text, as: UTF8.self) else { throw failure(.invalidUTF8) }
                return string
            case UInt8(ascii: "\\"):
                offset += 1
                try appendEscape(to: &text)
            case 0x00..<0x20:
                throw failure(.syntax)
            default:
                text.append(byte)
                offset += 1
            }
        }
        throw failure(.syntax)
    }

    private mutating func appendEscape(to text: inout [UInt8]) throws(Failure) {
        guard let byte = current else { throw failure(.syntax) }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text.append(contentsOf: try unicodeEscape())
        default: throw failure(.syntax)
        }
    }

    private mutating func unicodeEscape() throws(Failure) -> [UInt8] {
        var scalar = UInt32(try hexQuad())
        if (0xD800..<0xDC00).contains(scalar) {
            try expect(UInt8(ascii: "\\"))
            try expect(UInt8(ascii: "u"))
            let low = UInt32(try hexQuad())
            guard (0xDC00..<0xE000).contains(low) else { throw failure(.syntax) }
            scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let character = Unicode.Scalar(scalar) else { throw failure(.syntax) }
        return Array(String(Character(character)).utf8)
    }

    private mutating func hexQuad() throws(Failure) -> UInt16 {
        guard offset + 4 <= bytes.count else { throw failure(.syntax) }
        var number: UInt16 = 0
        for byte in bytes[offset..<offset + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw failure(.syntax)
            }
            number = number << 4 | UInt16(digit)
        }
        offset += 4
        return number
    }
}
