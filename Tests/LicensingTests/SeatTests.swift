import Database
import LicenseToken
import Licensing
import Primitives
import TestSupport
import Testing

@Suite("A seat")
struct SeatTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    @Test("is taken by the first call, and stored before the answer")
    func firstCall() async throws {
        let acme = try await house.acme()
        let answer = try await house.validate(acme.key, domain: "example.com", peer: "198.51.100.1")
        #expect(answer.verdict == .valid)
        let place = try #require(answer.seat?.place)
        #expect(place.firstSeen == ManualClock.start)
        #expect(answer.license?.facts.used == 1)
        let row = try await house.texts(
            """
            SELECT domain || '|' || s.network || '|' || address || '|' || peer || '|' || ordinal
            FROM activations a JOIN seat_addresses s ON s.activation_id = a.id
            WHERE a.id = \(place.activation.databaseValue)
            """)
        #expect(row == ["example.com|203.0.113.7/32|203.0.113.7|198.51.100.1|1"])
        #expect(try await house.used(acme) == 1)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("once held is confirmed without a single statement, however often")
    func repeats() async throws {
        let acme = try await house.acme()
        let first = try await house.validate(acme.key, domain: "example.com")
        _ = house.statements.take()
        for _ in 0..<20 {
            house.clock.advance(by: .minutes(7))
            let again = try await house.validate(acme.key, domain: "example.com")
            #expect(again.verdict == .valid)
            #expect(again.seat?.place?.activation == first.seat?.place?.activation)
            #expect(again.seat?.place?.firstSeen == ManualClock.start)
        }
        #expect(try await house.verdict(acme, "EXAMPLE.com.") == .valid)
        #expect(house.statements.take() == [])
        // The recorder is not deaf: a newcomer is heard.
        #expect(try await house.verdict(acme, "example.net") == .valid)
        #expect(house.statements.take().contains { $0.contains("INSERT INTO activations") })
    }

    @Test("is answered without a statement also where the answer is a refusal that memory knows")
    func refusalsFromMemory() async throws {
        let lapsed = try await house.lapsed()
        let acme = try await house.acme()
        _ = house.statements.take()
        #expect(try await house.verdict(lapsed, "example.com") == .expired)
        #expect(try await house.verdict(acme, "example.com", activates: false) == .notActivated)
        #expect(
            try await house.validate(acme.key, domain: "example.com", product: "no-such").verdict == .productMismatch)
        var random = SeededGenerator(seed: 3)
        let unknown = LicenseKey(using: &random)
        #expect(try await house.validate(unknown, domain: "example.com").verdict == .notFound)
        #expect(house.statements.takeWhereAlone() == [])
    }

    @Test("at the limit is refused to a newcomer, and those who are in stay in")
    func limit() async throws {
        let acme = try await house.acme()
        let domains = ["a.example.com", "b.example.com", "c.example.com"]
        for domain in domains { #expect(try await house.verdict(acme, domain) == .valid) }
        #expect(try await house.verdict(acme, "d.example.com") == .activationLimit)
        for domain in domains { #expect(try await house.verdict(acme, domain) == .valid) }
        #expect(try await house.used(acme) == 3)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("has no limit when the license has none")
    func unlimited() async throws {
        let license = try await house.issue(seats: 0)
        for number in 0..<40 { #expect(try await house.verdict(license, "s\(number).example.com") == .valid) }
        #expect(try await house.used(license) == 40)
    }

    @Test("of one license is nothing to another")
    func perLicense() async throws {
        let (solo, other) = (try await house.solo(), try await house.solo())
        let first = try await house.validate(solo.key, domain: "example.com")
        let second = try await house.validate(other.key, domain: "example.com")
        #expect([first.verdict, second.verdict] == [.valid, .valid])
        #expect(first.seat?.place?.activation != second.seat?.place?.activation)
    }

    @Test("is not taken by a look", arguments: [nil, "example.com"])
    func look(domain: String?) async throws {
        let acme = try await house.acme()
        let installation = try domain.map { try house.installation(domain: $0) }
        let request = ValidationRequest(
            licenseKey: acme.key.text, installation: installation, product: nil, nonce: nil, activates: false)
        let answer = try await house.licensing.validator.answer(request, by: house.provenance())
        #expect(answer.verdict == (domain == nil ? .valid : .notActivated))
        #expect(answer.seat == nil && answer.token == nil)
        #expect(try await house.count("SELECT count(*) FROM activations") == 0)
    }

    @Test("belongs to the domain, whatever way it is spelled")
    func spellings() async throws {
        let solo = try await house.solo()
        let spellings = [
            "example.com", "Example.COM", "example.com.", "https://www.example.com:8443/x", " example.com ",
        ]
        var activations = Set<ActivationID?>()
        for spelling in spellings {
            activations.insert(try await house.validate(solo.key, domain: spelling).seat?.place?.activation)
        }
        #expect(activations.count == 1 && !activations.contains(nil))
        #expect(try await house.verdict(solo, "shop.example.com") == .activationLimit)
    }

    @Test("belongs to the identifier of an installation that has no domain")
    func installationID() async throws {
        let solo = try await house.solo()
        let id = "6f1c2a9e-0001-4c5e-9d1f-5a7a0c9b7e11"
        let first = try await house.validate(solo.key, installationID: id)
        let again = try await house.validate(solo.key, installationID: id)
        #expect(first.verdict == .valid)
        #expect(again.seat?.place?.activation == first.seat?.place?.activation)
        #expect(
            try await house.validate(solo.key, installationID: id.uppercased()).verdict == .activationLimit,
            "identifiers are compared as they are")
        #expect(try await house.texts("SELECT installation_id FROM activations WHERE domain IS NULL") == [id])
        let token = try #require(first.token)
        let license = try house.verify(token, installationID: id)
        #expect(license.binding == .installation)
        #expect(license.domain == nil)
    }

    @Test("is not confused with that of a name that equals an identifier")
    func identifierOrDomain() async throws {
        let acme = try await house.acme()
        let byName = try await house.validate(acme.key, domain: "example.com")
        let byIdentifier = try await house.validate(acme.key, installationID: "example.com")
        #expect(byName.seat?.place?.activation != byIdentifier.seat?.place?.activation)
        #expect(try await house.used(acme) == 2)
    }

    @Test("belongs to the domain when an identifier comes along")
    func both() async throws {
        let solo = try await house.solo()
        let first = try await house.validate(solo.key, domain: "example.com", installationID: "install-0001")
        let moved = try await house.validate(solo.key, domain: "example.com", installationID: "install-0002")
        #expect(moved.seat?.place?.activation == first.seat?.place?.activation)
    }
}

@Suite("The addresses of a seat")
struct SeatAddressTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private func verdicts(_ license: IssuedLicense, _ addresses: [String]) async throws -> [Verdict] {
        var verdicts: [Verdict] = []
        for address in addresses { verdicts.append(try await house.verdict(license, "example.com", ip: address)) }
        return verdicts
    }

    private static let three = ["198.51.100.1", "198.51.100.2", "198.51.100.3"]
    private static let fourth = "198.51.100.4"

    @Test("are one activation up to three")
    func three() async throws {
        let solo = try await house.solo()
        #expect(try await verdicts(solo, Self.three + Self.three) == Array(repeating: .valid, count: 6))
        #expect(try await house.used(solo) == 1)
        #expect(try await house.count("SELECT count(*) FROM seat_addresses") == 3)
    }

    @Test("and one live address more take a further seat while one is free")
    func fourthTakesASeat() async throws {
        let acme = try await house.acme()
        #expect(try await verdicts(acme, Self.three + [Self.fourth]) == Array(repeating: .valid, count: 4))
        #expect(try await house.used(acme) == 2)
        let ordinals = try await house.texts("SELECT CAST(ordinal AS TEXT) FROM activations ORDER BY ordinal")
        #expect(ordinals == ["1", "2"])
        #expect(try await house.inconsistencies() == [])
    }

    @Test("and one live address more are too many when no seat is free, for that newcomer only")
    func addressLimit() async throws {
        let solo = try await house.solo()
        _ = try await verdicts(solo, Self.three)
        #expect(try await house.verdict(solo, "example.com", ip: Self.fourth) == .addressLimit)
        #expect(try await verdicts(solo, Self.three) == Array(repeating: .valid, count: 3))
        #expect(try await house.verdict(solo, "example.net") == .activationLimit)
    }

    @Test("make room for a new one after 48 hours of silence, and not before")
    func aging() async throws {
        let solo = try await house.solo()
        _ = try await verdicts(solo, Self.three)
        house.clock.advance(by: .hours(47))
        #expect(try await verdicts(solo, [Self.three[0], Self.three[1]]) == [.valid, .valid])
        house.clock.advance(by: .hours(1))
        #expect(try await house.verdict(solo, "example.com", ip: Self.fourth) == .addressLimit, "48 hours: still live")
        house.clock.advance(by: .minutes(2))
        #expect(try await house.verdict(solo, "example.com", ip: Self.fourth) == .valid)
        let stored = try await house.texts("SELECT address FROM seat_addresses ORDER BY address")
        #expect(stored == [Self.three[0], Self.three[1], Self.fourth])
        #expect(try await house.used(solo) == 1)
        #expect(try await house.verdict(solo, "example.com", ip: Self.three[2]) == .addressLimit, "it lost its place")
    }

    @Test("that memory alone saw lately are live for the database too")
    func memoryKnowsBetter() async throws {
        let solo = try await house.solo()
        _ = try await verdicts(solo, Self.three)
        for _ in 0..<10 {
            house.clock.advance(by: .hours(24))
            _ = try await verdicts(solo, Self.three)
        }
        #expect(try await house.count("SELECT max(last_seen) FROM seat_addresses") == ManualClock.start.milliseconds)
        #expect(try await house.verdict(solo, "example.com", ip: Self.fourth) == .addressLimit)
    }

    @Test("that were silent keep their place while nobody needs it")
    func silentButIn() async throws {
        let solo = try await house.solo()
        _ = try await verdicts(solo, Self.three)
        house.clock.advance(by: .days(400))
        _ = house.statements.take()
        #expect(try await verdicts(solo, Self.three) == Array(repeating: .valid, count: 3))
        #expect(house.statements.take() == [])
    }

    @Test("may flip between IPv4 and IPv6 and wander within a /64")
    func dualStack() async throws {
        let solo = try await house.solo()
        let addresses = [
            "203.0.113.7", "2001:db8:1:2::1", "203.0.113.7", "2001:db8:1:2:aaaa:bbbb:cccc:dddd", "2001:db8:1:2::ffff",
            "::ffff:203.0.113.7", "[2001:DB8:1:2:0:0:0:9]",
        ]
        #expect(try await verdicts(solo, addresses) == Array(repeating: .valid, count: addresses.count))
        #expect(try await house.count("SELECT count(*) FROM seat_addresses") == 2)
        #expect(try await house.used(solo) == 1)
    }

    @Test("that are not global are one location all together")
    func privateAddresses() async throws {
        let solo = try await house.solo()
        let addresses = [
            "192.168.1.5", "10.0.0.1", "172.16.9.9", "127.0.0.1", "::1", "fd00::1", "fe80::1", "169.254.1.1",
            "100.64.0.1",
        ]
        #expect(try await verdicts(solo, addresses) == Array(repeating: .valid, count: addresses.count))
        #expect(try await house.texts("SELECT network FROM seat_addresses") == ["non-global"])
    }

    @Test("are strict pairs when the license says one")
    func strictPairs() async throws {
        let license = try await house.issue(seats: 2, addressesPerSeat: 1)
        #expect(
            try await verdicts(license, [Self.three[0], Self.three[1], Self.three[2]])
                == [.valid, .valid, .addressLimit])
        #expect(try await house.used(license) == 2)
    }

    @Test("go on as they were after a seat was made to hold fewer, and the dead ones find another seat")
    func lowered() async throws {
        let license = try await house.issue(seats: 3)
        _ = try await verdicts(license, Self.three + [Self.fourth])
        house.clock.advance(by: .hours(49))
        _ = try await verdicts(license, [Self.three[1], Self.three[2]])
        try await house.licensing.storeLastSeen()
        try await house.execute(#"UPDATE licenses SET policy = '{"addresses_per_seat":2}'"#)
        let service = try await house.secondService()
        // Seat 1 holds three of which the first is dead; seat 2 holds one and has room: it goes there.
        let moved = try await house.validate(license.key, domain: "example.com", ip: Self.three[0], in: service)
        #expect(moved.verdict == .valid)
        let seats = try await house.texts(
            """
            SELECT ordinal || ' ' || address FROM seat_addresses s JOIN activations a ON a.id = s.activation_id
            ORDER BY 1
            """)
        #expect(
            seats == ["1 \(Self.three[1])", "1 \(Self.three[2])", "2 \(Self.three[0])", "2 \(Self.fourth)"])
        #expect(try await house.inconsistencies() == [])
    }

    @Test("tell where the request came from, and that changes nothing")
    func peer() async throws {
        let solo = try await house.solo()
        for peer in ["192.0.2.1", "192.0.2.2", nil, "2001:db8::9", "192.0.2.4", "192.0.2.5"] {
            #expect(try await house.validate(solo.key, domain: "example.com", peer: peer).verdict == .valid)
        }
        #expect(try await house.count("SELECT count(*) FROM seat_addresses") == 1)
    }
}

