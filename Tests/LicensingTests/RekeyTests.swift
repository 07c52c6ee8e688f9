import Customers
import Database
import LicenseToken
import Primitives
import Secrets
import TestSupport
import Testing

@testable import Licensing

@Suite("A license that gets a new key")
struct RekeyTests {
    private let house: TestHouse
    private let licensing: LicensingService
    /// Turns that a test waits for others to get somewhere.
    private static let patience = 10_000_000

    init() async throws {
        house = try await TestHouse()
        licensing = house.licensing
    }

    @discardableResult
    private func rekey(
        _ license: IssuedLicense, _ overlap: String = "30d", allKeys: Bool = false, dryRun: Bool = false
    ) async throws -> RekeyedLicense {
        try await licensing.rekey(
            license.id, overlap: try #require(KeyOverlap(overlap)), allKeys: allKeys, dryRun: dryRun,
            by: house.provenance(reason: "leaked"))
    }

    private func verdict(_ key: LicenseKey, in service: LicensingService? = nil) async throws -> Verdict {
        try await house.validate(key, domain: "example.com", in: service).verdict
    }

    private func warnings(_ key: LicenseKey) async throws -> [LicenseWarning] {
        try await house.validate(key, domain: "example.com").warnings
    }

    @Test("has two keys until the overlap is over, at which instant the old one is unknown")
    func overlap() async throws {
        let acme = try await house.acme()
        let end = house.clock.now().wholeSeconds + .days(30)
        let new = try await rekey(acme).key
        #expect(new != acme.key)
        #expect(try await verdict(new) == .valid)
        #expect(try await warnings(new) == [])
        #expect(try await warnings(acme.key) == [.keyEnding(at: end)])
        house.clock.set(to: Timestamp(milliseconds: end.milliseconds - 1))
        #expect(try await verdict(acme.key) == .valid)
        house.clock.set(to: end)
        #expect(try await verdict(acme.key) == .notFound)
        #expect(try await verdict(new) == .valid)
        #expect(try await house.used(acme) == 1, "it is the same installation under either key")
        #expect(try await house.inconsistencies() == [])
    }

    @Test("without an overlap has one key, at once, and no token is made anew")
    func atOnce() async throws {
        let acme = try await house.acme()
        let before = try await house.validate(acme.key, domain: "example.com")
        let new = try await rekey(acme, "0").key
        #expect(try await verdict(acme.key) == .notFound)
        let after = try await house.validate(new, domain: "example.com")
        #expect(after.verdict == .valid && after.token == before.token)
        #expect(after.license?.facts.version == before.license?.facts.version)
    }

    @Test("warns those alone that use the old key, also newcomers and those in grace, and nobody it refuses")
    func warned() async throws {
        let license = try await house.issue(
            seats: 1, expires: .through(house.clock.now().date), graceDays: 5)
        let end = house.clock.now().wholeSeconds + .hours(36)
        try await rekey(license, "36h")
        let newcomer = try await house.validate(license.key, domain: "example.com")
        #expect(newcomer.verdict == .valid && newcomer.warnings == [.keyEnding(at: end)])
        let refused = try await house.validate(license.key, domain: "other.example.com")
        #expect(refused.verdict == .activationLimit && refused.warnings == [])
        house.clock.advance(by: .hours(24))
        let graced = try await house.validate(license.key, domain: "example.com")
        #expect(graced.verdict == .expiredGrace && graced.warnings.map(\.code) == ["EXPIRED_GRACE", "KEY_ENDING"])
        #expect(graced.warnings.last?.at == end)
    }

    @Test("is the same for a process that starts later, and what ended long ago is not loaded")
    func restart() async throws {
        let acme = try await house.acme()
        let new = try await rekey(acme, "2d").key
        let started = try await house.secondService()
        let answer = try await house.validate(acme.key, domain: "example.com", in: started)
        #expect(answer.warnings.map(\.code) == ["KEY_ENDING"])
        house.clock.advance(by: .days(2))
        #expect(try await verdict(acme.key, in: started) == .notFound)
        let later = try await house.secondService()
        #expect(try await verdict(acme.key, in: later) == .notFound)
        #expect(try await verdict(new, in: later) == .valid)
        #expect(later.index.sizes.keys == 2)
        house.clock.advance(by: EndingKeys.keptAfterEnd + .seconds(1))
        #expect(try await house.secondService().index.sizes.keys == 1)
    }

