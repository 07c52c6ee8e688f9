import Database
import LicenseToken
import Licensing
import Primitives
import Secrets
import Synchronization
import TestSupport
import Testing

@Suite("Rotating signing keys")
struct KeyRotationTests {
    private let directory: TemporaryDirectory
    private let keys: TemporaryDirectory
    private let clock = ManualClock()

    init() throws {
        directory = try TemporaryDirectory()
        keys = try TemporaryDirectory()
    }

    private func open(passphrase: Passphrase? = nil) async throws -> TestHouse {
        try await TestHouse(path: directory.path(of: "signet.db"), keys: keys, clock: clock, passphrase: passphrase)
    }

    private func schedule(_ house: TestHouse) -> KeySchedule { house.licensing.keys.schedule(at: clock.now()) }

    private func files() throws -> [String] { try keys.names.filter { $0.hasPrefix("signing-") } }

    @discardableResult
    private func rotate(
        _ house: TestHouse, at instant: Timestamp? = nil, force: Bool = false, dryRun: Bool = false
    ) async throws -> KeySchedule {
        try await house.licensing.rotateKeys(at: instant, force: force, dryRun: dryRun, by: house.provenance())
    }

    @discardableResult
    private func revoke(_ house: TestHouse, _ keyID: String, force: Bool = false) async throws -> KeySchedule {
        try await house.licensing.revokeKey(
            keyID, force: force, dryRun: false, by: house.provenance(reason: "stolen"))
    }

