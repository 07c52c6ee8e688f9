import LicenseToken
import Licensing
import Primitives
import TestSupport
import Testing

@Suite("Key sets signed by the root")
struct KeySetPublisherTests {
    private let root: SigningKey

    init() throws {
        var generator = SeededGenerator(seed: 17)
        root = try SigningKey(using: &generator)
    }

    private func sign(_ house: TestHouse, days: Int = 180, by root: SigningKey? = nil) throws -> String {
        try KeySetSigner(root: root ?? self.root).sign(
            house.licensing.keySets.claims(days: days, at: house.clock.now()))
    }

    @discardableResult
    private func publish(
        _ document: String, _ house: TestHouse, root: SigningKey? = nil, replacesRoot: Bool = false,
        dryRun: Bool = false
    ) async throws -> PublishedKeySet {
        try await house.licensing.keySets.publish(
            document, root: (root ?? self.root).publicRecord, replacesRoot: replacesRoot, dryRun: dryRun,
            by: house.provenance())
    }

    private func trusted() throws -> TrustedRoot { try TrustedRoot(jwk: JSONWebKeySet.jwk(root.publicRecord)) }

    private func notices(_ house: TestHouse) -> [KeySetNotice] {
        let now = house.clock.now()
        return house.licensing.keySets.notices(on: house.licensing.keys.schedule(at: now), at: now)
    }

    @Test("are numbered from 1, list what is published, and are served after a restart")
    func published() async throws {
        let house = try await TestHouse()
        #expect(house.licensing.keySets.published == nil)
        let document = try sign(house)
        let set = try await publish(document, house)
        #expect(set.sequence == 1)
        #expect(house.licensing.keySets.published == set)
        #expect(notices(house).isEmpty)
        let accepted = try trusted().accept(document, issuer: "signet", at: house.clock.now().seconds)
        #expect(accepted.keys.keyIDs.count == 2)
        #expect(try await house.secondService().keySets.published == set)
        #expect(try await publish(sign(house), house).sequence == 2)
        #expect(try await house.count("SELECT count(*) FROM journal WHERE type = 'key_set.published'") == 2)
    }

    @Test("let software follow a rotation and a revocation with nothing but the root pinned")
    func story() async throws {
        let house = try await TestHouse()
        let license = try await house.acme()
        try await publish(sign(house), house)
        var held = try trusted().accept(try #require(house.licensing.keySets.published).document, at: now(house))
        let old = try await house.validate(license.key, domain: "example.com").token
        #expect(try verify(old, held, house) == nil)

        house.clock.advance(by: .days(20))
        _ = try await house.licensing.rotateKeys(at: nil, force: false, dryRun: false, by: house.provenance())
        #expect(notices(house) == [.outdated], "the key after the next is in no set yet")
        let fresh = try await house.validate(license.key, domain: "example.com").token
        #expect(try verify(fresh, held, house) == nil, "the held set lists the next key already")

        let first = try #require(held.keys.keyIDs.first { $0 == kid(old) })
        _ = try await house.licensing.revokeKey(
            first, force: false, dryRun: false, by: house.provenance(reason: "stolen"))
        #expect(try verify(old, held, house) == .expired, "the software cannot know yet, but 20 days are over")
        try await publish(sign(house), house)
        held = try trusted().accept(
            try #require(house.licensing.keySets.published).document, over: held, at: now(house))
        #expect(held.sequence == 2 && held.revoked.map(\.keyID) == [first])
        #expect(try verify(old, held, house) == .revokedKey)
        #expect(try verify(fresh, held, house) == nil)
        #expect(notices(house).isEmpty)
    }

    @Test("make a rotation wait until software could learn of the next key from them")
    func listing() async throws {
        let house = try await TestHouse()
        house.clock.advance(by: .days(100))
        try await publish(sign(house), house)
        let rotated = try await house.licensing.rotateKeys(
            at: nil, force: false, dryRun: false, by: house.provenance())
        #expect(rotated.pending(at: house.clock.now())?.signsFrom == house.clock.now() + .days(14))
        house.clock.advance(by: .days(100))
        let reserve = try #require(house.licensing.keys.schedule(at: house.clock.now()).reserves.first)
        await #expect(throws: SigningKeyRefusal.notListed(reserve.keyID)) {
            try await house.licensing.rotateKeys(at: nil, force: false, dryRun: false, by: house.provenance())
        }
    }

    @Test("are refused when keys changed since they were asked for, or their number is taken")
    func outdated() async throws {
        let house = try await TestHouse()
        let early = try sign(house)
        _ = try await house.licensing.publishKey(dryRun: false, by: house.provenance())
        await #expect(throws: SigningKeyRefusal.keySetOutdated) { try await publish(early, house) }
        let (first, second) = (try sign(house), try sign(house, days: 90))
        try await publish(first, house)
        await #expect(throws: SigningKeyRefusal.keySetOutdated) { try await publish(second, house) }
        await #expect(throws: SigningKeyRefusal.keySetOutdated) { try await publish(first, house) }
        #expect(house.licensing.keySets.published?.document == first)
    }

    @Test("are refused when another root signed them, unless it is to replace the earlier one")
    func otherRoot() async throws {
        let house = try await TestHouse()
        try await publish(sign(house), house)
        let other = SigningKey()
        await #expect(throws: SigningKeyRefusal.rootDiffers(root.keyID)) {
            try await publish(sign(house, by: other), house, root: other)
        }
        await #expect(throws: SigningKeyRefusal.self) { try await publish(sign(house, by: other), house) }
        let set = try await publish(sign(house, by: other), house, root: other, replacesRoot: true)
        #expect(house.licensing.keySets.published == set)
    }

