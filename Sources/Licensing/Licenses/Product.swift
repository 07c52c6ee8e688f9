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

/// What becomes of a product.
package struct ProductChange: Sendable {
    package var name = Edit<String>.keep
    package var actionURL = Edit<String?>.keep
    package var keyGroups = Edit<Int>.keep
    package var keyPrefix = Edit<String?>.keep
    package var patch: PolicyPatch
    /// Whether seats may be counted anew when `counted_by` or `ipv6_prefix` changes.
    package var recounts: Bool
    /// The version that is changed; nil for whichever there is.
    package var version: Int64?

    package init(patch: PolicyPatch = PolicyPatch(), recounts: Bool = false) {
        self.patch = patch
        self.recounts = recounts
    }

    /// The details of `product` after the change. Throws `InvalidInput` naming the member.
    func details(of product: Product) throws(InvalidInput) -> ProductDetails {
        try ProductDetails(
            name: name.applied(to: product.name),
            keyFormat: KeyFormat(
                groups: keyGroups.applied(to: product.keyFormat.groups),
                prefix: keyPrefix.applied(to: product.keyFormat.prefix)),
            actionURL: actionURL.applied(to: product.actionURL))
    }
}

/// What became of a product, and what that means for its licenses.
package struct ProductUpdate: Sendable {
    package let product: Product
    /// Nothing when it was like this already: then there is no new version and no event.
    package let alterations: [Alteration]
    /// Licenses of the product.
    package let licenses: Int
    /// Those that have something from the product which it changed.
    package let affected: Int
    /// Those whose seats were counted anew.
    package let recounted: Int
    /// Those that have more seats taken than their limit since now.
    package let overLimit: Int
    /// Those that have not any more.
    package let withinLimit: Int
}

extension Product {
    /// What differs in `other`, a later version of it.
    func alterations(to other: Product) -> [Alteration] {
        let details = [
            Alteration("name", from: name, to: other.name),
            Alteration("action_url", from: actionURL, to: other.actionURL),
            Alteration(
                "key_groups", from: .integer(Int64(keyFormat.groups)), to: .integer(Int64(other.keyFormat.groups))),
            Alteration("key_prefix", from: keyFormat.prefix, to: other.keyFormat.prefix),
        ]
        return details.compactMap { $0 } + settings.alterations(to: other.settings)
    }
}
