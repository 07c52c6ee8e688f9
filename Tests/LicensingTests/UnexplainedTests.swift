import Database
import Primitives
import Secrets
import TestSupport
import Testing

@testable import Licensing

/// The counter that should stay zero: what makes it rise is planted here, behind the service's back.
@Suite("A valid installation that is refused")
struct UnexplainedTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private var count: Int { house.licensing.statistics.unexplainedInvalid }

    private func place(_ license: IssuedLicense, _ domain: String) throws -> KeyedHash {
        let installation = try house.installation(domain: domain)
        return KeyedHashes(pepper: house.secrets.pepper).place(
            license.id, .domain(try CanonicalDomain(domain)), installation.address.network)
    }

    /// A license whose one seat `example.com` holds.
    private func held(expires: Expiry = .never, graceDays: Int = 0) async throws -> IssuedLicense {
        let license = try await house.issue(seats: 1, expires: expires, graceDays: graceDays)
        #expect(try await house.ask(license.key.text, domain: "example.com") == .valid)
        // Taking the seat made a new version; the next answer is under it.
        #expect(try await house.ask(license.key.text, domain: "example.com") == .valid)
        return license
    }

    @Test("is counted, once, when its place vanished without an event")
    func lostPlace() async throws {
        let license = try await held()
        house.licensing.index.apply([.placeGone(try place(license, "example.com"))])
        #expect(try await house.ask(license.key.text, domain: "example.com", activates: false) == .notActivated)
        #expect(count == 1)
        #expect(try await house.ask(license.key.text, domain: "example.com", activates: false) == .notActivated)
        #expect(count == 1, "a change is counted, not each refusal after it")
        #expect(try await house.ask(license.key.text, domain: "other.example.com", activates: false) == .notActivated)
        #expect(count == 1, "one that never was valid is no change")
    }

    @Test("is not refused when only memory lost its place: the database still knows")
    func lostInMemory() async throws {
        let license = try await held()
        house.licensing.index.apply([.placeGone(try place(license, "example.com"))])
        #expect(try await house.ask(license.key.text, domain: "example.com") == .valid)
        #expect(count == 0)
    }

    @Test("is counted when its seat vanished from memory and database without an event")
    func lostSeat() async throws {
        let license = try await held()
        house.licensing.index.apply([.placeGone(try place(license, "example.com"))])
        try await house.execute("DELETE FROM seat_addresses")
        try await house.execute("UPDATE activations SET released_at = 1, released_by = 'nobody', release_kind = 'self'")
        #expect(try await house.ask(license.key.text, domain: "example.com") == .activationLimit)
        #expect(count == 1)
    }

    @Test("is counted when its license changed without a new version")
    func changedInPlace() async throws {
        let license = try await held()
        var changed = try #require(try await house.licensing.license(license.id)).license
        changed.state = .suspended
        house.licensing.index.apply([.license(changed)])
        #expect(try await house.ask(license.key.text, domain: "example.com") == .suspended)
        #expect(count == 1)
    }

    @Test(
        "is counted when memory lost a key that the database has, at the next time refusals are stored",
        .enabled(if: !TestDatabase.isShared, "beside other nodes the database is asked for it"))
    func lostKey() async throws {
        let license = try await held()
        let empty = try await house.secondService()
        let issued = try await house.issue(seats: 1)
        #expect(try await house.ask(issued.key.text, domain: "example.com", in: empty) == .notFound)
        #expect(empty.statistics.unexplainedInvalid == 0)
        try await empty.storeRefusals(at: house.clock.now())
        #expect(empty.statistics.unexplainedInvalid == 1)
        #expect(try await house.ask(license.key.text, domain: "example.com", in: empty) == .valid)
    }

    @Test("is not counted when the key never was one")
    func unknownKey() async throws {
        #expect(try await house.ask("0000-0000-0000-0000", domain: "example.com") == .notFound)
        #expect(try await house.ask("nonsense", domain: "example.com") == .keyMalformed)
        try await house.licensing.storeRefusals(at: house.clock.now())
        #expect(count == 0)
    }

    @Test("is not counted when an event explains it")
    func events() async throws {
        let license = try await held()
        _ = try await house.licensing.release(.all, of: license.id, dryRun: false, by: house.provenance())
        #expect(try await house.ask(license.key.text, domain: "example.com", activates: false) == .notActivated)
        #expect(count == 0)
    }

    @Test("is not counted when the clock explains it")
    func expiry() async throws {
        let license = try await held(expires: .through(house.clock.now().date), graceDays: 1)
        house.clock.advance(by: .hours(13))
        #expect(try await house.ask(license.key.text, domain: "example.com") == .expiredGrace)
        house.clock.advance(by: .hours(24))
        #expect(try await house.ask(license.key.text, domain: "example.com") == .expired)
        #expect(count == 0)
    }

    @Test("is not counted when it asks for another product, or its license was never told valid")
    func otherQuestions() async throws {
        try await house.product("other")
        let license = try await held()
        let request = ValidationRequest(
            licenseKey: license.key.text, installation: try house.installation(domain: "example.com"),
            product: "other", nonce: nil, activates: true)
        try house.licensing.watch.note(
            .productMismatch, of: license.id, request, from: CanonicalAddress(ipv4: 1), at: house.clock.now())
        #expect(count == 0)
    }

    @Test(
        "is explained by a new version, an instant that passed, a place out of use, or the question",
        arguments: [
            // verdict, license version, product version, hours since, expiry and beginning in hours from now
            (Verdict.suspended, 7, 3, 1, nil, nil, true), (.revoked, 7, 3, 0, nil, nil, true),
            (.notActivated, 7, 3, 48, nil, nil, true), (.addressLimit, 7, 3, 1, nil, nil, true),
            (.activationLimit, 7, 3, 1, nil, nil, true), (.expired, 7, 3, 1, -2, nil, true),
            (.notYetValid, 7, 3, 1, nil, 1, true), (.notActivated, 7, 3, -1, nil, nil, true),
            (.suspended, 8, 3, 1, nil, nil, false), (.suspended, 7, 4, 1, nil, nil, false),
            (.notActivated, 7, 3, 49, nil, nil, false), (.expired, 7, 3, 1, 0, nil, false),
            (.expired, 7, 3, 2, -1, nil, false), (.notYetValid, 7, 3, -2, nil, 1, false),
            (.productMismatch, 7, 3, 1, nil, nil, false), (.domainNotAllowed, 7, 3, 1, nil, nil, false),
            (.ipNotAllowed, 7, 3, 1, nil, nil, false), (.versionNotAllowed, 7, 3, 1, nil, nil, false),
            (.notFound, 7, 3, 1, nil, nil, false),
            (.valid, 7, 3, 1, nil, nil, false), (.expiredGrace, 7, 3, 1, nil, nil, false),
        ] as [(Verdict, Int64, Int64, Int, Int?, Int?, Bool)])
    func explanations(
        verdict: Verdict, licenseVersion: Int64, productVersion: Int64, hours: Int, expires: Int?, starts: Int?,
        expected: Bool
    ) throws {
        let now = house.clock.now()
        let license = try License.sample(
            notBefore: starts.map { now + .hours($0) }, expiresAt: expires.map { now + .hours($0) },
            version: licenseVersion, createdAt: now)
        let facts = LicenseFacts(license, policy: PolicyID(position: 0))
        let last = LastValid(licenseVersion: 7, productVersion: 3, at: now - .hours(hours))
        #expect(
            last.isUnexplained(verdict, license: facts, policy: license.policy, productVersion: productVersion, at: now)
                == expected)
    }
}
