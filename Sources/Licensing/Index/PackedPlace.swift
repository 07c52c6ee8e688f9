import Primitives
import Secrets

/// A place in 48 bytes:
///
/// | hash of the place | activation | first seen | last seen | sketch | carried | places of its seat | kind and flags |
/// | --- | --- | --- | --- | --- | --- | --- | --- |
/// | 16 | 8 | 6 | 6 | 8 | 2 | 1 | 1 |
///
/// Instants are `PackedMilliseconds`; one with others is kept elsewhere.
struct PackedPlace: PackedFacts {
    static var byteCount: Int { 48 }

    /// The lowest bits are the kind.
    private static let kindBits: UInt8 = 0b11
    private static let touched: UInt8 = 0b100
    private static let elsewhere: UInt8 = 0b1000_0000

    let key: KeyedHash
    private var activation: UInt64 = 0
    private var firstSeen: PackedMilliseconds
    private var lastSeen: PackedMilliseconds
    private var sketch: UInt64 = 0
    private var carried: UInt16 = 0
    private var placesOfSeat: UInt8 = 0
    private var flags = elsewhere

    init(elsewhere key: KeyedHash) {
        self.key = key
        (firstSeen, lastSeen) = (.epoch, .epoch)
    }

    init?(_ facts: PlaceFacts, of key: KeyedHash) {
        guard let firstSeen = PackedMilliseconds(facts.firstSeen), let lastSeen = PackedMilliseconds(facts.lastSeen)
        else { return nil }
        self.key = key
        activation = facts.activation.rawValue
        self.firstSeen = firstSeen
        self.lastSeen = lastSeen
        sketch = facts.sketch
        carried = facts.carried
        placesOfSeat = facts.placesOfSeat
        flags = facts.kind.rawValue & Self.kindBits | (facts.isTouched ? Self.touched : 0)
    }

    init(from bytes: UnsafeRawPointer) {
        key = KeyedHash(from: bytes)
        var bytes = ByteReader(bytes + 16)
        activation = bytes.next()
        firstSeen = PackedMilliseconds(from: &bytes)
        lastSeen = PackedMilliseconds(from: &bytes)
        sketch = bytes.next()
        carried = bytes.next()
        placesOfSeat = bytes.next()
        flags = bytes.next()
    }

    func write(to bytes: UnsafeMutableRawPointer) {
        var bytes = ByteWriter(bytes)
        key.write(to: &bytes)
        bytes.put(activation)
        firstSeen.write(to: &bytes)
        lastSeen.write(to: &bytes)
        bytes.put(sketch)
        bytes.put(carried)
        bytes.put(placesOfSeat)
        bytes.put(flags)
    }

    var facts: PlaceFacts? {
        guard flags & Self.elsewhere == 0 else { return nil }
        guard let kind = SeatKind(rawValue: flags & Self.kindBits) else { preconditionFailure("a seat of no kind") }
        var facts = PlaceFacts(
            activation: ActivationID(rawValue: activation), firstSeen: firstSeen.instant, lastSeen: lastSeen.instant,
            placesOfSeat: Int(placesOfSeat), kind: kind, sketch: sketch, carried: carried)
        facts.isTouched = flags & Self.touched != 0
        return facts
    }
}