    @Test("forgets a key a day after its end, and not before: a clock may be set back")
    func forgetting() async throws {
        let acme = try await house.acme()
        try await rekey(acme, "1h")
        let end = house.clock.now().wholeSeconds + .hours(1)
        house.clock.set(to: end + EndingKeys.keptAfterEnd)
        licensing.forgetEndedKeys(at: house.clock.now())
        #expect(licensing.index.sizes.keys == 2)
        house.clock.set(to: end - .seconds(1))
        #expect(try await verdict(acme.key) == .valid)
        house.clock.set(to: end + EndingKeys.keptAfterEnd + .seconds(1))
        licensing.forgetEndedKeys(at: house.clock.now())
        #expect(licensing.index.sizes.keys == 1)
        #expect(try await verdict(acme.key) == .notFound)
    }

    @Test("twice keeps the first end: a key that was given up lives no longer because of a second change")
    func twice() async throws {
        let acme = try await house.acme()
        let first = try await rekey(acme, "1d").key
        let second = try await rekey(acme, "30d").key
        house.clock.advance(by: .days(1))
        #expect(try await verdict(acme.key) == .notFound)
        #expect(try await verdict(first) == .valid)
        try await rekey(acme, "0")
        #expect(try await verdict(first) == .notFound)
        #expect(try await verdict(second) == .notFound)
    }

    @Test("by two operators at once opens under both new keys, in whatever order they come")
    func atOnceByTwo() async throws {
        // On a disk readers do not wait for the writer.
        let folder = try TemporaryDirectory()
        let house = try await TestHouse(path: folder.path(of: "signet.db"))
        let acme = try await house.acme()
        let gate = await HeldTransaction(in: house.database)
        _ = house.statements.take()
        let (licensing, provenance) = (house.licensing, house.provenance())
        async let first = licensing.rekey(
            acme.id, overlap: .standard, allKeys: false, dryRun: false, by: provenance)
        async let second = licensing.rekey(
            acme.id, overlap: try #require(KeyOverlap("0")), allKeys: false, dryRun: false, by: provenance)
        // Both have read what there is before either writes.
        var reads = 0
        for _ in 0..<Self.patience where reads < 2 {
            reads += house.statements.take().count { $0.contains("FROM license_keys WHERE license_id") }
            await Task.yield()
        }
        gate.open()
        let keys = try await [first.key, second.key]
        #expect(reads == 2)
        for key in keys {
            let answer = try await house.validate(key, domain: "example.com")
            #expect(answer.verdict == .valid && answer.warnings == [])
        }
        #expect(try await house.verdict(acme, "example.com") == .notFound, "the earlier end wins")
        let states = try await licensing.keys(of: acme.id).map { $0.state(at: house.clock.now()) }
        #expect(states == [.live, .live, .ended])
        let third = try await licensing.rekey(
            acme.id, overlap: try #require(KeyOverlap("0")), allKeys: false, dryRun: false, by: provenance
        ).key
        for key in keys {
            #expect(try await house.validate(key, domain: "example.com").verdict == .notFound, "a later one ends both")
        }
        #expect(try await house.validate(third, domain: "example.com").verdict == .valid)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("leaves offline keys as they are, unless all keys are meant")
    func allKeys() async throws {
        let acme = try await house.acme()
        let offline = try await licensing.issueOfflineKey(
            of: acme.id, bound: .unbound, dryRun: false, by: house.provenance()
        ).key
        func offlineVerdict() async throws -> Verdict { try await house.ask(offline.text, domain: "example.com") }
        try await rekey(acme, "0")
        #expect(try await offlineVerdict() == .valid)
        let new = try await rekey(acme, "0", allKeys: true).key
        #expect(try await offlineVerdict() == .notFound)
        #expect(try await verdict(new) == .valid)
    }

    @Test("gets it in the form that its product's keys have now")
    func format() async throws {
        let acme = try await house.acme()
        var change = ProductChange()
        (change.keyGroups, change.keyPrefix) = (.set(5), .set("WHM"))
        _ = try await licensing.updateProduct(
            try Slug("whm-panel", member: "code"), change, dryRun: false, by: house.provenance())
        let key = try await rekey(acme).key
        #expect(key.text.hasPrefix("WHM-") && key.text.split(separator: "-").count == 6)
        #expect(try await verdict(key) == .valid)
        #expect(try await verdict(acme.key) == .valid)
    }

    @Test("is recorded with the last symbols of the keys and no key, in the transaction that does it")
    func journaled() async throws {
        let acme = try await house.acme()
        let rekeyed = try await rekey(acme, "36h")
        let data = try await house.texts("SELECT data FROM journal WHERE type = 'license.rekeyed'")
        let end = (house.clock.now().wholeSeconds + .hours(36)).description
        #expect(
            data == [
                #"{"last4":"\#(rekeyed.key.last4)","replaced":[{"last4":"\#(acme.key.last4)","kind":"native"}],"#
                    + #""overlap_seconds":129600,"valid_until":"\#(end)","reason":"leaked"}"#
            ])
        #expect(rekeyed.record.last4 == rekeyed.key.last4)
        #expect(try await licensing.license(acme.id)?.last4 == rekeyed.key.last4)
    }

    @Test("tries it and changes nothing")
    func dryRun() async throws {
        let acme = try await house.acme()
        let tried = try await rekey(acme, "0", dryRun: true).key
        #expect(try await verdict(acme.key) == .valid)
        #expect(try await warnings(acme.key) == [])
        #expect(try await verdict(tried) == .notFound)
        #expect(try await house.count("SELECT count(*) FROM license_keys") == 1)
    }

    @Test("is refused for a license that is not there or is revoked, and beyond 32 keys that open it")
    func refused() async throws {
        let acme = try await house.acme()
        await #expect(throws: LicensingRefusal.licenseUnknown) {
            try await rekey(IssuedLicense(id: LicenseID(rawValue: 1), key: acme.key))
        }
        for _ in 1..<LicenseKeyStore.liveKeysMax { try await rekey(acme) }
        await #expect(throws: LicenseKeyRefusal.tooManyKeys(max: 32)) { try await rekey(acme) }
        house.clock.advance(by: .days(30))
        try await rekey(acme)
        try await house.execute("UPDATE licenses SET state = 'revoked'")
        await #expect(throws: LicenseKeyRefusal.licenseRevoked) { try await rekey(acme) }
    }

