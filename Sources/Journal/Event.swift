package import Primitives

/// Something that changed: what, of which kind, and at which version of its subject.
package struct Event: Sendable {
    /// A name that is history once written: `license.created`. `version` grows when the data's members change.
    package struct Kind: Sendable {
        package let name: String
        package let version: Int64

        package init(_ name: String, version: Int64 = 1) {
            self.name = name
            self.version = version
        }
    }

    /// Data that says something about a person: sealed under the key of the customer it belongs to.
    package struct Personal: Sendable {
        package let customer: Int64
        /// A JSON object.
        package let json: [UInt8]

        package init(customer: Int64, json: [UInt8]) {
            self.customer = customer
            self.json = json
        }
    }

    package let kind: Kind
    /// The identifier of what changed, as people write it: `lic_…`, `product:whm-panel`, `customer:123`.
    package let subject: String
    /// The subject's version after the change. Of two, the higher wins, in whatever order they are read.
    package let subjectVersion: Int64
    /// Writes the open facts: no e-mail, name, domain or address.
    package let facts: @Sendable (inout JSONWriter) -> Void
    package let personal: Personal?

    package init(
        _ kind: Kind, subject: String, subjectVersion: Int64, personal: Personal? = nil,
        facts: @escaping @Sendable (inout JSONWriter) -> Void
    ) {
        self.kind = kind
        self.subject = subject
        self.subjectVersion = subjectVersion
        self.facts = facts
        self.personal = personal
    }
}

/// The entity that `evt_` identifiers name.
package enum EventEntity: RandomlyIdentified {
    package static let idPrefix = "evt_"
}
