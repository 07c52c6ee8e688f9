package import Primitives

/// One thing that a change changed: what it was, and what it is now.
package struct Alteration: Sendable, Equatable {
    /// The member that tells it.
    package let member: String
    package let from: JSONValue
    package let to: JSONValue

    /// Nil when both are the same.
    init?(_ member: String, from: JSONValue, to: JSONValue) {
        guard from != to else { return nil }
        self.member = member
        self.from = from
        self.to = to
    }

    /// The same for texts, where nil is null.
    init?(_ member: String, from: String?, to: String?) {
        self.init(member, from: from.map(JSONValue.string) ?? .null, to: to.map(JSONValue.string) ?? .null)
    }
}

extension [Alteration] {
    /// `changes`: a list of `{member, from, to}`.
    package func write(to json: inout JSONWriter) {
        json.member("changes", objects: self) { alteration, json in
            json.member("member", alteration.member)
            json.member("from", value: alteration.from)
            json.member("to", value: alteration.to)
        }
    }

    /// Those of the named choices.
    func only(_ fields: [PolicyField]) -> [Alteration] {
        filter { alteration in fields.contains { $0.name == alteration.member } }
    }
}

extension PolicySettings {
    /// The choice that `field` names as JSON; null while it is open.
    package func value(of field: PolicyField) -> JSONValue {
        do {
            return try JSONReader.read(json([field])).objectValue?[field.name] ?? .null
        } catch {
            preconditionFailure("settings are written as JSON: \(error)")
        }
    }

    /// What differs in `other`.
    func alterations(to other: PolicySettings) -> [Alteration] {
        PolicyField.all.compactMap { Alteration($0.name, from: value(of: $0), to: other.value(of: $0)) }
    }
}

/// What becomes of a member of a record: it stays as it is, or is another from now on.
package enum Edit<Value: Sendable & Equatable>: Sendable, Equatable {
    case keep
    case set(Value)

    /// The value after the edit.
    package func applied(to value: Value) -> Value { if case .set(let new) = self { new } else { value } }
}
