/// What a record of a `FlatTable` is found by.
protocol FlatKey: Hashable {
    /// Spreads keys evenly; equal for equal keys.
    var spread: UInt64 { get }
    /// Whether all its bytes are zero.
    var isZero: Bool { get }
    /// Reads one from where `FlatRecord.write(to:)` put it.
    init(from bytes: UnsafeRawPointer)
}

/// Something of always the same number of bytes, without alignment, that begins with its key.
protocol FlatRecord {
    associatedtype Key: FlatKey
    static var byteCount: Int { get }
    var key: Key { get }
    init(from bytes: UnsafeRawPointer)
    func write(to bytes: UnsafeMutableRawPointer)
}

/// Records by their keys, side by side in one piece of memory (docs/decisions/0010).
///
/// Open addressing with linear probing, in which records lie in the order of their keys' `spread`: a record is at its
/// home, which is its spread scaled to the number of homes, or behind it in an unbroken run. The order ends a search in
/// vain early and lets a table grow in one pass from front to back. Behind the last home there are a few more slots, so
/// that no run wraps around, and then one for the key of zeros, since zeros mark a free slot.
///
/// Unchecked, because of its pointer: nobody else has the pages, and being noncopyable it has one owner at a time,
/// whose lock guards it.
struct FlatTable<Record: FlatRecord>: ~Copyable, @unchecked Sendable {
    /// Records in each 8 homes at most: a full table grows.
    private static var fullest: Int { 7 }
    /// A table grows by one home in so many, at least by `homesMin`: more would be memory without records.
    private static var growthPart: Int { 16 }
    private static var homesMin: Int { 32 }

    private var pages: Pages?
    /// That of `pages`.
    private var start: UnsafeMutableRawPointer?
    private var homes = 0
    /// Slots behind the last home; doubled when a run would leave them.
    private var overhang = 32
    /// Homes and overhang; the slot after them is that of the key of zeros.
    private var slots = 0
    private var stored = 0
    private var hasZero = false

    var count: Int { stored + (hasZero ? 1 : 0) }

    /// Bytes that it has from the kernel.
    var byteCount: Int { slots == 0 ? 0 : (slots + 1) * Record.byteCount }

    /// The record of `key`.
    subscript(key: Record.Key) -> Record? {
        let (slot, isFound) = search(key)
        return isFound ? Record(from: address(slot)) : nil
    }

    /// Takes in a record, in place of one with the same key.
    mutating func put(_ record: Record) {
        let (slot, isFound) = search(record.key)
        record.write(to: address(isFound ? slot : open(record.key)))
    }

    /// Removes the record of `key`, if there is one: those of its run that are not at home move up.
    mutating func remove(_ key: Record.Key) {
        let (slot, isFound) = search(key)
        guard isFound else { return }
        if key.isZero {
            hasZero = false
            return
        }
        var end = slot + 1
        while end < slots, let next = self.key(at: end), home(of: next) < end { end += 1 }
        address(slot).copyMemory(from: address(slot + 1), byteCount: (end - slot - 1) * Record.byteCount)
        address(end - 1).initializeMemory(as: UInt8.self, repeating: 0, count: Record.byteCount)
        stored -= 1
    }

    /// Makes room for `count` records in all, and a few more.
    mutating func reserve(_ count: Int) {
        let needed = count * 8 / Self.fullest
        if needed > homes { resize(homes: needed + needed / (2 * Self.growthPart), overhang: overhang) }
    }
}

// MARK: - Slots

extension FlatTable {
    private func address(_ slot: Int) -> UnsafeMutableRawPointer {
        guard let start else { preconditionFailure("a table without memory has no slots") }
        return start + slot * Record.byteCount
    }

    /// The key at a slot, or nil for a free one.
    private func key(at slot: Int) -> Record.Key? {
        let key = Record.Key(from: address(slot))
        return key.isZero ? nil : key
    }

    private func home(of key: Record.Key) -> Int { Self.home(of: key, among: homes) }

    private static func home(of key: Record.Key, among homes: Int) -> Int {
        Int(truncatingIfNeeded: key.spread.multipliedFullWidth(by: UInt64(truncatingIfNeeded: homes)).high)
    }

    /// Where `key` is, or the slot that it belongs into; `slots` when that is behind the last.
    private func search(_ key: Record.Key) -> (slot: Int, isFound: Bool) {
        guard homes > 0, !key.isZero else { return (slots, hasZero) }
        let spread = key.spread
        var slot = home(of: key)
        while slot < slots, let here = self.key(at: slot) {
            let next = here.spread
            if next > spread { break }
            if next == spread, here == key { return (slot, true) }
            slot += 1
        }
        return (slot, false)
    }

    /// Frees the slot that `key`, which is not there, belongs into: its run moves down.
    private mutating func open(_ key: Record.Key) -> Int {
        if stored * 8 >= homes * Self.fullest { grow() }
        if key.isZero {
            hasZero = true
            return slots
        }
        while true {
            let slot = search(key).slot
            var free = slot
            while free < slots, self.key(at: free) != nil { free += 1 }
            if free < slots {
                address(slot + 1).copyMemory(from: address(slot), byteCount: (free - slot) * Record.byteCount)
                stored += 1
                return slot
            }
            resize(homes: homes, overhang: 2 * overhang)
        }
    }

    private mutating func grow() {
        resize(homes: homes + max(homes / Self.growthPart, Self.homesMin), overhang: overhang)
    }

    /// Moves everything into memory for `homes` homes or more, as many as its pages hold; neither number shrinks.
    private mutating func resize(homes: Int, overhang: Int) {
        let size = Record.byteCount
        let pages = Pages(byteCount: (homes + overhang + 1) * size)
        let slots = pages.byteCount / size - 1
        let homes = slots - overhang
        var next = 0
        for slot in 0..<self.slots {
            guard let key = self.key(at: slot) else { continue }
            let place = max(Self.home(of: key, among: homes), next)
            // More homes put each record farther from the end, so that what had room behind the last one still has.
            precondition(place < slots, "a run leaves a table that has grown")
            (pages.start + place * size).copyMemory(from: address(slot), byteCount: size)
            next = place + 1
        }
        if hasZero { (pages.start + slots * size).copyMemory(from: address(self.slots), byteCount: size) }
        start = pages.start
        self.pages = consume pages
        (self.homes, self.overhang, self.slots) = (homes, overhang, slots)
    }
}
