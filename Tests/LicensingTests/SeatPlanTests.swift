import Licensing
import Primitives
import Secrets
import TestSupport
import Testing

@Suite("The plan for a newcomer's seat")
struct SeatPlanTests {
    private static let now = ManualClock.start

    @Test("confirms, joins or takes", arguments: TextTable("seats.txt").rows)
    func decision(row: TextTable.Row) throws {
        let decision = SeatPlan.decide(
            key(try #require(row["place"].first)), among: try seats(row["seats"]),
            addressesPerSeat: try #require(Int(row["limit"])), at: Self.now)
        #expect(text(of: decision) == row["decision"])
    }

    @Test("never fills a seat beyond its addresses, and never drops one that is live", arguments: SeededGenerator.seeds)
    func property(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<5000 {
            let limit = random.number(1...4)
            let seats = Self.randomSeats(limit: limit, using: &random)
            let asked = key(random.pick(Array("abcdefghijklx")))
            let decision = SeatPlan.decide(asked, among: seats, addressesPerSeat: limit, at: Self.now)
            switch decision {
            case .confirm(let seat):
                try #require(seat.places.contains { $0.key == asked })
            case .join(let seat, let dropping):
                let kept = seat.places.filter { !dropping.contains($0.key) && $0.key != asked }
                try #require(kept.count < limit, "\(seats)")
                let dropped = seat.places.filter { dropping.contains($0.key) }
                try #require(dropped.count == dropping.count && dropped.allSatisfy { Self.isDead($0) })
            case .take(let ordinal, _):
                try #require(!seats.contains { $0.ordinal == ordinal } && ordinal >= 1)
                try #require(seats.allSatisfy { $0.places.count { !Self.isDead($0) && $0.key != asked } >= limit })
            }
        }
    }

    private static func isDead(_ place: SeatPlan.HeldSeat.Place) -> Bool { now - place.lastSeen > .hours(48) }

    private static func randomSeats(limit: Int, using random: inout SeededGenerator) -> [SeatPlan.HeldSeat] {
        var letters = Array("abcdefghijkl").shuffled(using: &random)
        var ordinals = Array(Int64(1)...6).shuffled(using: &random)
        return (0..<random.number(0...3)).map { _ in
            let places = (0..<random.number(0...limit)).map { _ in
                SeatPlan.HeldSeat.Place(
                    key: KeyedHash(high: 0, low: UInt64(letters.removeLast().asciiValue ?? 0)),
                    lastSeen: now - .minutes(random.pick([0, 60, 2880, 2881, 9999])))
            }
            return SeatPlan.HeldSeat(
                id: .random(), ordinal: ordinals.removeLast(), firstSeen: now - .days(9), places: places)
        }.sorted { $0.ordinal < $1.ordinal }
    }

    private func key(_ letter: Character) -> KeyedHash { KeyedHash(high: 0, low: UInt64(letter.asciiValue ?? 0)) }

    private func letter(_ key: KeyedHash) -> String { String(UnicodeScalar(UInt8(key.low))) }

    /// `1 a0 b48+ ; 2 c1` as seats.
    private func seats(_ text: String) throws -> [SeatPlan.HeldSeat] {
        try text.split(separator: ";").map { seat in
            let words = seat.split(separator: " ")
            let places = try words.dropFirst().map { word in
                let age = try #require(Int(word.dropFirst().filter { $0 != "+" }))
                let moment: Duration = word.hasSuffix("+") ? .milliseconds(1) : .zero
                return SeatPlan.HeldSeat.Place(
                    key: key(try #require(word.first)), lastSeen: Self.now - .hours(age) - moment)
            }
            let ordinal = try #require(words.first.flatMap { Int64($0) })
            return SeatPlan.HeldSeat(
                id: ActivationID(rawValue: UInt64(ordinal)), ordinal: ordinal, firstSeen: Self.now - .days(99),
                places: places)
        }
    }

    private func text(of decision: SeatPlan.Decision) -> String {
        switch decision {
        case .confirm(let seat): "confirm \(seat.ordinal)"
        case .join(let seat, let dropping):
            (["join \(seat.ordinal)"] + (dropping.isEmpty ? [] : ["dropping"]) + dropping.map(letter))
                .joined(separator: " ")
        case .take(let ordinal, let leaving):
            "take \(ordinal)" + (leaving.map { " leaving \($0.ordinal)" } ?? "")
        }
    }
}
