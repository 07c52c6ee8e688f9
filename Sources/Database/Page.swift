/// Which part of a list is wanted.
package struct Page: Sendable, Equatable {
    package static let perPageDefault = 50
    package static let perPageMax = 500

    /// From 1.
    package let number: Int
    /// 1…500.
    package let perPage: Int

    /// Nil when a value is out of range, or so large that the offset would not fit.
    package init?(number: Int = 1, perPage: Int = perPageDefault) {
        guard (1...Int(Int32.max)).contains(number), (1...Self.perPageMax).contains(perPage) else { return nil }
        self.number = number
        self.perPage = perPage
    }

    /// Rows before this page.
    package var offset: Int { (number - 1) * perPage }
}

/// One page of a list, and how many items the whole list has.
package struct Listing<Item: Sendable>: Sendable {
    package let items: [Item]
    package let total: Int64

    package init(items: [Item], total: Int64) {
        self.items = items
        self.total = total
    }
}
