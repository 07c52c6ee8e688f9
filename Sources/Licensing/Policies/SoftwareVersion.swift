import Primitives

/// The version of the software that asks, as far as it can be ordered: one to four numbers, such as `2.10.1`.
///
/// A `v` before it and whatever follows a `-` or `+` (Semantic Versioning 2.0.0 §9, §10) are not looked at.
package struct SoftwareVersion: Sendable, Hashable {
    package static let componentsMax = 4
    /// What would be accepted, for messages.
    package static let expectation = "must be a version of one to four numbers, such as 2.10.1"
    private static let digitsMax = 9

    private let components: [UInt32]

    package init?(_ text: String) {
        let core = (text.first == "v" ? text.dropFirst() : text[...]).prefix { $0 != "-" && $0 != "+" }
        let parts = core.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { part in
            part.utf8.count <= Self.digitsMax && part.utf8.allSatisfy(\.isDigit) ? UInt32(part) : nil
        }
        guard (1...Self.componentsMax).contains(parts.count), numbers.count == parts.count else { return nil }
        components = numbers
    }

    /// Whether this version is within a license up to `limit`. Only the numbers that the limit names count: `2.9.7` is
    /// within `2.9` and within `2`, and `2.10` is not within `2.9`.
    package func isWithin(_ limit: SoftwareVersion) -> Bool {
        for (position, most) in limit.components.enumerated() {
            let own = position < components.count ? components[position] : 0
            if own != most { return own < most }
        }
        return true
    }
}

extension SoftwareVersion: CustomStringConvertible {
    package var description: String { components.map(String.init).joined(separator: ".") }
}
