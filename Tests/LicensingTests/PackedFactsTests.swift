import Primitives
import Secrets
import TestSupport
import Testing

@testable import Licensing

@Suite("Packed facts")
struct PackedFactsTests {
    private static let start = ManualClock.start
    private static let id = LicenseID(rawValue: 0xFEDC_BA98_7654_3210)
    private static let hash = KeyedHash(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)

    /// The first and last instants of 4 bytes, and those beside them.
    private static let secondsBegin = Timestamp(seconds: 946_684_800)
    private static let secondsEnd = Timestamp(seconds: 946_684_800 + Int64(UInt32.max))
    /// The same of 6 bytes.
    private static let millisecondsEnd = Timestamp(milliseconds: (1 << 47) - 1)
    private static let millisecondsBegin = Timestamp(milliseconds: -1 << 47)

    static let licenses: [(name: String, facts: LicenseFacts, fits: Bool)] = [
        ("plain", facts(), true),
        ("suspended", facts(state: .suspended), true),
        ("revoked", facts(state: .revoked), true),
        ("all that instants say", facts(notBefore: start, expiresAt: start, paymentGraceUntil: start), true),
        ("first second", facts(notBefore: secondsBegin + .seconds(1)), true),
        ("before the first second", facts(notBefore: secondsBegin), false),
        ("last second", facts(expiresAt: secondsEnd - .seconds(1)), true),
        ("after the last second", facts(expiresAt: secondsEnd), false),
        ("a century ahead", facts(expiresAt: start + .days(Int(Expiry.daysAheadMax))), true),
        ("part of a second", facts(paymentGraceUntil: start + .milliseconds(1)), false),
        ("before 1970", facts(paymentGraceUntil: Timestamp(milliseconds: -1)), false),
        ("no beginning, said so", facts(notBefore: .distantPast), true),
        ("no beginning ever", facts(notBefore: .distantFuture), true),
        ("expired ever", facts(expiresAt: .distantPast), true),
        ("just after the distant past", facts(notBefore: Timestamp(milliseconds: .min + 1)), false),
        ("just before the distant future", facts(expiresAt: Timestamp(milliseconds: .max - 1)), false),
        ("above the limit", facts(overLimitUntil: start), false),
        ("largest product", facts(product: Int64(UInt32.max)), true),
        ("larger product", facts(product: Int64(UInt32.max) + 1), false),
        ("largest numbers", facts(used: .max, policy: .max), true),
        ("largest status index", facts(statusIndex: Int64(UInt32.max)), true),
        ("larger status index", facts(statusIndex: Int64(UInt32.max) + 1), false),
        ("largest version", facts(version: Int64(UInt32.max)), true),
        ("larger version", facts(version: .max), false),
    ]

    @Test("of a license are those that were put in, packed where they fit", arguments: licenses)
    func license(name: String, facts: LicenseFacts, fits: Bool) {
        #expect((PackedLicense(facts, of: facts.id) != nil) == fits)
        for id in [Self.id, LicenseID(rawValue: 0), LicenseID(rawValue: .max)] {
            let facts = Self.with(id, facts)
            var table = FactsTable<PackedLicense>()
            table.put(facts, of: id)
            #expect(table[id] == facts)
        }
    }

    static let places: [(name: String, facts: PlaceFacts, fits: Bool)] = [
        ("plain", place(), true),
        ("staging", place(kind: .staging), true),
        ("file", place(kind: .file), true),
        ("all that numbers hold", place(activation: .max, places: 255, sketch: .max, carried: .max), true),
        ("more places", place(places: 1000), true),
        ("touched", place(isTouched: true), true),
        ("a millisecond", place(firstSeen: start + .milliseconds(1), lastSeen: start + .milliseconds(999)), true),
        ("before 1970", place(firstSeen: Timestamp(milliseconds: -1)), true),
        ("first millisecond", place(firstSeen: millisecondsBegin + .milliseconds(1)), true),
        ("before the first", place(firstSeen: millisecondsBegin), false),
        ("last millisecond", place(lastSeen: millisecondsEnd - .milliseconds(1)), true),
        ("after the last", place(lastSeen: millisecondsEnd), false),
        ("far after it", place(lastSeen: Timestamp(milliseconds: .max - 1), isTouched: true), false),
        ("distant", place(firstSeen: .distantPast, lastSeen: .distantFuture), true),
    ]

