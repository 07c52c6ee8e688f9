import Database
import LicenseToken
import Licensing
import Primitives
import Secrets
import TestSupport
import Testing

@Suite("The signing keys")
struct SigningKeyRingTests {
    private let directory: TemporaryDirectory
    private let keys: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        keys = try TemporaryDirectory()
    }

    private func open() async throws -> TestHouse {
        try await TestHouse(path: directory.path(of: "signet.db"), keys: keys)
    }

    /// The published keys of a house, the one that signs first.
    private func published(_ house: TestHouse) -> [SigningKeyRecord] {
        house.licensing.keys.schedule(at: house.clock.now()).published(at: house.clock.now())
    }

    private func states(_ house: TestHouse) -> [SigningKeyRecord.State] {
        let (schedule, now) = (house.licensing.keys.schedule(at: house.clock.now()), house.clock.now())
        return published(house).map { schedule.state(of: $0, at: now) }
    }

    private func document(_ house: TestHouse) -> SigningKeyRing.Document {
        house.licensing.keys.document(at: house.clock.now())
    }

    private func files() throws -> [String] { try keys.names.filter { $0.hasPrefix("signing-") } }

    @Test("are two from the first start, one that signs and one that will, both published")
    func firstStart() async throws {
        let house = try await open()
        let records = published(house)
        #expect(states(house) == [.current, .next])
        #expect(try files() == records.map { "signing-\($0.keyID)" }.sorted())
        for file in try files() { #expect(try keys.permissions(of: file) == 0o600) }
        let published = try LicenseKeySet(jwks: document(house).json)
        #expect(published.keyIDs == records.map(\.keyID).sorted())
        #expect(house.licensing.keys.signer(at: house.clock.now())?.keyID == records[0].keyID)
        #expect(records[0].keyID == SigningKey.keyID(publicKey: records[0].publicKey))
    }

    @Test("sign each token with the current one, and it is named in the token")
    func signs() async throws {
        let house = try await open()
        let answer = try await house.validate(house.acme().key, domain: "example.com")
        let header = String(decoding: try #require(answer.token), as: UTF8.self).split(separator: ".")[0]
        let text = String(decoding: try #require(Base64URL.decode(header)), as: UTF8.self)
        let current = try #require(published(house).first)
        #expect(text == "{\"alg\":\"EdDSA\",\"typ\":\"lic+jwt\",\"kid\":\"\(current.keyID)\"}")
    }

    @Test("are the same after a restart")
    func restart() async throws {
        let house = try await open()
        let before = document(house)
        try house.database.close()
        #expect(document(try await open()) == before)
    }

    @Test("generated later are published at once as ones that will sign")
    func generate() async throws {
        let house = try await open()
        let token = try await house.validate(house.acme().key, domain: "example.com").token
        let (before, tag) = (house.licensing.keys.signer(at: house.clock.now())?.keyID, document(house).tag)
        let record = try await house.licensing.publishKey(dryRun: false, by: house.provenance()).key
        #expect(states(house) == [.current, .next, .next])
        #expect(try keys.permissions(of: "signing-\(record.keyID)") == 0o600)
        #expect(try LicenseKeySet(jwks: document(house).json).keyIDs.contains(record.keyID))
        #expect(document(house).tag != tag)
        #expect(
            house.licensing.keys.signer(at: house.clock.now())?.keyID == before, "publishing comes long before signing")
        #expect(try house.verify(token, domain: "example.com").product == "whm-panel")
        let events = "SELECT count(*) FROM journal WHERE type = 'signing_key.created' AND subject = "
        #expect(try await house.count(events + "'signing_key:\(record.keyID)'") == 1)
        #expect(published(house).count == 3)
    }

    @Test("as a dry run are neither stored nor written to a file")
    func dryRun() async throws {
        let house = try await open()
        let (published, before) = (document(house), try files())
        let (record, schedule) = try await house.licensing.publishKey(dryRun: true, by: house.provenance())
        #expect(schedule.state(of: record, at: house.clock.now()) == .next)
        #expect(try files() == before)
        #expect(document(house) == published)
        #expect(self.published(house).count == 2)
    }

    @Test("that could not be recorded leave a file, which stops nothing")
    func generateFails() async throws {
        let house = try await open()
        let published = document(house)
        house.faults.fail(at: .commit)
        await #expect(throws: DatabaseError.self) {
            try await house.licensing.publishKey(dryRun: false, by: house.provenance())
        }
        house.faults.mend()
        #expect(document(house) == published)
        #expect(try files().count == 3)
        try house.database.close()
        #expect(document(try await open()) == published)
    }

    /// Beside other nodes the second, which has no time yet, may still be on its way (NodeKeysTests).
    @Test("without their file stop the start, and the file is named", arguments: TestDatabase.isShared ? [0] : [0, 1])
    func missing(position: Int) async throws {
        let file = try await closedHouse(file: position)
        try keys.remove(file)
        await #expect(throws: SecretsError.missing(path: keys.path(of: file))) { try await open() }
        #expect(try files().count == 1, "no other is made in its place")
    }

    @Test("whose file holds another key stop the start, and the file is named", arguments: [0, 1])
    func wrong(position: Int) async throws {
        let file = try await closedHouse(file: position)
        try keys.remove(file)
        try SecretsDirectory(path: keys.path).create(file, [UInt8](repeating: 9, count: 32))
        await #expect(throws: SecretsError.wrong(path: keys.path(of: file))) { try await open() }
    }

    @Test("that others may read stop the start, and the file is named")
    func readableByOthers() async throws {
        let file = try await closedHouse(file: 1)
        try keys.setPermissions(0o640, of: file)
        await #expect(throws: SecretsError.readableByOthers(path: keys.path(of: file))) { try await open() }
    }

    @Test("that only verify, or were retired, need no file")
    func retired() async throws {
        let house = try await open()
        let first = try #require(published(house).first)
        house.clock.advance(by: .days(30))
        _ = try await house.licensing.rotateKeys(at: nil, force: false, dryRun: false, by: house.provenance())
        try keys.remove("signing-\(first.keyID)")
        try house.database.close()
        for (days, states) in [(31, [.current, .next, .verifying]), (400, [.current, .next])]
            as [(Int, [SigningKeyRecord.State])]
        {
            let clock = ManualClock(ManualClock.start + .days(days))
            let again = try await TestHouse(path: directory.path(of: "signet.db"), keys: keys, clock: clock)
            #expect(self.states(again) == states)
            #expect(again.licensing.keys.signer(at: clock.now())?.keyID != first.keyID)
            try again.database.close()
        }
    }

    @Test("of a first start that was killed half-way are taken over by the next one")
    func halfMade() async throws {
        let seed = [UInt8](repeating: 3, count: 32)
        let key = try SigningKey(seed: seed)
        try SecretsDirectory(path: keys.path).create("signing-\(key.keyID)", seed)
        try keys.write("half a line", to: "signing-abcdefgh.new")
        let house = try await open()
        #expect(published(house).map(\.keyID).contains(key.keyID))
        #expect(published(house).count == 2)
    }

    @Test("of which none is current stop the start")
    func noneCurrent() async throws {
        let house = try await open()
        try await house.execute("UPDATE signing_keys SET signs_from = NULL")
        try house.database.close()
        await #expect(throws: DatabaseError.corrupt(detail: "no signing key is current")) { try await open() }
    }

    /// The file of the key at `position` of a house that was opened and closed.
    private func closedHouse(file position: Int) async throws -> String {
        let house = try await open()
        let records = published(house)
        try house.database.close()
        return "signing-\(records[position].keyID)"
    }
}
