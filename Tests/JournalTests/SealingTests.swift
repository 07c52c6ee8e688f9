import Secrets
import TestSupport
import Testing

@Suite("Sealed data")
struct SealingTests {
    private let key = SealingKey(secret: [UInt8](repeating: 7, count: 32))
    private let plaintext = [UInt8]("acme@example.com".utf8)

    @Test("opens with its key and its context")
    func opens() {
        #expect(key.open(key.seal(plaintext, context: "a"), context: "a") == plaintext)
        #expect(key.open(key.seal([], context: ""), context: "") == [])
    }

    @Test("opens with no other key, no other context, and after no change of any bit")
    func refuses() {
        let sealed = key.seal(plaintext, context: "a")
        let other = SealingKey(secret: [UInt8](repeating: 8, count: 32))
        #expect(other.open(sealed, context: "a") == nil)
        #expect(key.open(sealed, context: "b") == nil)
        #expect(key.open(sealed, context: "") == nil)
        for position in sealed.indices {
            for bit in 0..<8 {
                var altered = sealed
                altered[position] ^= 1 << bit
                #expect(key.open(altered, context: "a") == nil)
            }
        }
        for length in sealed.indices { #expect(key.open(Array(sealed[..<length]), context: "a") == nil) }
        #expect(key.open(sealed + [0], context: "a") == nil)
    }

    @Test("shows neither what it holds nor that it holds the same twice")
    func reveals() {
        let first = key.seal(plaintext, context: "a")
        #expect(first != key.seal(plaintext, context: "a"))
        #expect(!String(decoding: first, as: UTF8.self).contains("acme"))
    }

    @Test("of a random key opens with the bytes that were handed out")
    func random() {
        let (key, secret) = SealingKey.random()
        #expect(SealingKey(secret: secret).open(key.seal([1], context: "a"), context: "a") == [1])
        #expect(SealingKey.random().secret != secret)
    }
}

@Suite("A keyed hash")
struct PepperTests {
    private let pepper = Pepper(id: 1, secret: [UInt8](repeating: 7, count: 32))

    @Test("depends on the pepper, the purpose and every part")
    func inputs() {
        let hash = pepper.hash(.seat, [1], [2])
        #expect(hash == pepper.hash(.seat, [1], [2]))
        #expect(hash != pepper.hash(.place, [1], [2]))
        #expect(hash != pepper.hash(.licenseKey, [1], [2]))
        #expect(hash != pepper.hash(.seat, [2], [1]))
        #expect(hash != Pepper(id: 1, secret: [UInt8](repeating: 8, count: 32)).hash(.seat, [1], [2]))
    }

    @Test("tells where one part ends and the next begins", arguments: SeededGenerator.seeds)
    func boundaries(seed: UInt64) {
        #expect(pepper.hash(.seat, [1, 2], []) != pepper.hash(.seat, [1], [2]))
        #expect(pepper.hash(.seat, [], [1, 2]) != pepper.hash(.seat, [1, 2]))
        #expect(pepper.hash(.seat) != pepper.hash(.seat, []))
        // A part that looks like the length of the next one, and all two- and three-part cuts of one text.
        #expect(pepper.hash(.seat, [0, 1, 9]) != pepper.hash(.seat, [], [9]))
        var random = SeededGenerator(seed: seed)
        let text = (0..<12).map { _ in UInt8(random.number(0...2)) }
        var seen = Set<KeyedHash>()
        var cuts = 0
        for first in 0...text.count {
            for second in first...text.count {
                let (a, b, c) = (Array(text[..<first]), Array(text[first..<second]), Array(text[second...]))
                seen.insert(pepper.hash(.seat, a, b, c))
                cuts += 1
            }
        }
        #expect(seen.count == cuts)
    }

    @Test("is the first 16 bytes, and comes back from them")
    func bytes() {
        let hash = pepper.hash(.seat, [1])
        #expect(hash.bytes.count == 16)
        #expect(KeyedHash(bytes: hash.bytes) == hash)
        #expect(KeyedHash(bytes: hash.bytes + [9, 9]) == hash)
        #expect(
            KeyedHash(high: 0x0102_0304_0506_0708, low: 9).bytes == [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 9])
    }
}