    @Test("are refused when they are not good: altered, of another issuer, ended")
    func bad() async throws {
        let house = try await TestHouse()
        let document = try sign(house, days: 1)
        let other = try await TestHouse(
            settings: .init(issuer: "other", defaultProduct: nil, writeQueueMax: 16))
        house.clock.advance(by: .days(1))
        for text in [document, document + "=", "", try sign(other)] {
            let error = await #expect(throws: SigningKeyRefusal.self) { try await publish(text, house) }
            guard case .keySetRefused = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
        #expect(house.licensing.keySets.published == nil)
    }

    @Test("as a dry run are checked and not published")
    func dryRun() async throws {
        let house = try await TestHouse()
        let set = try await publish(sign(house), house, dryRun: true)
        #expect(set.sequence == 1)
        #expect(house.licensing.keySets.published == nil)
        #expect(house.licensing.keys.schedule(at: house.clock.now()).usesRoot == false)
    }

    @Test("warn before they end, and after")
    func ends() async throws {
        let house = try await TestHouse()
        try await publish(sign(house), house)
        house.clock.advance(by: .days(149))
        #expect(notices(house).isEmpty)
        house.clock.advance(by: .days(1))
        #expect(notices(house) == [.expiring])
        house.clock.advance(by: .days(30))
        #expect(notices(house) == [.expired])
    }

    private func now(_ house: TestHouse) -> Int64 { house.clock.now().seconds }

    private func kid(_ token: [UInt8]?) -> String? {
        let header = String(decoding: token ?? [], as: UTF8.self).split(separator: ".").first
        let json = header.flatMap { Base64URL.decode($0) }.flatMap { try? JSONReader.read($0) }
        return json?.objectValue?["kid"]?.stringValue
    }

    /// Why a token is refused under a held set; nil when it is accepted.
    private func verify(
        _ token: [UInt8]?, _ held: SignedKeySet, _ house: TestHouse
    ) throws -> LicenseTokenError.Code? {
        let verifier = LicenseTokenVerifier(keys: held.keys, product: "whm-panel")
        let text = String(decoding: try #require(token), as: UTF8.self)
        do throws(LicenseTokenError) {
            _ = try verifier.verify(LicenseToken(text), for: .init(domain: "example.com"), at: now(house))
            return nil
        } catch { return error.code }
    }
}