    private func keyID(of token: [UInt8]?) throws -> String? {
        let header = String(decoding: try #require(token), as: UTF8.self).split(separator: ".")[0]
        return try JSONReader.read(try #require(Base64URL.decode(header))).objectValue?["kid"]?.stringValue
    }

    @Test("never shows a kid to software that refreshes its keys once in a token life, over two years of rotations")
    func story() async throws {
        let house = try await open()
        let license = try await house.acme()
        var held = house.licensing.keys.document(at: clock.now()).json
        var signers: Set<String> = []
        for day in 0..<730 {
            clock.advance(by: .days(1))
            // Software refreshes on every fourteenth day, the operator rotates on odd ones.
            if day % 14 == 0 { held = house.licensing.keys.document(at: clock.now()).json }
            if day % 97 == 5, schedule(house).pending(at: clock.now()) == nil { try await rotate(house) }
            let token = try await house.validate(license.key, domain: "example.com").token
            signers.insert(try #require(try keyID(of: token)))
            #expect(throws: Never.self) { try house.verify(token, domain: "example.com", keys: held) }
        }
        #expect(signers.count == 9, "the first key and eight rotations")
    }

    @Test("waits for the longest life of any product")
    func longestLife() async throws {
        let house = try await open()
        try await house.product("slow", tokenDays: 60)
        try await house.product("quick", tokenDays: 2)
        let pending = try #require(try await rotate(house).pending(at: clock.now()))
        #expect(pending.signsFrom == ManualClock.start + .days(60))
    }

    @Test("waits for a license that chose a longer life than its product")
    func longestLifeOfALicense() async throws {
        let house = try await open()
        var choice = PolicySettings()
        choice.tokenDays = 45
        _ = try await house.issue(choosing: choice)
        let pending = try #require(try await rotate(house).pending(at: clock.now()))
        #expect(pending.signsFrom == ManualClock.start + .days(45))
    }

    @Test("signs with the next key from its very second, without a restart and without SQL")
    func takesOver() async throws {
        let house = try await open()
        let license = try await house.acme()
        _ = try await house.validate(license.key, domain: "example.com")
        let next = try #require(try await rotate(house).pending(at: clock.now()))
        let before = house.licensing.keys.document(at: clock.now())
        clock.set(to: try #require(next.signsFrom) - .milliseconds(1))
        #expect(try keyID(of: try await house.validate(license.key, domain: "example.com").token) != next.keyID)
        clock.advance(by: .milliseconds(1))
        _ = house.statements.take()
        let token = try await house.validate(license.key, domain: "example.com").token
        #expect(try keyID(of: token) == next.keyID)
        #expect(house.statements.take().isEmpty)
        #expect(house.licensing.keys.document(at: clock.now()).tag != before.tag)
        #expect(try house.verify(token, domain: "example.com", keys: before.json).product == "whm-panel")
    }

    @Test("keeps its schedule over a restart")
    func restart() async throws {
        let house = try await open()
        try await rotate(house)
        let before = schedule(house)
        try house.database.close()
        let again = try await open()
        #expect(schedule(again) == before)
        clock.advance(by: .days(14))
        let current = schedule(again).current(at: clock.now())
        #expect(again.licensing.keys.signer(at: clock.now())?.keyID == current.keyID)
        #expect(current.keyID == before.pending(at: ManualClock.start)?.keyID)
    }

    @Test("as a dry run tells what would be and changes nothing")
    func dryRun() async throws {
        let house = try await open()
        clock.advance(by: .days(1))
        let (before, files) = (schedule(house), try files())
        let tried = try await rotate(house, force: true, dryRun: true)
        #expect(tried.current(at: clock.now()).keyID == before.reserves.first?.keyID)
        #expect(schedule(house) == before)
        #expect(try self.files() == files)
    }

    @Test("that fails at any statement or at its commit leaves the keys as they were, and a later one works")
    func faults() async throws {
        let house = try await open()
        let before = house.licensing.keys.document(at: clock.now())
        try await rotate(house, force: true, dryRun: true)
        let statements = house.faults.mend()
        #expect(statements > 3)
        for point in (1...statements).map(FaultyDriver.Point.statement) + [.commit] {
            house.faults.fail(at: point)
            await #expect(throws: DatabaseError.self) { try await rotate(house, force: true) }
            house.faults.mend()
            #expect(house.licensing.keys.document(at: clock.now()) == before)
        }
        try house.database.close()
        let again = try await open()
        #expect(again.licensing.keys.document(at: clock.now()) == before, "files without a row stop nothing")
        clock.advance(by: .days(1))
        let after = try await rotate(again, force: true)
        #expect(after.current(at: clock.now()).keyID != schedule(house).current(at: ManualClock.start).keyID)
    }

    @Test("at the same moment by two operators is done once")
    func concurrent() async throws {
        let house = try await open()
        let results = await Crowd.run(8) { _ in
            try await house.licensing.rotateKeys(at: nil, force: false, dryRun: false, by: house.provenance())
        }
        #expect(results.filter { (try? $0.get()) != nil }.count == 1)
        #expect(schedule(house).keys.count == 3)
        #expect(try files().count == 3, "and keys that were made for nothing are gone")
    }

    @Test("while installations ask: each token is of the old key or the new one, and verifies")
    func underLoad() async throws {
        let house = try await open()
        let license = try await house.issue(seats: 0)
        _ = try await house.validate(license.key, domain: "example.com")
        clock.advance(by: .days(20))
        let tokens = Mutex<[[UInt8]]>([])
        let results = await Crowd.run(200) { number in
            if number == 100 {
                _ = try await house.licensing.rotateKeys(at: nil, force: false, dryRun: false, by: house.provenance())
            }
            let answer = try await house.validate(license.key, domain: "example.com", nonce: "n\(number)")
            if let token = answer.token { tokens.withLock { $0.append(token) } }
        }
        #expect(results.allSatisfy { (try? $0.get()) != nil })
        let all = tokens.withLock { $0 }
        #expect(all.count == 200)
        for token in all { #expect(throws: Never.self) { try house.verify(token, domain: "example.com") } }
        let used: Set<String> = Set(try all.compactMap { try keyID(of: $0) })
        let published: Set<String> = Set(schedule(house).published(at: clock.now()).map(\.keyID))
        #expect(used.isSubset(of: published))
    }

    // MARK: - Revoking and destroying

    @Test("revoking the current key signs with the next one at once; what it signed verifies nowhere any more")
    func revokeCurrent() async throws {
        let house = try await open()
        let license = try await house.acme()
        let token = try await house.validate(license.key, domain: "example.com").token
        let current = schedule(house).current(at: clock.now()).keyID
        await #expect(throws: SigningKeyRefusal.self) { try await revoke(house, current) }
        try await revoke(house, current, force: true)
        #expect(throws: LicenseTokenError.self) { try house.verify(token, domain: "example.com") }
        let fresh = try await house.validate(license.key, domain: "example.com").token
        #expect(try keyID(of: fresh) != current)
        #expect(try house.verify(fresh, domain: "example.com").product == "whm-panel")
        #expect(schedule(house).revokedKeys.map(\.keyID) == [current])
        try house.database.close()
        let again = try await open()
        #expect(again.licensing.keys.signer(at: clock.now())?.keyID != current)
    }

    @Test("revoking the current key in the moment in which it began to sign hands over all the same")
    func revokeAtOnce() async throws {
        let house = try await open()
        let first = schedule(house).current(at: clock.now()).keyID
        try await rotate(house)
        let after = try await revoke(house, first, force: true)
        #expect(after.current(at: clock.now()).keyID != first)
        #expect(after.current(at: clock.now()).signsFrom == clock.now())
    }

    @Test("destroys a private half only when it is needed no more, and starts without it")
    func destroy() async throws {
        let house = try await open()
        let first = schedule(house).current(at: clock.now()).keyID
        clock.advance(by: .days(14))
        try await rotate(house)
        await #expect(throws: SigningKeyRefusal.stillNeeded(first, .verifying)) {
            try await house.licensing.keys.destroy([first], dryRun: false, by: house.provenance())
        }
        clock.advance(by: .days(120))
        #expect(house.licensing.destroyableKeys(at: clock.now()) == [first])
        _ = try await house.licensing.keys.destroy([first], dryRun: true, by: house.provenance())
        #expect(try files().contains("signing-\(first)"))
        _ = try await house.licensing.keys.destroy([first], dryRun: false, by: house.provenance())
        #expect(try !files().contains("signing-\(first)"))
        #expect(house.licensing.destroyableKeys(at: clock.now()).isEmpty)
        try house.database.close()
        let again = try await open()
        #expect(schedule(again).key(first)?.destroyedAt == clock.now())
    }

    @Test("is told by the journal, step by step")
    func journal() async throws {
        let house = try await open()
        let first = schedule(house).current(at: clock.now()).keyID
        try await rotate(house)
        try await revoke(house, first, force: true)
        let ofFirst = "subject = 'signing_key:\(first)'"
        let sql = "SELECT type || ' ' || subject_version FROM journal WHERE \(ofFirst) ORDER BY sequence"
        #expect(
            try await house.texts(sql) == [
                "signing_key.created 1", "signing_key.scheduled 2", "signing_key.relieved 3", "signing_key.relieved 4",
                "signing_key.revoked 5",
            ])
        let reasons = "SELECT data FROM journal WHERE type = 'signing_key.revoked'"
        #expect(try await house.texts(reasons).first?.contains(#""reason":"stolen""#) == true)
        let versions = """
            SELECT count(*) FROM signing_keys k WHERE version <> (SELECT max(subject_version) FROM journal
            WHERE subject = 'signing_key:' || k.kid)
            """
        #expect(try await house.count(versions) == 0)
    }

    @Test("a signer for a license file is given once its key is recorded to verify as long")
    func fileSigner() async throws {
        let house = try await open()
        let end = clock.now() + .days(365)
        let signer = try await house.licensing.keys.signer(until: end, by: house.provenance())
        _ = try await house.licensing.keys.signer(until: end, by: house.provenance())
        _ = try await house.licensing.keys.signer(until: clock.now() + .days(30), by: house.provenance())
        #expect(schedule(house).key(signer.keyID)?.filesUntil == end)
        #expect(try await house.count("SELECT count(*) FROM journal WHERE type = 'signing_key.extended'") == 1)
        try await rotate(house, force: true)
        clock.set(to: end + .days(29))
        #expect(schedule(house).published(at: clock.now()).map(\.keyID).contains(signer.keyID))
    }

    // MARK: - Sealed files

    private static let passphrase = try? Passphrase("correct horse battery staple")

    @Test("makes sealed files once a passphrase is set, opens both kinds, and seals those that were there")
    func sealed() async throws {
        let house = try await open()
        try house.database.close()
        clock.advance(by: .days(1))
        let sealing = try await open(passphrase: Self.passphrase)
        try await rotate(sealing, force: true)
        #expect(try boxes().count == 1)
        let sealedNow = try await sealing.licensing.keys.rewriteFiles(
            sealed: true, dryRun: false, by: sealing.provenance())
        #expect(sealedNow.count == 2)
        #expect(try boxes().count == 3)
        let published = sealing.licensing.keys.document(at: clock.now())
        try sealing.database.close()
        clock.advance(by: .seconds(1))
        let again = try await open(passphrase: Self.passphrase)
        #expect(again.licensing.keys.document(at: clock.now()).json == published.json)
        let opened = try await again.licensing.keys.rewriteFiles(
            sealed: false, dryRun: false, by: again.provenance())
        #expect(opened.count == 3)
        #expect(try boxes().isEmpty)
        for file in try files() { #expect(try keys.permissions(of: file) == 0o600) }
    }

    @Test("sealed under a passphrase do not start without it, or with another, and the file is named")
    func wrongPassphrase() async throws {
        let house = try await open(passphrase: Self.passphrase)
        let first = schedule(house).current(at: clock.now()).keyID
        try house.database.close()
        let path = keys.path(of: "signing-\(first)")
        #expect(try boxes().count == 2)
        await #expect(throws: SecretsError.sealed(path: path)) { try await open() }
        let other = try Passphrase("another passphrase")
        let refusal = await #expect(throws: SecretsError.self) { try await open(passphrase: other) }
        #expect(refusal?.description.contains(path) == true)
        #expect(refusal?.description.contains("passphrase is wrong") == true)
    }

    @Test("sealed do not open under another file's name")
    func movedFile() async throws {
        let house = try await open(passphrase: Self.passphrase)
        try house.database.close()
        let names = try files()
        try keys.remove(names[0])
        try keys.write(String(decoding: try keys.contents(of: names[1]), as: UTF8.self), to: names[0])
        await #expect(throws: SecretsError.self) { try await open(passphrase: Self.passphrase) }
    }

    @Test("are not sealed without a passphrase")
    func noPassphrase() async throws {
        let house = try await open()
        await #expect(throws: SigningKeyRefusal.noPassphrase) {
            try await house.licensing.keys.rewriteFiles(sealed: true, dryRun: false, by: house.provenance())
        }
    }

    private func boxes() throws -> [String] {
        try files().filter { PassphraseBox.isBox(String(decoding: try keys.contents(of: $0), as: UTF8.self)) }
    }
}
