import TestSupport
import Testing

@testable import Licensing

@Suite("A flat table")
struct FlatTableTests {
    @Test("is a dictionary, whatever is put in and taken out", arguments: SeededGenerator.seeds)
    func even(seed: UInt64) { Played<EvenKey>().play(5000, keys: 500, seed: seed) }

    @Test("is a dictionary with keys that all belong near the first slot", arguments: SeededGenerator.seeds)
    func first(seed: UInt64) { Played<FirstKey>().play(3000, keys: 300, seed: seed) }

    @Test("is a dictionary with keys that all belong into the last slot", arguments: SeededGenerator.seeds)
    func last(seed: UInt64) { Played<LastKey>().play(3000, keys: 300, seed: seed) }

    @Test("is a dictionary with keys that share five slots", arguments: SeededGenerator.seeds)
    func few(seed: UInt64) { Played<FewKey>().play(3000, keys: 300, seed: seed) }

    @Test("loses nothing while it grows, and takes a fifth more than its records at most")
    func growth() {
        var table = FlatTable<Entry<EvenKey>>()
        for number in 0..<50_000 as Range<UInt64> {
            table.put(Entry(key: EvenKey(raw: number), value: UInt32(number)))
            if number % 5000 == 4999 { expectAll(table, below: number + 1) }
        }
        #expect(table.byteCount < 50_000 * Entry<EvenKey>.byteCount * 122 / 100)
    }

    @Test("that has room does not move while it is filled")
    func reserve() {
        var table = FlatTable<Entry<EvenKey>>()
        table.put(Entry(key: EvenKey(raw: 0), value: 0))
        table.put(Entry(key: EvenKey(raw: 1), value: 1))
        table.reserve(20_000)
        let bytes = table.byteCount
        expectAll(table, below: 2)
        for number in 2..<20_000 as Range<UInt64> {
            table.put(Entry(key: EvenKey(raw: number), value: UInt32(number)))
        }
        table.reserve(10)
        #expect(table.byteCount == bytes)
        expectAll(table, below: 20_000)
    }

    @Test("that is empty finds nothing, and removes nothing")
    func empty() {
        var table = FlatTable<Entry<EvenKey>>()
        for key in [EvenKey(raw: 0), EvenKey(raw: 1)] {
            table.remove(key)
            #expect(table[key] == nil)
        }
        #expect(table.count == 0 && table.byteCount == 0)
    }

    private func expectAll(_ table: borrowing FlatTable<Entry<EvenKey>>, below end: UInt64) {
        let (count, missing) = (table.count, (0..<end).filter { table[EvenKey(raw: $0)]?.value != UInt32($0) })
        #expect(count == Int(end) && missing == [] && table[EvenKey(raw: end)] == nil)
    }
}

// MARK: - Keys

private protocol TestKey: FlatKey {
    var raw: UInt64 { get }
    init(raw: UInt64)
}

extension TestKey {
    var isZero: Bool { raw == 0 }
    init(from bytes: UnsafeRawPointer) { self.init(raw: bytes.loadUnaligned(as: UInt64.self)) }
}

private struct EvenKey: TestKey {
    let raw: UInt64
    var spread: UInt64 { raw &* 0x9E37_79B9_7F4A_7C15 }
}

private struct FirstKey: TestKey {
    let raw: UInt64
    var spread: UInt64 { raw / 3 }
}

private struct LastKey: TestKey {
    let raw: UInt64
    var spread: UInt64 { .max - raw % 2 }
}

private struct FewKey: TestKey {
    let raw: UInt64
    var spread: UInt64 { raw % 5 << 61 }
}

/// 12 bytes, so that most keys lie across words.
private struct Entry<Key: TestKey>: FlatRecord, Equatable {
    static var byteCount: Int { 12 }

    let key: Key
    let value: UInt32

    init(key: Key, value: UInt32) {
        self.key = key
        self.value = value
    }

    init(from bytes: UnsafeRawPointer) {
        key = Key(from: bytes)
        value = (bytes + 8).loadUnaligned(as: UInt32.self)
    }

    func write(to bytes: UnsafeMutableRawPointer) {
        bytes.storeBytes(of: key.raw, as: UInt64.self)
        (bytes + 8).storeBytes(of: value, as: UInt32.self)
    }
}

// MARK: - Histories

/// A table beside the dictionary that it must equal.
private struct Played<Key: TestKey>: ~Copyable {
    private var table = FlatTable<Entry<Key>>()
    private var model: [UInt64: UInt32] = [:]

    /// `keys`: keys from 0 up to which are used, so that most are met again.
    consuming func play(_ steps: Int, keys: Int, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for step in 1...steps {
            let raw = UInt64(random.number(0...keys))
            switch random.number(1...100) {
            case 1: table.reserve(random.number(0...keys))
            case 2...40: remove(raw)
            default: put(raw, UInt32(truncatingIfNeeded: random.next()))
            }
            #expect(value(raw) == model[raw], "step \(step), key \(raw)")
            if step.isMultiple(of: 100) { compare(keys, step) }
        }
        for raw in 0...UInt64(keys) { remove(raw) }
        compare(keys, steps)
    }

    private func value(_ raw: UInt64) -> UInt32? { table[Key(raw: raw)]?.value }

    private mutating func put(_ raw: UInt64, _ value: UInt32) {
        table.put(Entry(key: Key(raw: raw), value: value))
        model[raw] = value
    }

    private mutating func remove(_ raw: UInt64) {
        table.remove(Key(raw: raw))
        model[raw] = nil
    }

    private func compare(_ keys: Int, _ step: Int) {
        let count = table.count
        #expect(count == model.count, "step \(step)")
        for raw in 0...UInt64(keys) { #expect(value(raw) == model[raw], "step \(step), key \(raw)") }
    }
}
