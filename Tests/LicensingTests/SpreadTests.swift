import Licensing
import Primitives
import TestSupport
import Testing

@Suite("The sketch of networks")
struct SpreadTests {
    @Test("counts a few exactly and many about", arguments: SeededGenerator.seeds)
    func estimate(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for count in [0, 1, 2, 5, 20, 60] {
            var estimates = 0
            for _ in 0..<50 {
                var sketch = SpreadSketch.empty
                for _ in 0..<count {
                    let address = CanonicalAddress(ipv4: UInt32.random(in: 0x0B00_0000...0x63FF_FFFF, using: &random))
                    sketch = sketch.union(SpreadSketch(of: address))
                }
                estimates += sketch.estimate
            }
            let mean = Double(estimates) / 50
            #expect(abs(mean - Double(count)) <= Double(count) * 0.15 + 0.2, "\(count): \(mean)")
        }
        #expect(SpreadSketch(bits: .max).estimate == 267)
    }

    @Test("takes the addresses of an IPv6 /64, and all that are not global, for one")
    func networks() throws {
        func sketch(_ text: String) throws -> SpreadSketch {
            let address = try #require(CanonicalAddress(text))
            return SpreadSketch(of: address)
        }
        #expect(try sketch("2001:db8:1:2::1") == sketch("2001:db8:1:2:ffff::9"))
        #expect(try sketch("10.0.0.1") == sketch("192.168.7.7"))
        #expect(try sketch("203.0.113.7") == sketch("::ffff:203.0.113.7"))
        #expect(SpreadSketch(of: nil) == .empty)
    }

    @Test("is kept by seat and day beside the time of last use, without a statement on the way")
    func kept() async throws {
        let house = try await TestHouse()
        let (cloned, honest) = (try await house.solo(), try await house.solo())
        for license in [cloned, honest] { #expect(try await house.verdict(license, "example.com") == .valid) }
        _ = house.statements.take()
        for day in 0..<3 {
            for number in 0..<30 {
                let peer = "198.\(51 + day).100.\(number)"
                #expect(try await house.validate(cloned.key, domain: "example.com", peer: peer).verdict == .valid)
                #expect(
                    try await house.validate(honest.key, domain: "example.com", peer: "192.0.2.1").verdict == .valid)
            }
            house.clock.advance(by: .minutes(1))
            #expect(house.statements.take() == [])
            try await house.licensing.storeLastSeen()
            house.clock.advance(by: .days(1))
            _ = house.statements.take()
        }
        #expect(try await house.count("SELECT count(*) FROM seat_spread") == 6)
        let ranked = try await house.licensing.spread(at: house.clock.now())
        #expect(ranked.map(\.license) == [cloned.id, honest.id])
        #expect(ranked[0].networks > 40 && ranked[1].networks == 1)
        house.clock.advance(by: .days(40))
        try await house.keepSeats()
        #expect(try await house.count("SELECT count(*) FROM seat_spread") == 0)
    }
}