@Suite("A development host")
struct DevelopmentHostTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private static let hosts = [
        "localhost", "app", "app.localhost", "app.test", "shop.invalid", "shop.example", "nas.local", "db.internal",
        "home.arpa", "tv.home.arpa", "192.168.1.5", "[::1]", "fd00::1",
    ]

    @Test("is free and stored nowhere, not even in the journal", arguments: hosts)
    func free(host: String) async throws {
        let solo = try await house.solo()
        #expect(try await house.verdict(solo, "example.com") == .valid)
        let tables =
            "SELECT (SELECT count(*) FROM activations) + (SELECT count(*) FROM seat_addresses) * 1000 "
            + "+ (SELECT count(*) FROM journal) * 1000000"
        let before = try await house.count(tables)
        _ = house.statements.take()
        let answer = try await house.validate(solo.key, domain: host)
        #expect(answer.verdict == .valid)
        #expect(answer.seat != nil && answer.seat?.place == nil)
        #expect(house.statements.take() == [])
        try await house.licensing.storeLastSeen()
        #expect(try await house.count(tables) == before)
        #expect(try await house.used(solo) == 1)
    }

    @Test(
        "is free however seats are counted, with an identifier or without; any other host without one is not",
        arguments: [
            (SeatCounting.domain, "localhost", nil, Verdict.valid), (.ip, "localhost", nil, .valid),
            (.installationID, "localhost", nil, .valid), (.installationID, "app.test", "installation-1", .valid),
            (.installationID, "192.168.1.5", nil, .valid), (.installationID, "example.com", nil, .notActivated),
            (.installationID, "example.com", "installation-1", .valid),
        ] as [(SeatCounting, String, String?, Verdict)])
    func counted(by counting: SeatCounting, host: String, id: String?, expected: Verdict) async throws {
        var settings = PolicySettings()
        settings.countedBy = counting
        let license = try await house.issue(choosing: settings)
        let answer = try await house.validate(license.key, domain: host, installationID: id)
        #expect(answer.verdict == expected)
        let isFree = host != "example.com"
        #expect((answer.seat != nil && answer.seat?.place == nil) == isFree)
        #expect((answer.token != nil) == expected.isValid)
        #expect(try await house.used(license) == (expected == .valid && !isFree ? 1 : 0))
        let request = ValidationRequest(
            licenseKey: license.key.text, installation: try house.installation(domain: host, installationID: id),
            product: nil, nonce: nil, activates: true)
        let explained = try await house.licensing.validator.explain(request, by: house.provenance())
        #expect(explained.verdict == expected && explained.counting?.isDevelopment == isFree)
    }

    @Test("without an identifier is asked for one where development counts")
    func counts() async throws {
        var settings = PolicySettings()
        settings.countedBy = .installationID
        settings.countsDevelopment = true
        let license = try await house.issue(choosing: settings)
        let answer = try await house.validate(license.key, domain: "localhost")
        #expect(answer.verdict == .notActivated && answer.message.contains("installation_id"))
    }

    @Test("gets a token for a day at most, of which it is the subject")
    func token() async throws {
        let solo = try await house.solo()
        let answer = try await house.validate(solo.key, domain: "app.test")
        let token = try #require(answer.token)
        let license = try house.verify(token, domain: "app.test")
        #expect(license.expiresAt - license.issuedAt == 86_400)
        #expect(license.activationID == nil)
        #expect(license.binding == .domain)
        #expect(answer.nextCheckAt.seconds < license.expiresAt)
    }

    @Test("is one also where the license has no seat left, and is none of a license that is not in force")
    func otherRules() async throws {
        let solo = try await house.solo()
        #expect(try await house.verdict(solo, "example.com") == .valid)
        #expect(try await house.verdict(solo, "app.test") == .valid)
        #expect(try await house.verdict(solo, "app.test", activates: false) == .valid)
        #expect(try await house.verdict(house.lapsed(), "app.test") == .expired)
        #expect(try await house.verdict(house.lapsed(graceDays: 7), "app.test") == .expiredGrace)
        #expect(try await house.validate(solo.key, domain: "app.test", product: "other").verdict == .productMismatch)
    }

    @Test("by its name only: these count", arguments: ["my.developer.com", "shop.dev", "example.com", "8.8.8.8"])
    func counts(host: String) async throws {
        let solo = try await house.solo()
        let answer = try await house.validate(solo.key, domain: host)
        #expect(answer.seat?.place != nil)
        #expect(try await house.used(solo) == 1)
    }

    @Test("by its name only: a private address makes none of example.com")
    func privateAddress() async throws {
        let solo = try await house.solo()
        #expect(try await house.validate(solo.key, domain: "example.com", ip: "192.168.1.5").seat?.place != nil)
        #expect(try await house.verdict(solo, "app.test", ip: "8.8.8.8") == .valid)
        #expect(try await house.used(solo) == 1)
    }

    @Test("takes a seat like any other of a product that counts it")
    func counting() async throws {
        try await house.product("strict", countsDevelopment: true)
        let license = try await house.issue(seats: 1, product: "strict")
        let answer = try await house.validate(license.key, domain: "localhost")
        #expect(answer.seat?.place != nil)
        let verified = try house.verify(answer.token, domain: "localhost")
        #expect(verified.expiresAt - verified.issuedAt == 14 * 86_400)
        #expect(try await house.verdict(license, "app.test") == .activationLimit)
    }
}
