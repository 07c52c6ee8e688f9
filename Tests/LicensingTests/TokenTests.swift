import LicenseToken
import Licensing
import Primitives
import TestSupport
import Testing

@Suite("The token of an answer")
struct TokenTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private func token(
        _ license: IssuedLicense, _ domain: String = "example.com", ip: String = TestHouse.address,
        nonce: String? = nil
    ) async throws -> [UInt8] {
        try #require(try await house.validate(license.key, domain: domain, ip: ip, nonce: nonce).token)
    }

    @Test("verifies with the published keys, for that installation and for no other")
    func verifies() async throws {
        let acme = try await house.acme()
        let token = try await token(acme, "shop.example.com")
        let license = try house.verify(token, domain: "shop.example.com", product: "whm-panel")
        #expect(license.licenseID == acme.id.description)
        func code(domain: String?, product: String? = nil) -> LicenseTokenError.Code? {
            #expect(throws: LicenseTokenError.self) {
                try house.verify(token, domain: domain, product: product)
            }?.code
        }
        #expect(code(domain: "example.com") == .wrongDomain)
        #expect(code(domain: nil) == .wrongDomain)
        #expect(code(domain: "shop.example.com", product: "other") == .wrongProduct)
        let strangers = try await TestHouse()
        let error = #expect(throws: LicenseTokenError.self) { try strangers.verify(token, domain: "shop.example.com") }
        #expect(error?.code == .unknownKey)
    }

    @Test("says what the license is, and no more than that")
    func claims() async throws {
        let expiry = try Expiry("+365 days", member: "expires", today: house.clock.now().date)
        let acme = try await house.issue(seats: 3, expires: expiry, graceDays: 7)
        #expect(try await house.verdict(acme, "a.example.com") == .valid)
        let answer = try await house.validate(
            acme.key, domain: "https://B.example.com/", ip: "2001:DB8:0:0::5", installationID: "install-0001",
            peer: "192.0.2.1", nonce: "n-1")
        let license = try house.verify(answer.token, domain: "b.example.com")
        let now = ManualClock.start.seconds
        #expect(license.issuer == "signet")
        #expect(license.licenseID == acme.id.description)
        #expect(license.product == "whm-panel")
        #expect(license.licenseType == "professional")
        #expect(license.features == ["whm", "billing", "support"])
        #expect(license.licenseExpiresAt == expiry.instant?.seconds)
        #expect(license.graceSeconds == 7 * 86_400)
        #expect(license.activationsMax == 3)
        #expect(license.activationsUsed == 2)
        #expect(license.licenseVersion == 3)
        #expect(license.statusIndex == 0)
        #expect(license.domain == "b.example.com")
        #expect(license.address == "2001:db8::5")
        #expect(license.installationID == "install-0001")
        #expect(license.activationID == answer.seat?.place?.activation.description)
        #expect(license.binding == .domain)
        #expect(license.nonce == "n-1")
        #expect([license.issuedAt, license.notBefore, license.serverTime] == [now, now, now])
        #expect(license.expiresAt == now + 14 * 86_400)
        #expect(license.nextCheckAt == answer.nextCheckAt.seconds)
        #expect(answer.serverTime.seconds == now)
        #expect(answer.nonce == "n-1")
        let payload = String(decoding: try #require(answer.token), as: UTF8.self).split(separator: ".")[1]
        let text = String(decoding: try #require(Base64URL.decode(payload)), as: UTF8.self)
        for secret in [acme.key.text, "192.0.2.1", "customer"] { #expect(!text.contains(secret)) }
    }

    @Test("lives as long as the product says", arguments: [1, 14, 90])
    func life(days: Int) async throws {
        try await house.product("timed", tokenDays: days)
        let token = try await token(house.issue(product: "timed"))
        let license = try house.verify(token, domain: "example.com")
        #expect(license.expiresAt - license.issuedAt == Int64(days) * 86_400)
        let end = Timestamp(seconds: license.expiresAt)
        #expect(throws: Never.self) {
            try house.verify(token, domain: "example.com", at: end - .seconds(1))
        }
        let error = #expect(throws: LicenseTokenError.self) {
            try house.verify(token, domain: "example.com", at: end)
        }
        #expect(error?.code == .expired)
    }

    @Test("never outlives the license and its grace", arguments: [0, 3])
    func neverLonger(graceDays: Int) async throws {
        let expiry = Expiry.through(house.clock.now().date.adding(days: 2))
        let end = try #require(expiry.instant).seconds + Int64(graceDays) * 86_400
        let license = try await house.issue(seats: 3, expires: expiry, graceDays: graceDays)
        _ = try await token(license)
        // Through expiry and grace, to the last moment.
        for offset in stride(from: 5 * 3600, to: 0, by: -1800) + [1] {
            house.clock.set(to: Timestamp(seconds: end - Int64(offset)) + .milliseconds(999))
            let answer = try await house.validate(license.key, domain: "example.com")
            let verified = try house.verify(answer.token, domain: "example.com")
            #expect(verified.expiresAt == end)
            #expect(verified.nextCheckAt <= end)
            #expect(answer.verdict == (graceDays == 0 ? .valid : .expiredGrace))
        }
        house.clock.set(to: Timestamp(seconds: end))
        let answer = try await house.validate(license.key, domain: "example.com")
        #expect(answer.verdict == .expired && answer.token == nil)
    }

    @Test("is the same within its hour, and another after it")
    func hours() async throws {
        let acme = try await house.acme()
        var runs: [(token: [UInt8], since: Timestamp)] = []
        for _ in 0..<(5 * 60) {
            let token = try await token(acme)
            if runs.last?.token != token { runs.append((token, house.clock.now())) }
            house.clock.advance(by: .minutes(1))
        }
        // Signing again gives other bytes, since the token says when it was made; so equal bytes were not signed anew.
        #expect(Set(runs.map(\.token)).count == runs.count)
        #expect((5...6).contains(runs.count))
        let changes = runs.dropFirst().map(\.since)
        for (earlier, later) in zip(changes, changes.dropFirst()) { #expect(later - earlier == .hours(1)) }
    }

    @Test("that is bound to an address is each address's own, also within one network")
    func addresses() async throws {
        var choice = PolicySettings()
        choice.countedBy = .ip
        let license = try await house.issue(choosing: choice)
        for address in ["2001:db8::1", "2001:db8::2", "2001:db8::1"] {
            let token = try await token(license, ip: address)
            #expect(throws: Never.self) { try house.verify(token, domain: "example.com", address: address) }
        }
        #expect(try await house.used(license) == 1)
    }

    @Test("changes its hour at another minute for another installation")
    func spread() async throws {
        let license = try await house.issue(seats: 0)
        var minutes = Set<Int64>()
        for number in 0..<12 {
            let domain = "s\(number).example.com"
            house.clock.set(to: ManualClock.start)
            var last = try await token(license, domain)
            for minute in 1...60 {
                house.clock.advance(by: .minutes(1))
                let next = try await token(license, domain)
                if next != last { minutes.insert(Int64(minute)) }
                last = next
            }
        }
        #expect(minutes.count >= 6, "\(minutes.sorted())")
    }

    @Test("is another once the license changed")
    func licenseVersion() async throws {
        let acme = try await house.acme()
        let before = try await token(acme)
        #expect(try await token(acme) == before)
        #expect(try await house.verdict(acme, "other.example.com") == .valid)
        let after = try await token(acme)
        #expect(after != before)
        #expect(try house.verify(after, domain: "example.com").activationsUsed == 2)
    }

    @Test("is another for each place of an installation, and another after its seat was given up and taken again")
    func places() async throws {
        let acme = try await house.acme()
        let first = try await token(acme)
        let second = try await token(acme, ip: "2001:db8::1")
        #expect(try house.verify(second, domain: "example.com").address == "2001:db8::1")
        _ = try await house.licensing.release(.all, of: acme.id, dryRun: false, by: house.provenance())
        #expect(try await house.verdict(acme, "example.com", explicitly: true) == .valid)
        let third = try await token(acme)
        let activations = try [first, second, third].map { try house.verify($0, domain: "example.com").activationID }
        #expect(activations[0] == activations[1] && activations[1] != activations[2])
    }

    @Test("for a nonce is made for that call alone, and echoes it")
    func nonce() async throws {
        let acme = try await house.acme()
        let plain = try await token(acme)
        #expect(try house.verify(plain, domain: "example.com").nonce == nil)
        house.clock.advance(by: .seconds(1))
        let first = try await token(acme, nonce: "abc")
        house.clock.advance(by: .seconds(1))
        let second = try await token(acme, nonce: "abc")
        let third = try await token(acme, nonce: "xyz")
        #expect(Set([plain, first, second, third]).count == 4)
        #expect(try house.verify(first, domain: "example.com").nonce == "abc")
        #expect(try house.verify(third, domain: "example.com").nonce == "xyz")
        let names = try [plain, first, second, third].map { try house.verify($0, domain: "example.com").tokenID }
        #expect(Set(names).count == 4)
        #expect(try await token(acme) == plain, "the hour's token is not replaced by one made for a nonce")
        #expect(try await house.validate(house.solo().key, domain: "example.com", nonce: "n").nonce == "n")
    }

    @Test("asks to be renewed after a day, give or take a fifth, and not all at once")
    func nextCheck() async throws {
        let license = try await house.issue(seats: 0)
        var intervals = Set<Int64>()
        for number in 0..<60 {
            let answer = try await house.validate(license.key, domain: "s\(number).example.com")
            intervals.insert(answer.nextCheckAt.seconds - house.clock.now().seconds)
        }
        #expect(intervals.allSatisfy { (69_120...103_680).contains($0) })
        #expect(intervals.count > 50)
        #expect((intervals.max() ?? 0) - (intervals.min() ?? 0) > 17_280, "they use the whole range")
    }

    @Test("of a short life asks to be renewed at half of it")
    func nextCheckOfShortLife() async throws {
        try await house.product("daily", tokenDays: 1)
        let license = try await house.issue(seats: 0, product: "daily")
        for number in 0..<20 {
            let answer = try await house.validate(license.key, domain: "s\(number).example.com")
            let interval = answer.nextCheckAt.seconds - house.clock.now().seconds
            #expect((34_560...51_840).contains(interval))
        }
    }

    @Test("is absent from a refusal, which asks to be repeated after some hours")
    func refusal() async throws {
        let lapsed = try await house.lapsed()
        let answer = try await house.validate(lapsed.key, domain: "example.com", nonce: "n")
        #expect(answer.verdict == .expired && answer.token == nil && answer.seat == nil && answer.nonce == "n")
        let interval = answer.nextCheckAt.seconds - house.clock.now().seconds
        #expect((17_280...25_920).contains(interval))
    }
}
