/// A JSON text (RFC 8259) as a value. Objects keep the order of their members and never hold a name twice.
package enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    /// A number without fraction or exponent that fits 64 bits.
    case integer(Int64)
    /// Any other number, as it was written: nothing of ours computes with these.
    case decimal(String)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

/// The members of a JSON object, in order.
package struct JSONObject: Sendable, Equatable {
    package private(set) var members: [(name: String, value: JSONValue)] = []

    package init() {}

    /// The member of exactly this name. Names are equal when their code points are (RFC 8259 §8.3); `==` alone also
    /// equates two spellings of é, which every other reader takes for two names, but it rules most names out quickly.
    package subscript(name: String) -> JSONValue? {
        members.first { $0.name == name && $0.name.utf8.elementsEqual(name.utf8) }?.value
    }

    /// Appends a member; false, and nothing changed, if the name is taken.
    package mutating func append(_ name: String, _ value: JSONValue) -> Bool {
        guard self[name] == nil else { return false }
        members.append((name, value))
        return true
    }

    /// The same members in the same order, but for the one of this name.
    package func without(_ name: String) -> JSONObject {
        var rest = self
        rest.members.removeAll { $0.name == name }
        return rest
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.members.elementsEqual(right.members) { $0.name == $1.name && $0.value == $1.value }
    }
}

extension JSONValue {
    package var stringValue: String? { if case .string(let text) = self { text } else { nil } }
    package var integerValue: Int64? { if case .integer(let number) = self { number } else { nil } }
    package var arrayValue: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }
    package var objectValue: JSONObject? { if case .object(let object) = self { object } else { nil } }

    /// The name of the value's type, for messages.
    package var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .integer, .decimal: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}
