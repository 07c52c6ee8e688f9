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

    private func files() throws -> [String] { try keys.names.filter { $0.hasPrefix("signing-") } }

    @Test("are two from the first start, one that signs and one that will, both published")
    func firstStart() async throws {
        let house = try await open()
        let records = try await house.licensing.keys.records()
        #expect(records.map(\.state) == [.current, .next])
        #expect(try files() == records.map { "signing-\($0.keyID)" }.sorted())
        for file in try files() { #expect(try keys.permissions(of: file) == 0o600) }
        let published = try LicenseKeySet(jwks: house.licensing.keys.document)
        #expect(published.keyIDs == records.map(\.keyID).sorted())
        #expect(house.licensing.keys.signer.keyID == records[0].keyID)
        #expect(records[0].keyID == SigningKey.keyID(publicKey: records[0].publicKey))
    }

    @Test("sign each token with the current one, and it is named in the token")
    func signs() async throws {
        let house = try await open()
        let answer = try await house.validate(house.acme().key, domain: "example.com")
        let header = String(decoding: try #require(answer.token), as: UTF8.self).split(separator: ".")[0]
        let text = String(decoding: try #require(Base64URL.decode(header)), as: UTF8.self)
        let current = try #require(try await house.licensing.keys.records().first)
        #expect(text == "{\"alg\":\"EdDSA\",\"typ\":\"lic+jwt\",\"kid\":\"\(current.keyID)\"}")
    }

    @Test("are the same after a restart")
    func restart() async throws {
        let house = try await open()
        let before = house.licensing.keys.document
        let tag = house.licensing.keys.documentTag
        try house.database.close()
        let again = try await open()
        #expect(again.licensing.keys.document == before)
        #expect(again.licensing.keys.documentTag == tag)
    }

    @Test("generated later are published at once as ones that will sign")
    func generate() async throws {
        let house = try await open()
        let token = try await house.validate(house.acme().key, domain: "example.com").token
        let (before, tag) = (house.licensing.keys.signer.keyID, house.licensing.keys.documentTag)
        let record = try await house.licensing.keys.generate(dryRun: false, by: house.provenance())
        #expect(record.state == .next)
        #expect(try keys.permissions(of: "signing-\(record.keyID)") == 0o600)
        #expect(try LicenseKeySet(jwks: house.licensing.keys.document).keyIDs.contains(record.keyID))
        #expect(house.licensing.keys.documentTag != tag)
        #expect(house.licensing.keys.signer.keyID == before, "publishing comes long before signing")
        #expect(try house.verify(token, domain: "example.com").product == "whm-panel")
        let events = "SELECT count(*) FROM journal WHERE type = 'signing_key.created' AND subject = "
        #expect(try await house.count(events + "'signing_key:\(record.keyID)'") == 1)
        #expect(try await house.licensing.keys.records().count == 3)
    }

    @Test("as a dry run are neither stored nor written to a file")
    func dryRun() async throws {
        let house = try await open()
        let (document, before) = (house.licensing.keys.document, try files())
        let record = try await house.licensing.keys.generate(dryRun: true, by: house.provenance())
        #expect(record.state == .next)
        #expect(try files() == before)
        #expect(house.licensing.keys.document == document)
        #expect(try await house.licensing.keys.records().count == 2)
    }

    @Test("that could not be recorded leave a file, which stops nothing")
    func generateFails() async throws {
        let house = try await open()
        let document = house.licensing.keys.document
        house.faults.fail(at: .commit)
        await #expect(throws: DatabaseError.self) {
            try await house.licensing.keys.generate(dryRun: false, by: house.provenance())
        }
        house.faults.mend()
        #expect(house.licensing.keys.document == document)
        #expect(try files().count == 3)
        try house.database.close()
        #expect(try await open().licensing.keys.document == document)
    }

    @Test("without their file stop the start, and the file is named", arguments: [0, 1])
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

    @Test("that were retired need no file and sign nothing")
    func retired() async throws {
        let house = try await open()
        let record = try #require(try await house.licensing.keys.records().last)
        try await house.execute("UPDATE signing_keys SET state = 'retired' WHERE state = 'next'")
        try house.database.close()
        try keys.remove("signing-\(record.keyID)")
        let again = try await open()
        #expect(try await again.licensing.keys.records().map(\.state) == [.current, .retired])
        #expect(again.licensing.keys.signer.keyID != record.keyID)
    }

    @Test("of a first start that was killed half-way are taken over by the next one")
    func halfMade() async throws {
        let seed = [UInt8](repeating: 3, count: 32)
        let key = try SigningKey(seed: seed)
        try SecretsDirectory(path: keys.path).create("signing-\(key.keyID)", seed)
        try keys.write("half a line", to: "signing-abcdefgh.new")
        let house = try await open()
        #expect(try await house.licensing.keys.records().map(\.keyID).contains(key.keyID))
        #expect(try await house.licensing.keys.records().count == 2)
    }

    @Test("of which none is current stop the start")
    func noneCurrent() async throws {
        let house = try await open()
        try await house.execute("UPDATE signing_keys SET state = 'retired' WHERE state = 'current'")
        try house.database.close()
        await #expect(throws: DatabaseError.corrupt(detail: "no signing key is current")) { try await open() }
    }

    /// The file of the key at `position` of a house that was opened and closed.
    private func closedHouse(file position: Int) async throws -> String {
        let house = try await open()
        let records = try await house.licensing.keys.records()
        try house.database.close()
        return "signing-\(records[position].keyID)"
    }
}
