/// Writes one JSON object after another into a byte buffer, member by member, in the order of the calls.
///
/// For tokens and answers, whose members and order are fixed by contract; no intermediate tree, no reflection.
package struct JSONWriter {
    package private(set) var bytes: [UInt8] = []
    private var needsComma = false

    package init(capacity: Int = 512) { bytes.reserveCapacity(capacity) }

    /// The bytes of one object whose members `body` writes.
    package static func object(_ body: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        writer.object(body)
        return writer.bytes
    }

    /// `text` as a JSON string, quotes and all: for names that are data.
    package static func text(_ text: String) -> [UInt8] {
        var writer = JSONWriter(capacity: text.utf8.count + 2)
        writer.string(text)
        return writer.bytes
    }

    /// An object whose members `body` writes.
    package mutating func object(_ body: (inout JSONWriter) -> Void) { nest("{", "}", body) }

    /// A member that is an object, written by `body`.
    package mutating func member(_ name: StaticString, _ body: (inout JSONWriter) -> Void) {
        self.name(name)
        object(body)
    }

    /// A string, or null.
    package mutating func member(_ name: StaticString, _ value: String?) {
        self.name(name)
        if let value { string(value) } else { raw("null") }
    }

    /// A whole number, or null.
    package mutating func member(_ name: StaticString, _ value: Int64?) {
        self.name(name)
        if let value { raw(String(value)) } else { raw("null") }
    }

    /// True or false.
    package mutating func member(_ name: StaticString, _ value: Bool) {
        self.name(name)
        raw(value ? "true" : "false")
    }

    /// A list of strings.
    package mutating func member(_ name: StaticString, _ values: [String]) {
        self.name(name)
        nest("[", "]") { writer in
            for value in values {
                writer.separate()
                writer.string(value)
            }
        }
    }

    /// A list of objects, each written by `body`.
    package mutating func member<Element>(
        _ name: StaticString, objects: [Element], _ body: (Element, inout JSONWriter) -> Void
    ) {
        self.name(name)
        nest("[", "]") { writer in
            for element in objects {
                writer.separate()
                writer.object { body(element, &$0) }
            }
        }
    }

    /// A member whose value is already JSON, such as a list made once per policy.
    package mutating func member(_ name: StaticString, json: some Collection<UInt8>) {
        self.name(name)
        bytes.append(contentsOf: json)
    }

    /// A value that was read, or null: its members keep their names and their order.
    package mutating func member(_ name: StaticString, value: JSONValue?) {
        self.name(name)
        self.value(value ?? .null)
    }

    /// The members of an object that was read or put together, as members of the one under way.
    package mutating func members(of object: JSONObject) {
        for (name, value) in object.members {
            separate()
            string(name)
            raw(":")
            self.value(value)
        }
    }

    private mutating func value(_ value: JSONValue) {
        switch value {
        case .null: raw("null")
        case .bool(let truth): raw(truth ? "true" : "false")
        case .integer(let number): raw(String(number))
        case .decimal(let text): raw(text)
        case .string(let text): string(text)
        case .array(let elements):
            nest("[", "]") { writer in
                for element in elements {
                    writer.separate()
                    writer.value(element)
                }
            }
        case .object(let object):
            nest("{", "}") { $0.members(of: object) }
        }
    }

    private mutating func nest(_ open: StaticString, _ close: StaticString, _ body: (inout JSONWriter) -> Void) {
        raw(open)
        needsComma = false
        body(&self)
        raw(close)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func name(_ name: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        raw(name)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func raw(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func raw(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        // Nearly all strings need no escape and go over as they are.
        if text.utf8.contains(where: Self.needsEscape) {
            for byte in text.utf8 { escaped(byte) }
        } else {
            bytes.append(contentsOf: text.utf8)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private mutating func escaped(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(byte)
        case 0x00..<0x20:
            let hex = [UInt8]("0123456789abcdef".utf8)
            raw("\\u00")
            bytes.append(hex[Int(byte >> 4)])
            bytes.append(hex[Int(byte & 0x0F)])
        default:
            bytes.append(byte)
        }
    }
}
