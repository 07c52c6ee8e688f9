/// The last few of what was appended.
struct Ring<Element> {
    private let capacity: Int
    private var items: [Element] = []
    /// Position of the oldest, once it is full.
    private var oldest = 0

    /// `capacity`: 1 or more.
    init(capacity: Int) { self.capacity = capacity }

    var isFull: Bool { items.count == capacity }
    var count: Int { items.count }

    /// Oldest first.
    var elements: [Element] { Array(items[oldest...] + items[..<oldest]) }

    /// Appends, in place of the oldest when it is full.
    mutating func append(_ element: Element) {
        guard isFull else { return items.append(element) }
        items[oldest] = element
        oldest = (oldest + 1) % capacity
    }
}

extension Ring: Sendable where Element: Sendable {}
