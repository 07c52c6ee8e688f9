package import Primitives

/// A piece of software that is licensed, with the policy that its licenses have unless they say otherwise.
package struct Product: Sendable, Equatable {
    package static let nameLengthMax = 200
    package static let actionURLBytesMax = 500

    package let id: ProductID
    /// What the software sends as `product`: `whm-panel`.
    package let code: Slug
    package let name: String
    /// What it chooses.
    package let settings: PolicySettings
    /// What a license of it allows that chooses nothing itself.
    package let policy: Policy
    package let keyFormat: KeyFormat
    /// Where a person whose license was refused finds help.
    package let actionURL: String?
    package let version: Int64
    package let createdAt: Timestamp

    package init(
        id: ProductID, code: Slug, name: String, settings: PolicySettings, keyFormat: KeyFormat, actionURL: String?,
        version: Int64, createdAt: Timestamp
    ) {
        self.id = id
        self.code = code
        self.name = name
        self.settings = settings
        self.policy = Policy(settings)
        self.keyFormat = keyFormat
        self.actionURL = actionURL
        self.version = version
        self.createdAt = createdAt
    }
}

package typealias ProductID = ID<Product>

/// What can be said of a product besides its code and policy, checked.
package struct ProductDetails: Sendable, Equatable {
    package let name: String
    package let keyFormat: KeyFormat
    package let actionURL: String?

    /// Throws `InvalidInput` naming the member.
    package init(name: String, keyFormat: KeyFormat, actionURL: String?) throws(InvalidInput) {
        guard (1...Product.nameLengthMax).contains(name.count),
            !name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else { throw InvalidInput("name", "must have 1 to \(Product.nameLengthMax) characters, no control characters") }
        if let actionURL {
            guard actionURL.utf8.count <= Product.actionURLBytesMax, actionURL.hasPrefix("https://"),
                actionURL.utf8.count > "https://".utf8.count, actionURL.utf8.allSatisfy({ (0x21..<0x7F).contains($0) })
            else {
                throw InvalidInput(
                    "action_url", "must begin with https:// and have at most \(Product.actionURLBytesMax) bytes")
            }
        }
        self.name = name
        self.keyFormat = keyFormat
        self.actionURL = actionURL
    }
}

/// A product about to be created, checked.
package struct NewProduct: Sendable {
    package let code: Slug
    package let details: ProductDetails
    package let settings: PolicySettings

    /// Throws `InvalidInput` naming the member. Without a name the code stands for it.
    package init(
        code: String, name: String? = nil, settings: PolicySettings = PolicySettings(), keyFormat: KeyFormat = .plain,
        actionURL: String? = nil
    ) throws {
        self.code = try Slug(code, member: "code")
        self.details = try ProductDetails(name: name ?? code, keyFormat: keyFormat, actionURL: actionURL)
        self.settings = settings
    }
}

/// What becomes of a product: its details as they will be, and a change of its policy.
package struct ProductChange: Sendable {
    package let details: ProductDetails
    package let patch: PolicyPatch
    /// Whether seats may be counted anew when `counted_by` or `ipv6_prefix` changes.
    package let recounts: Bool

    package init(details: ProductDetails, patch: PolicyPatch, recounts: Bool = false) {
        self.details = details
        self.patch = patch
        self.recounts = recounts
    }
}