    @Test("of a place are those that were put in, packed where they fit", arguments: places)
    func place(name: String, facts: PlaceFacts, fits: Bool) {
        #expect((PackedPlace(facts, of: Self.hash) != nil) == fits)
        for key in [Self.hash, KeyedHash(high: 0, low: 0), KeyedHash(high: .max, low: .max)] {
            var table = FactsTable<PackedPlace>()
            table.put(facts, of: key)
            #expect(table[key] == facts)
        }
    }

    @Test("do not mix with those of their neighbors")
    func neighbors() {
        var licenses = FactsTable<PackedLicense>()
        var places = FactsTable<PackedPlace>()
        for (number, row) in Self.licenses.enumerated() {
            licenses.put(Self.with(LicenseID(rawValue: UInt64(number)), row.facts), of: .init(rawValue: UInt64(number)))
        }
        for (number, row) in Self.places.enumerated() {
            places.put(row.facts, of: KeyedHash(high: 0, low: UInt64(number)))
        }
        for (number, row) in Self.licenses.enumerated() {
            let id = LicenseID(rawValue: UInt64(number))
            #expect(licenses[id] == Self.with(id, row.facts))
        }
        for (number, row) in Self.places.enumerated() {
            #expect(places[KeyedHash(high: 0, low: UInt64(number))] == row.facts)
        }
    }

    @Test("may stop to fit, and fit again, and are gone when they were removed")
    func changes() {
        var table = FactsTable<PackedLicense>()
        for facts in [Self.facts(), Self.facts(overLimitUntil: Self.start), Self.facts(used: 2)] {
            table.put(facts, of: Self.id)
            #expect(table[Self.id] == facts && table.count == 1)
        }
        table.put(Self.facts(overLimitUntil: Self.start), of: Self.id)
        table.remove(Self.id)
        #expect(table[Self.id] == nil && table.count == 0)
        table.put(Self.facts(), of: Self.id)
        #expect(table[Self.id] == Self.facts())
    }

    @Test("take the bytes that the decision counts with")
    func sizes() {
        #expect([PackedKey.byteCount, PackedLicense.byteCount, PackedPlace.byteCount] == [24, 41, 48])
    }
}

extension PackedFactsTests {
    private static func facts(
        product: Int64 = 1, state: License.State = .active, notBefore: Timestamp? = nil, expiresAt: Timestamp? = nil,
        paymentGraceUntil: Timestamp? = nil, overLimitUntil: Timestamp? = nil, used: UInt32 = 1, policy: UInt32 = 3,
        statusIndex: Int64 = 4, version: Int64 = 5
    ) -> LicenseFacts {
        guard let product = ProductID(product) else { preconditionFailure("products are numbered from 1") }
        return LicenseFacts(
            id: id, productID: product, policy: PolicyID(position: policy), state: state, notBefore: notBefore,
            expiresAt: expiresAt, paymentGraceUntil: paymentGraceUntil, overLimitUntil: overLimitUntil,
            used: Int(used), statusIndex: statusIndex, version: version)
    }

    private static func with(_ id: LicenseID, _ facts: LicenseFacts) -> LicenseFacts {
        LicenseFacts(
            id: id, productID: facts.productID, policy: facts.policy, state: facts.state, notBefore: facts.notBefore,
            expiresAt: facts.expiresAt, paymentGraceUntil: facts.paymentGraceUntil,
            overLimitUntil: facts.overLimitUntil, used: Int(facts.used), statusIndex: facts.statusIndex,
            version: facts.version)
    }

    private static func place(
        activation: UInt64 = 9, firstSeen: Timestamp = start, lastSeen: Timestamp = start, places: Int = 1,
        kind: SeatKind = .production, sketch: UInt64 = 1 << 63, carried: UInt16 = 1, isTouched: Bool = false
    ) -> PlaceFacts {
        var facts = PlaceFacts(
            activation: ActivationID(rawValue: activation), firstSeen: firstSeen, lastSeen: lastSeen,
            placesOfSeat: places, kind: kind, sketch: sketch, carried: carried)
        facts.isTouched = isTouched
        return facts
    }
}
