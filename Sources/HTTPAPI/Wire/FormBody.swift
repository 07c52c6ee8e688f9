import HTTPTypes
import Primitives

/// The fields of an HTML form in a request, in either of the two encodings that PHP's cURL sends: a list of fields
/// becomes `multipart/form-data` there, a text `application/x-www-form-urlencoded`. Values are bytes: nobody says in
/// which encoding a directory is named.
struct FormBody {
    /// Fields of one form.
    static let fieldsMax = 32
    /// Characters of a boundary (RFC 2046 §5.1.1).
    private static let boundaryLengthMax = 70

    private(set) var fields: [String: [UInt8]] = [:]

    /// Throws `Problem` with status 415 for another type, and 400 for a body that is none or names a field twice.
    init(_ body: [UInt8], contentType: String?) throws(Problem) {
        let type = contentType ?? ""
        let name = type.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        switch name {
        case "application/x-www-form-urlencoded": try readPairs(body)
        case "multipart/form-data": try readParts(body, boundary: try Self.boundary(of: type))
        default: throw Problem(of: .unsupportedMediaType)
        }
    }

    subscript(name: String) -> [UInt8] { fields[name] ?? [] }

    private mutating func take(_ name: [UInt8], _ value: [UInt8]) throws(Problem) {
        guard fields.count < Self.fieldsMax, let name = String(validating: name, as: UTF8.self), fields[name] == nil
        else { throw Problem(of: .badRequest) }
        fields[name] = value
    }
}

// MARK: - application/x-www-form-urlencoded

extension FormBody {
    private mutating func readPairs(_ body: [UInt8]) throws(Problem) {
        for pair in body.split(separator: UInt8(ascii: "&")) {
            let end = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            guard let name = Self.decoded(pair[..<end]), let value = Self.decoded(pair[end...].dropFirst()) else {
                throw Problem(of: .badRequest)
            }
            try take(name, value)
        }
    }

    /// Without its percent signs; nil when one of them stands before something else than two digits.
    private static func decoded(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var (bytes, rest) = ([UInt8](), text)
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                let digits = String(decoding: rest.prefix(2), as: UTF8.self).lowercased()
                guard let byte = Hexadecimal.decode(digits)?.first else { return nil }
                bytes.append(byte)
                rest = rest.dropFirst(2)
            default: bytes.append(byte)
            }
        }
        return bytes
    }
}

// MARK: - multipart/form-data

extension FormBody {
    private static let lineEnd: [UInt8] = [0x0D, 0x0A]

    private static func boundary(of type: String) throws(Problem) -> [UInt8] {
        let parameter = type.split(separator: ";").dropFirst().map { $0.drop { $0 == " " } }
            .first { $0.lowercased().hasPrefix("boundary=") }
        let text = parameter?.dropFirst("boundary=".count).filter { $0 != "\"" } ?? ""
        guard (1...boundaryLengthMax).contains(text.utf8.count) else { throw Problem(of: .badRequest) }
        return Array(text.utf8)
    }

    private mutating func readParts(_ body: [UInt8], boundary: [UInt8]) throws(Problem) {
        let delimiter = Array("--".utf8) + boundary
        var rest = body[...]
        guard rest.starts(with: delimiter) else { throw Problem(of: .badRequest) }
        rest = rest.dropFirst(delimiter.count)
        while !rest.starts(with: "--".utf8) {
            guard rest.starts(with: Self.lineEnd),
                let (head, content) = Self.halves(of: rest.dropFirst(2), at: Self.lineEnd + Self.lineEnd),
                let (value, next) = Self.halves(of: content, at: Self.lineEnd + delimiter),
                let name = Self.fieldName(in: head)
            else { throw Problem(of: .badRequest) }
            try take(name, Array(value))
            rest = next
        }
    }

    /// What stands before the first `separator`, and what after it.
    private static func halves(
        of bytes: ArraySlice<UInt8>, at separator: [UInt8]
    ) -> (ArraySlice<UInt8>, ArraySlice<UInt8>)? {
        var position = bytes.startIndex
        while let start = bytes[position...].firstIndex(of: separator[0]) {
            if bytes[start...].starts(with: separator) {
                return (bytes[..<start], bytes[start...].dropFirst(separator.count))
            }
            position = start + 1
        }
        return nil
    }

    /// The field that a part is the value of; nil for a file and for a part that is none of a form.
    private static func fieldName(in head: ArraySlice<UInt8>) -> [UInt8]? {
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        guard let line = lines.first(where: { $0.lowercased().hasPrefix("content-disposition:") }),
            !line.lowercased().contains("filename"), let start = line.firstRange(of: "name=\"")?.upperBound,
            let end = line[start...].firstIndex(of: "\"")
        else { return nil }
        return Array(line[start..<end].utf8)
    }
}
