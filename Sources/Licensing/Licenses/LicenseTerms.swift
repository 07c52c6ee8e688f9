package import Primitives

/// What a license allows: its type, its features and how many installations.
package struct LicenseTerms: Sendable, Hashable {
    /// Features of one license; they travel in every token.
    package static let featuresMax = 64
    package static let activationsMax = 1_000_000
    package static let addressesPerSeatDefault = 3
    package static let addressesPerSeatMax = 50
    /// Days of grace after the expiry.
    package static let graceDaysMax = 366

    /// Such as `professional`.
    package let type: Slug
    /// In the order that the vendor gave, none twice.
    package let features: [Slug]
    /// Seats; 0 is unlimited.
    package let maxActivations: Int
    /// Live addresses that one seat holds; 1…50.
    package let addressesPerSeat: Int

    /// Throws `InvalidInput` naming each member that is out of range.
    package init(type: String, features: [String], maxActivations: Int, addressesPerSeat: Int) throws {
        var violations: [InvalidInput.Violation] = []
        func check(_ holds: Bool, _ member: String, _ reason: String) {
            if !holds { violations.append(.init(member: member, reason: reason)) }
        }
        let typeSlug = Slug(type)
        let slugs = features.compactMap { Slug($0) }
        check(typeSlug != nil, "license_type", "must be a name of a-z, 0-9 and . _ : -")
        check(slugs.count == features.count, "features", "must be names of a-z, 0-9 and . _ : -")
        check(Set(slugs).count == slugs.count, "features", "must not name a feature twice")
        check(features.count <= Self.featuresMax, "features", "must be at most \(Self.featuresMax)")
        check(
            (0...Self.activationsMax).contains(maxActivations), "max_activations",
            "must be 0 (unlimited) to \(Self.activationsMax)")
        check(
            (1...Self.addressesPerSeatMax).contains(addressesPerSeat), "addresses_per_seat",
            "must be 1 to \(Self.addressesPerSeatMax)")
        guard let typeSlug, violations.isEmpty else { throw InvalidInput(violations) }
        self.type = typeSlug
        self.features = slugs
        self.maxActivations = maxActivations
        self.addressesPerSeat = addressesPerSeat
    }
}

extension [Slug] {
    /// A JSON array of strings, as features are stored and answered.
    var json: [UInt8] { [UInt8]("[\(map { "\"\($0)\"" }.joined(separator: ","))]".utf8) }
}
