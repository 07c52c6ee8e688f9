import Primitives

/// Takes integers one after the other from bytes without alignment, in the order of this machine.
struct ByteReader {
    private var bytes: UnsafeRawPointer

    init(_ bytes: UnsafeRawPointer) { self.bytes = bytes }

    mutating func next<Number: FixedWidthInteger & BitwiseCopyable>(_: Number.Type = Number.self) -> Number {
        defer { bytes += MemoryLayout<Number>.size }
        return bytes.loadUnaligned(as: Number.self)
    }
}

/// Puts integers one after the other.
struct ByteWriter {
    private var bytes: UnsafeMutableRawPointer

    init(_ bytes: UnsafeMutableRawPointer) { self.bytes = bytes }

    mutating func put(_ number: some FixedWidthInteger & BitwiseCopyable) {
        bytes.storeBytes(of: number, as: type(of: number))
        bytes += MemoryLayout.size(ofValue: number)
    }
}

// MARK: - Instants

/// An instant of a license in 4 bytes: whole seconds from 2000-01-01T00:00:01Z to 2136-02-07T06:28:14Z, and the two
/// distant ones.
struct PackedSeconds: Equatable {
    private static let epoch = Timestamp(seconds: 946_684_800)

    let bits: UInt32

    init(bits: UInt32) { self.bits = bits }

    /// Nil for any other instant.
    init?(_ instant: Timestamp) {
        switch instant {
        case .distantPast: bits = 0
        case .distantFuture: bits = .max
        default:
            guard instant.milliseconds.isMultiple(of: 1000),
                let bits = UInt32(exactly: instant.seconds - Self.epoch.seconds), bits != 0, bits != .max
            else { return nil }
            self.bits = bits
        }
    }

    var instant: Timestamp {
        switch bits {
        case 0: .distantPast
        case .max: .distantFuture
        default: Self.epoch + .seconds(Int64(bits))
        }
    }
}

/// An instant of a seat in 6 bytes: milliseconds up to 4,459 years from 1970, and the two distant ones.
struct PackedMilliseconds: Equatable {
    private static let range: ClosedRange<Int64> = (-1 << 47) + 1...(1 << 47) - 2

    /// 1970-01-01T00:00:00Z.
    static let epoch = PackedMilliseconds(low: 0, high: 0)

    private let low: UInt32
    private let high: Int16

    private init(low: UInt32, high: Int16) {
        self.low = low
        self.high = high
    }

    /// Nil for any other instant.
    init?(_ instant: Timestamp) {
        let number: Int64
        switch instant {
        case .distantPast: number = Self.range.lowerBound - 1
        case .distantFuture: number = Self.range.upperBound + 1
        default:
            guard Self.range.contains(instant.milliseconds) else { return nil }
            number = instant.milliseconds
        }
        low = UInt32(truncatingIfNeeded: number)
        high = Int16(truncatingIfNeeded: number >> 32)
    }

    init(from bytes: inout ByteReader) {
        low = bytes.next()
        high = bytes.next()
    }

    func write(to bytes: inout ByteWriter) {
        bytes.put(low)
        bytes.put(high)
    }

    var instant: Timestamp {
        let number = Int64(high) << 32 | Int64(low)
        if number < Self.range.lowerBound { return .distantPast }
        return number > Self.range.upperBound ? .distantFuture : Timestamp(milliseconds: number)
    }
}
