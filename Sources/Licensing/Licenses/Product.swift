package import Primitives

/// A piece of software that is licensed, with the terms its licenses begin with.
package struct Product: Sendable, Equatable {
    package static let nameLengthMax = 200
    package static let tokenDaysDefault = 14
    package static let tokenDaysRange = 1...90

    package let id: ProductID
    /// What the software sends as `product`: `whm-panel`.
    package let code: Slug
    package let name: String
    /// What a license of it gets unless told otherwise.
    package let terms: LicenseTerms
    /// Longest life of a license token, in days.
    package let tokenDays: Int
    /// Whether development hosts take seats like any other.
    package let countsDevelopment: Bool
    package let version: Int64
    package let createdAt: Timestamp
}

package typealias ProductID = ID<Product>

/// A product about to be created, checked.
package struct NewProduct: Sendable {
    package let code: Slug
    package let name: String
    package let terms: LicenseTerms
    package let tokenDays: Int
    package let countsDevelopment: Bool

    /// Throws `InvalidInput` naming the member.
    package init(
        code: String, name: String?, terms: LicenseTerms, tokenDays: Int?, countsDevelopment: Bool
    ) throws {
        self.code = try Slug(code, member: "code")
        self.name = name ?? code
        guard (1...Product.nameLengthMax).contains(self.name.count),
            !self.name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else { throw InvalidInput("name", "must have 1 to \(Product.nameLengthMax) characters, no control characters") }
        self.terms = terms
        self.tokenDays = tokenDays ?? Product.tokenDaysDefault
        guard Product.tokenDaysRange.contains(self.tokenDays) else {
            let range = Product.tokenDaysRange
            throw InvalidInput("token_days", "must be \(range.lowerBound) to \(range.upperBound)")
        }
        self.countsDevelopment = countsDevelopment
    }
}
