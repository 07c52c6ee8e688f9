/// A record that holds facts in fewer bytes than memory usually takes, or says that they do not fit into it.
protocol PackedFacts: FlatRecord {
    associatedtype Facts: Sendable
    /// Nil for facts of which something would be lost.
    init?(_ facts: Facts, of key: Key)
    /// One that says that the facts of `key` are kept elsewhere.
    init(elsewhere key: Key)
    /// Nil when they are kept elsewhere.
    var facts: Facts? { get }
}

/// Facts by their keys: packed, and those few whole that do not fit. What was put in comes out again, always.
struct FactsTable<Packed: PackedFacts>: ~Copyable, Sendable where Packed.Key: Sendable {
    private var packed = FlatTable<Packed>()
    private var whole: [Packed.Key: Packed.Facts] = [:]

    var count: Int { packed.count }

    subscript(key: Packed.Key) -> Packed.Facts? {
        guard let record = packed[key] else { return nil }
        return record.facts ?? whole[key]
    }

    /// Takes in facts, in place of those that `key` had.
    mutating func put(_ facts: Packed.Facts, of key: Packed.Key) {
        if let record = Packed(facts, of: key) {
            if !whole.isEmpty { whole.removeValue(forKey: key) }
            packed.put(record)
        } else {
            whole[key] = facts
            packed.put(Packed(elsewhere: key))
        }
    }

    /// Removes the facts of `key`, if there are any.
    mutating func remove(_ key: Packed.Key) {
        packed.remove(key)
        if !whole.isEmpty { whole.removeValue(forKey: key) }
    }

    /// Makes room for `count` in all.
    mutating func reserve(_ count: Int) { packed.reserve(count) }
}
