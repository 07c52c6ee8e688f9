import LicenseToken
import Testing

@Suite("Lists of revoked licenses")
struct RevocationListTests {
    private func contents(sequence: Int64 = 1, ended: [String] = [], offline: [String] = []) -> RevocationContents {
        RevocationContents(
            issuer: "signet", address: "https://licenses.example.com/r", sequence: sequence, issuedAt: Fixtures.now,
            expiresAt: Fixtures.now + 1000, timeToLiveSeconds: 60, endedActivationIDs: ended,
            revokedOfflineLicenseIDs: offline
        )
    }

    private func list(_ contents: RevocationContents, revoking indices: [Int64] = []) throws -> RevocationList {
        let text = String(
            decoding: try RevocationListSigner(key: Fixtures.key()).sign(contents, revoking: indices), as: UTF8.self)
        return try RevocationList(received: text, keys: Fixtures.verifier().keys, issuer: "signet", at: Fixtures.now)
    }

    @Test("what is signed is read back: exactly the given licenses are revoked", arguments: SeededGenerator.seeds)
    func roundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<20 {
            let indices = (0..<Int.random(in: 0...200, using: &generator)).map { _ in
                Int64.random(in: 0...5000, using: &generator)
            }
            let list = try list(contents(ended: ["act_1"], offline: ["lic_1"]), revoking: indices)
            #expect((0...5100).filter { list.revokes(statusIndex: $0) } == Set(indices).sorted())
            #expect(list.endedActivationIDs == ["act_1"] && list.revokedOfflineLicenseIDs == ["lic_1"])
            #expect(list.address == "https://licenses.example.com/r" && list.timeToLiveSeconds == 60)
        }
        #expect(try !list(contents(), revoking: [0]).revokes(statusIndex: -1))
    }

    @Test("only a list with a higher sequence is newer")
    func sequence() throws {
        let (first, second) = (try list(contents(sequence: 1)), try list(contents(sequence: 2)))
        #expect(first.isNewer(than: nil))
        #expect(second.isNewer(than: first))
        #expect(!first.isNewer(than: second))
        #expect(!first.isNewer(than: first))
    }

    @Test("16,777,216 licenses are signed and read, one more is not signed")
    func limits() throws {
        let last = Int64(RevocationList.listBytesMax) * 8 - 1
        #expect(try list(contents(), revoking: [last]).revokes(statusIndex: last))
        for indices in [[last + 1], [-1]] {
            #expect(throws: RevocationListSigner.Failure.unreadableContents) { try list(contents(), revoking: indices) }
        }
        let names = (0...RevocationList.namesMax).map { "act_\($0)" }
        #expect(try list(contents(ended: Array(names.dropLast()))).endedActivationIDs.count == RevocationList.namesMax)
        #expect(throws: RevocationListSigner.Failure.unreadableContents) { try list(contents(ended: names)) }
        #expect(throws: RevocationListSigner.Failure.unreadableContents) { try list(contents(sequence: -1)) }
    }

    @Test("every flip of a single bit in a list is refused, and a text that is too long is not looked at")
    func bitFlips() throws {
        let keys = try Fixtures.verifier().keys
        let text = try RevocationListSigner(key: Fixtures.key()).sign(contents(), revoking: [17])
        for bit in 0..<text.count * 8 {
            var altered = text
            altered[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: LicenseTokenError.self, "bit \(bit)") {
                try RevocationList(stored: String(decoding: altered, as: UTF8.self), keys: keys)
            }
        }
        let long = String(repeating: "A", count: RevocationList.textBytesMax + 1)
        #expect(throws: LicenseTokenError.self) { try RevocationList(stored: long, keys: keys) }
    }
}