    @Test("whatever fails at whatever point, has its old key or both")
    func faults() async throws {
        let acme = try await house.acme()
        let state = "SELECT hex(key_hash) || coalesce(CAST(valid_until AS TEXT), '-') FROM license_keys"
        let before = try await house.texts(state)
        let faults = try await house.failEverywhere(with: .unavailable(detail: "planned by a test")) {
            try await rekey(acme, "0")
        } afterwards: { () async throws in
            #expect(try await house.texts(state) == before)
            #expect(try await verdict(acme.key) == .valid)
        }
        #expect(faults >= 6, "license, keys, end, key, event, list, and the commit")
        #expect(try await verdict(acme.key) == .notFound)
    }

    @Test("an installation with an ended key counts as a refusal that is explained")
    func explained() async throws {
        let acme = try await house.acme()
        #expect(try await house.ask(acme.key.text, domain: "example.com") == .valid)
        try await rekey(acme, "1h")
        house.clock.advance(by: .hours(1))
        let unaware = try await house.secondService()
        unaware.index.apply([.keyGone(KeyedHashes(pepper: house.secrets.pepper).hash(of: acme.key))])
        for service in [licensing, unaware] {
            #expect(try await house.ask(acme.key.text, domain: "example.com", in: service) == .notFound)
            try await service.storeRefusals(at: house.clock.now())
            #expect(service.statistics.unexplainedInvalid == 0)
        }
    }

    @Test(
        "one that memory lost before its end still counts as lost",
        .enabled(if: !TestDatabase.isShared, "beside other nodes the database is asked for it"))
    func lost() async throws {
        let acme = try await house.acme()
        try await rekey(acme, "1h")
        licensing.index.apply([.keyGone(KeyedHashes(pepper: house.secrets.pepper).hash(of: acme.key))])
        #expect(try await house.ask(acme.key.text, domain: "example.com") == .notFound)
        house.clock.advance(by: .hours(2))
        try await licensing.storeRefusals(at: house.clock.now())
        #expect(licensing.statistics.unexplainedInvalid == 1)
    }

    @Test("a warm check under an ending key runs no SQL")
    func warm() async throws {
        let acme = try await house.acme()
        try await rekey(acme)
        #expect(try await verdict(acme.key) == .valid)
        #expect(try await verdict(acme.key) == .valid)
        _ = house.statements.take()
        #expect(try await warnings(acme.key).map(\.code) == ["KEY_ENDING"])
        #expect(house.statements.take() == [])
    }

    @Test(
        "for as long as is said: days, hours or not at all",
        arguments: [
            ("30d", 2_592_000), ("0", 0), ("0d", 0), ("36h", 129_600), ("366d", 31_622_400), ("8784h", 31_622_400),
            ("367d", nil), ("8785h", nil), ("", nil), ("d", nil), ("30", nil), ("-1d", nil), ("+1d", nil),
            ("1.5d", nil), ("30 d", nil), ("30D", nil), ("99999999999999999999d", nil), ("9223372036854775807h", nil),
        ] as [(String, Int64?)])
    func overlaps(text: String, seconds: Int64?) {
        #expect(KeyOverlap(text)?.seconds == seconds)
        #expect(KeyOverlap(days: 367) == nil && KeyOverlap(days: -1) == nil)
        #expect(KeyOverlap(days: 30) == .standard)
    }
}

