package import Primitives

/// How the keys of a product look: `WHM-XXXX-XXXX-XXXX-XXXX`.
package struct KeyFormat: Sendable, Hashable {
    /// Groups of four symbols, one of which is the check symbol.
    package static let groupsRange = LicenseKeyCode.groupsRange
    package static let groupsDefault = 4
    package static let prefixLengthRange = LicenseKeyCode.prefixLengthRange
    package static let plain = KeyFormat(uncheckedGroups: groupsDefault, prefix: nil)

    package let groups: Int
    /// Stands before the key for people; it is no part of it.
    package let prefix: String?

    private init(uncheckedGroups groups: Int, prefix: String?) {
        self.groups = groups
        self.prefix = prefix
    }

    /// Throws `InvalidInput` naming `key_groups` or `key_prefix`.
    package init(groups: Int?, prefix: String?) throws(InvalidInput) {
        let groups = groups ?? Self.groupsDefault
        guard Self.groupsRange.contains(groups) else {
            throw InvalidInput("key_groups", "must be \(Self.groupsRange.lowerBound) to \(Self.groupsRange.upperBound)")
        }
        if let prefix {
            guard Self.prefixLengthRange.contains(prefix.utf8.count),
                prefix.utf8.allSatisfy({ $0.isDigit || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) })
            else {
                let range = Self.prefixLengthRange
                throw InvalidInput("key_prefix", "must be \(range.lowerBound) to \(range.upperBound) of A-Z and 0-9")
            }
        }
        self.init(uncheckedGroups: groups, prefix: prefix)
    }
}
