import HTTPTypes
import Hummingbird
import LicenseToken
import Licensing
import NIOCore
import Primitives

/// The members of a JSON object in a request, taken one by one; what is wrong with any of them is collected, so that
/// the sender learns all of it at once. Members nobody asks for are ignored.
struct Members {
    /// Bytes of a string member unless told otherwise (reliability notes §3.1).
    static let stringBytesMax = 1024

    private let object: JSONObject
    /// The body as it came.
    let body: ByteBuffer
    private var asked: Set<String> = []
    private var violations: [InvalidInput.Violation] = []

    init(_ object: JSONObject, body: ByteBuffer) {
        self.object = object
        self.body = body
    }

    /// A string; nil when absent, null or empty. `isPasted` forgives the line end that comes along with a paste.
    mutating func string(_ name: String, bytesMax: Int = stringBytesMax, isPasted: Bool = false) -> String? {
        guard let value = value(name) else { return nil }
        guard var text = value.stringValue else { return refuse(name, "must be a string, not a \(value.typeName)") }
        if isPasted, let end = text.lastIndex(where: { !$0.isWhitespace }) { text = String(text[...end]) }
        guard text.utf8.count <= bytesMax else { return refuse(name, "must have at most \(bytesMax) bytes") }
        guard !text.unicodeScalars.contains(where: \.isControl) else {
            return refuse(name, "must not hold control characters")
        }
        return text.isEmpty ? nil : text
    }

    /// Whether nothing was sent under `name`: absent, null or the empty string.
    func isAbsent(_ name: String) -> Bool {
        let value = object[name]
        return value == nil || value == .null || isEmpty(name)
    }

    func isEmpty(_ name: String) -> Bool { object[name] == .string("") }

    /// Whether there is anything under `name`, null too.
    func isSent(_ name: String) -> Bool { object[name] != nil }

    /// Whether what was sent under `name` is a `.lic` file.
    func holdsLicenseFile(_ name: String) -> Bool {
        object[name]?.stringValue.map { LicenseFile.isLikely(String($0.drop { $0.isWhitespace })) } ?? false
    }

    mutating func requiredString(_ name: String, isPasted: Bool = false) -> String {
        let before = violations.count
        if let text = string(name, isPasted: isPasted), !text.allSatisfy(\.isWhitespace) { return text }
        if violations.count == before { refuse(name, "must be there and not empty") as Void }
        return ""
    }

    mutating func integer(_ name: String) -> Int? {
        guard let value = value(name) else { return nil }
        guard let number = value.integerValue else { return refuse(name, "must be a whole number") }
        return Int(number)
    }

    mutating func bool(_ name: String) -> Bool? {
        guard let value = value(name) else { return nil }
        guard case .bool(let truth) = value else { return refuse(name, "must be true or false") }
        return truth
    }

    mutating func strings(_ name: String) -> [String]? {
        guard let value = value(name) else { return nil }
        let texts = value.arrayValue?.compactMap(\.stringValue)
        guard let texts, texts.count == value.arrayValue?.count else {
            return refuse(name, "must be a list of strings")
        }
        return texts
    }

    /// At most `max` objects; nil when the member is absent, null or something else.
    mutating func objects(_ name: String, max: Int) -> [JSONObject]? {
        guard let value = value(name) else { return nil }
        let objects = value.arrayValue?.compactMap(\.objectValue)
        guard let objects, objects.count == value.arrayValue?.count, objects.count <= max else {
            return refuse(name, "must be a list of at most \(max) objects")
        }
        return objects
    }

    /// A string member that `parse` turns into a value; `reason` says what would be accepted.
    mutating func value<Value>(_ name: String, _ reason: String, _ parse: (String) -> Value?) -> Value? {
        guard let text = string(name) else { return nil }
        guard let value = parse(text) else { return refuse(name, reason) }
        return value
    }

    /// The choices of a policy that are there; null leaves one open again.
    mutating func policy() -> PolicyPatch {
        var patch = PolicyPatch()
        for field in PolicyField.all {
            asked.insert(field.name)
            if let reason = patch.take(object[field.name], for: field) { refuse(field.name, reason) }
        }
        return patch
    }

    mutating func refuse(_ name: String, _ reason: String) {
        violations.append(.init(member: name, reason: reason))
    }

    /// Throws `InvalidInput` with all that was wrong. Members nobody asked for are ignored, but not their size.
    mutating func finish() throws(InvalidInput) {
        for (name, value) in object.members where !asked.contains(name) {
            guard value.longestString > Self.stringBytesMax else { continue }
            refuse(String(name.prefix(64)), "must have at most \(Self.stringBytesMax) bytes")
        }
        guard violations.isEmpty else { throw InvalidInput(violations) }
    }

    private mutating func value(_ name: String) -> JSONValue? {
        asked.insert(name)
        let value = object[name]
        return value == .null ? nil : value
    }

    private mutating func refuse<Value>(_ name: String, _ reason: String) -> Value? {
        violations.append(.init(member: name, reason: reason))
        return nil
    }
}

extension Unicode.Scalar {
    /// The general category Cc, which Unicode promises never to change: C0, DEL and C1.
    fileprivate var isControl: Bool { value < 0x20 || (0x7F..<0xA0).contains(value) }
}

extension JSONValue {
    /// Bytes of the longest string in it.
    fileprivate var longestString: Int {
        switch self {
        case .string(let text): text.utf8.count
        case .array(let elements): elements.map(\.longestString).max() ?? 0
        case .object(let object): object.members.map { max($0.name.utf8.count, $0.value.longestString) }.max() ?? 0
        case .null, .bool, .integer, .decimal: 0
        }
    }
}

extension Request {
    /// The JSON object in the body. Throws `Problem` and `JSONReader.Failure`.
    func members(bytesMax: Int, requiresContentType: Bool) async throws -> Members {
        if requiresContentType, !hasJSONContentType { throw Problem.unsupportedMediaType }
        let body = try await collect(bytesMax: bytesMax)
        let value = try JSONReader.read(body.readableBytesView)
        guard let object = value.objectValue else {
            throw Problem.bodyNotObject(value.typeName)
        }
        return Members(object, body: body)
    }

    /// The whole body. Throws `Problem` when it has more bytes than `bytesMax`.
    func collect(bytesMax: Int) async throws -> ByteBuffer {
        let declared = headers[.contentLength].flatMap { Int($0) } ?? 0
        guard declared <= bytesMax else { throw Problem.bodyTooLarge(max: bytesMax) }
        var whole = ByteBuffer()
        for try await part in body {
            var part = part
            guard whole.readableBytes + part.readableBytes <= bytesMax else {
                throw Problem.bodyTooLarge(max: bytesMax)
            }
            whole.writeBuffer(&part)
        }
        return whole
    }

    private var hasJSONContentType: Bool {
        guard let parts = headers[.contentType]?.split(separator: ";").map({ $0.trimmed }), let type = parts.first
        else { return false }
        return type.lowercased() == "application/json"
            && parts.dropFirst().allSatisfy { ["charset=utf-8", "charset=\"utf-8\""].contains($0.lowercased()) }
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        let head = drop { $0 == " " || $0 == "\t" }
        return head.lastIndex { $0 != " " && $0 != "\t" }.map { head[...$0] } ?? ""
    }
}

extension Response {
    /// A 200 or other answer with a JSON body.
    static func json(_ bytes: [UInt8], status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