@Suite("Licenses that are issued together")
struct BatchTests {
    @Test("are all there or none, whatever fails at whatever point, in the database and in memory")
    func faults() async throws {
        let house = try await TestHouse()
        let new = try NewLicense(
            customer: try await house.customer().id, product: try await house.product(), expiry: .never,
            batch: Slug("reseller-7"))
        let faults = try await house.failEverywhere(with: .unavailable(detail: "planned by a test")) {
            _ = try await house.licensing.issueLicenses(new, count: 3, dryRun: false, by: house.provenance())
        } afterwards: { () async throws in
            #expect(try await house.count("SELECT count(*) FROM licenses") == 0)
            #expect(house.licensing.index.sizes.licenses == 0 && house.licensing.index.sizes.keys == 0)
        }
        #expect(faults >= 3 * 5, "customer, number, license, key and event of each")
        #expect(house.licensing.index.sizes.licenses == 3 && house.licensing.index.sizes.keys == 3)
    }

    @Test("are one transaction")
    func transaction() async throws {
        let house = try await TestHouse()
        let new = try NewLicense(
            customer: try await house.customer().id, product: try await house.product(), expiry: .never)
        _ = house.statements.takeCommits()
        let issued = try await house.licensing.issueLicenses(
            new, count: NewLicense.countMax, dryRun: false, by: house.provenance())
        #expect(house.statements.takeCommits() == 1)
        #expect(Set(issued.map(\.key.text)).count == NewLicense.countMax)
        #expect(issued.map(\.record.license.statusIndex) == Array(0..<Int64(NewLicense.countMax)))
    }
}

@Suite("Keys that are told again")
struct RevealTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    @Test("are those that open the license now, of every kind, each with its end")
    func kinds() async throws {
        let acme = try await house.acme()
        let offline = try await house.licensing.issueOfflineKey(
            of: acme.id, bound: .unbound, dryRun: false, by: house.provenance()
        ).key
        let new = try await house.licensing.rekey(
            acme.id, overlap: .standard, allKeys: false, dryRun: false, by: house.provenance()
        ).key
        let end = house.clock.now().wholeSeconds + .days(30)
        let revealed = try await house.licensing.revealKeys(of: acme.id, by: house.provenance())
        #expect(Set(revealed.map(\.text)) == [acme.key.text, offline.text, new.text])
        #expect(revealed.last?.text == acme.key.text && revealed.last?.record.validUntil == end)
        for key in revealed { #expect(key.text.hasSuffix(key.record.last4) || key.record.kind == .offline) }
        house.clock.set(to: end)
        let later = try await house.licensing.revealKeys(of: acme.id, by: house.provenance())
        #expect(Set(later.map(\.text)) == [offline.text, new.text])
    }

    @Test("are recorded by their last symbols, with who asked and why; the keys themselves are not")
    func journaled() async throws {
        let acme = try await house.acme()
        _ = try await house.licensing.revealKeys(of: acme.id, by: house.provenance(reason: "lost"))
        let events = try await house.texts(
            "SELECT actor || data FROM journal WHERE type = 'license.key_revealed' AND subject = '\(acme.id)'")
        #expect(
            events == [
                #"uid:0/login:1000{"keys":[{"last4":"\#(acme.key.last4)","kind":"native"}],"reason":"lost"}"#
            ])
        #expect(try await house.inconsistencies() == [])
    }

    @Test("are not told when that cannot be recorded")
    func unrecorded() async throws {
        let acme = try await house.acme()
        let faults = try await house.failEverywhere(with: .unavailable(detail: "planned by a test")) {
            _ = try await house.licensing.revealKeys(of: acme.id, by: house.provenance())
        } afterwards: { () async throws in
            #expect(try await house.count("SELECT count(*) FROM journal WHERE type = 'license.key_revealed'") == 0)
        }
        #expect(faults >= 4)
    }

    @Test("of a license that is not there are refused, and a sealed copy of another row does not open")
    func refused() async throws {
        await #expect(throws: LicensingRefusal.licenseUnknown) {
            try await house.licensing.revealKeys(of: LicenseID(rawValue: 1), by: house.provenance())
        }
        let acme = try await house.acme()
        let solo = try await house.solo()
        try await house.execute(
            "UPDATE license_keys SET encrypted = (SELECT encrypted FROM license_keys WHERE license_id <> "
                + "\(acme.id.databaseValue)) WHERE license_id = \(acme.id.databaseValue)")
        await #expect(throws: DatabaseError.self) {
            try await house.licensing.revealKeys(of: acme.id, by: house.provenance())
        }
        let other = try await house.licensing.revealKeys(of: solo.id, by: house.provenance())
        #expect(other.map(\.text) == [solo.key.text])
    }
}
