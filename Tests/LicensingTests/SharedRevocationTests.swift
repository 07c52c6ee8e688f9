import LicenseToken
import Licensing
import Primitives
import TestSupport
import Testing

/// What one node revokes, in the lists that the others sign.
@Suite("A list of revoked licenses on several nodes", .onSharedDatabase)
struct SharedRevocationTests {
    private let houses: SharedHouses

    init() async throws { houses = try await SharedHouses(2) }

    /// The list of a node, read as installed software reads it, which pinned the keys of `reader`.
    private func list(of node: Int, pinnedOn reader: Int) async throws -> RevocationList {
        let (service, now) = (houses[node].licensing, houses[node].clock.now())
        try await service.revocations.publish(by: houses[node].provenance())
        return try RevocationList(
            received: String(decoding: service.revocations.edition.text, as: UTF8.self),
            keys: LicenseKeySet(jwks: houses[reader].licensing.keys.document(at: now).json), issuer: "signet",
            at: now.seconds)
    }

    private func lists() async throws -> [RevocationList] {
        [try await list(of: 0, pinnedOn: 1), try await list(of: 1, pinnedOn: 0)]
    }

    private func statusIndex(of license: IssuedLicense) async throws -> Int64 {
        try #require(try await houses.first.licensing.license(license.id)).license.statusIndex
    }

    private func revoke(_ license: IssuedLicense, on node: Int) async throws {
        _ = try await houses[node].licensing.change(
            .revoke, of: license.id, dryRun: false, by: houses[node].provenance(reason: "test"))
    }

    @Test("names it on every node under the same number, and no other")
    func everywhere() async throws {
        let (gone, kept) = (try await houses[0].acme(), try await houses[0].solo())
        #expect(try await lists().map(\.sequence) == [0, 0])
        try await revoke(gone, on: 0)
        try await houses.follow(1)
        #expect(try await houses[1].verdict(gone, "a.example.com") == .revoked)
        for list in try await lists() {
            #expect(list.sequence == 1)
            #expect(list.revokes(statusIndex: try await statusIndex(of: gone)))
            #expect(!list.revokes(statusIndex: try await statusIndex(of: kept)))
        }
        #expect(
            try await houses.first.count("SELECT count(*) FROM journal WHERE type = 'revocations.changed'") == 1,
            "what one node numbered is not numbered again")
    }

    @Test("is told to be newer by a node that revoked nothing and has not followed yet")
    func beforeFollowing() async throws {
        let gone = try await houses[0].acme()
        #expect(try await houses[1].verdict(gone, "a.example.com") == .valid)
        let before = try await list(of: 1, pinnedOn: 1)
        try await revoke(gone, on: 0)
        let after = try await list(of: 1, pinnedOn: 0)
        #expect(after.isNewer(than: before))
        #expect(after.revokes(statusIndex: try await statusIndex(of: gone)))
        #expect(houses[1].licensing.revocations.sequence == 1, "as every answer of the node says")
    }

    @Test("of several at once has a number for each content, and ends the same on all nodes")
    func atOnce() async throws {
        var licenses: [IssuedLicense] = []
        for _ in 0..<8 { licenses.append(try await houses[0].solo()) }
        let all = licenses
        let results = await Crowd.run(8) { number in
            try await revoke(all[number], on: number)
            return try await list(of: number, pinnedOn: number)
        }
        for list in try results.map({ try $0.get() }) { #expect((1...8).contains(list.sequence)) }
        let ends = try await lists()
        #expect(ends[0].sequence == ends[1].sequence)
        for license in all {
            let index = try await statusIndex(of: license)
            #expect(ends.allSatisfy { $0.revokes(statusIndex: index) })
        }
    }

    @Test("has the seat whose license file outlives it, whichever node made the file and whichever released it")
    func licenseFiles() async throws {
        let acme = try await houses[0].acme()
        let activation = try #require(try await houses[0].hold("a.example.com", of: acme, days: 30))
        try await houses.follow(1)
        for list in try await lists() { #expect(!list.hasEnded(activationID: activation.description)) }
        try await houses[1].release(.all, of: acme)
        for list in try await lists() { #expect(list.hasEnded(activationID: activation.description)) }
    }
}
