import Customers
import Primitives
import TestSupport
import Testing

@testable import HTTPAPI
@testable import Licensing

/// The exact bytes of answers, as `Golden/answers.txt` shows them to whoever writes a client.
@Suite("The answers of the golden list")
struct AnswerGoldenTests {
    private static let now = ManualClock.start
    private static let issued = now - .days(30)

    @Test("are written to the byte")
    func goldenAnswers() throws {
        let cases = try Self.verdicts() + Self.variants()
        let text =
            Self.header + cases.map { "\n# \($0.name)\n\(String(decoding: $0.answer.json, as: UTF8.self))\n" }.joined()
        #expect(try text == Golden.text("answers.txt", actual: text))
    }

    @Test("always have all members, in one order")
    func goldenMembers() throws {
        let members = [
            "valid", "license_type", "expires_at", "max_activations", "current_activations", "features", "code",
            "message", "action_url", "license_id", "product", "activation", "expires_at_time", "grace_until",
            "next_check_at",
            "server_time", "nonce", "token", "stale", "warnings",
        ]
        for (name, answer) in try Self.verdicts() + Self.variants() {
            let json = try #require(try JSONReader.read(answer.json).objectValue)
            #expect(json.members.map(\.name) == members, "\(name)")
            #expect(json["valid"] == .bool(answer.verdict.isValid), "\(name)")
            #expect((json["token"] == .null) == (json["activation"] == .null), "\(name)")
            #expect(json["next_check_at"] != .null, "\(name)")
        }
    }

    @Test("are what the route sends")
    func goldenRoute() async throws {
        let house = try await TestHouse()
        let face = ClientFace(of: house)
        let reply = try await face.validate(
            #"{"license_key":"0000-0000-0000-0000","domain":"example.com","nonce":"n"}"#)
        let malformed = try await face.validate(#"{"license_key":"0000-0000-0000-0001","domain":"example.com"}"#)
        #expect(reply.json["code"] == .string("NOT_FOUND"))
        #expect(reply.json["nonce"] == .string("n"))
        #expect(malformed.json["code"] == .string("KEY_MALFORMED"))
        #expect(reply.json["server_time"] == .string("2026-11-23T12:00:00Z"))
    }

    private static let header = """
        # Answers of POST /api/v1/installer/validate, to the byte: one for every code in order of precedence, then
        # special cases. Identifiers, times and tokens are made up.

        """

    private typealias Case = (name: String, answer: ValidationAnswer)

    /// One answer for every code: a code that is added is in the list without being asked.
    private static func verdicts() throws -> [Case] {
        try Verdict.allCases.map { verdict in
            let isFound = verdict != .keyMalformed && verdict != .notFound
            let isExpired = verdict == .expired || verdict == .expiredGrace
            let license = try license(
                expires: isExpired ? now - .days(1) : now + .days(365), graceDays: isExpired ? 7 : 0)
            return (
                verdict.rawValue,
                try answer(verdict, isFound ? license : nil, verdict.isValid ? seat() : nil)
            )
        }
    }

    private static func variants() throws -> [Case] {
        [
            ("VALID on a development host", try answer(.valid, license(), seat(domain: "localhost", isStored: false))),
            (
                "VALID for an installation_id alone, over IPv6",
                try answer(.valid, license(), seat(domain: nil, ip: "2001:db8::1"))
            ),
            (
                "VALID, a license that never expires, without limit, without features",
                try answer(.valid, license(expires: nil, seats: 0, features: []), seat(domain: "xn--bcher-kva.example"))
            ),
            (
                "VALID with a nonce",
                try answer(.valid, license(), seat(), nonce: "\"\\/\u{E9}\u{1F600}")
            ),
            ("VALID for an operator who looks at the license alone", try answer(.valid, license(), nil)),
            (
                "VALID with grace to come",
                try answer(.valid, license(expires: now + .days(1), graceDays: 7), seat())
            ),
        ]
    }

    private static func answer(
        _ verdict: Verdict, _ license: ValidationAnswer.License?, _ seat: ValidationAnswer.Seat?, nonce: String? = nil
    ) throws -> ValidationAnswer {
        ValidationAnswer(
            verdict: verdict, license: license, seat: seat,
            token: seat == nil ? nil : Array("aGVhZGVy.Y2xhaW1z.c2lnbmF0dXJl".utf8),
            nextCheckAt: now + .hours(verdict.isValid ? 24 : 6), serverTime: now, nonce: nonce)
    }

    private static func license(
        expires: Timestamp? = now + .days(365), graceDays: Int = 0, seats: Int = 3,
        features: [String] = ["whm", "billing", "support"]
    ) throws -> ValidationAnswer.License {
        var overrides = PolicySettings()
        overrides.licenseType = Slug("professional")
        overrides.features = features.compactMap { Slug($0) }
        overrides.maxActivations = seats
        overrides.graceDays = graceDays
        let product = Product(
            id: try #require(ProductID(1)), code: try #require(Slug("whm-panel")), name: "WHM Panel",
            settings: PolicySettings(), keyFormat: .plain, actionURL: "https://example.com/help", version: 1,
            createdAt: issued)
        let license = License(
            id: LicenseID(rawValue: 0x0123_4567_89AB_CDEF), customerID: try #require(CustomerID(123)),
            productID: product.id, overrides: overrides, policy: Policy(overrides), state: .active, notBefore: nil,
            expiresAt: expires?.date.end, paymentGraceUntil: nil, overLimitUntil: nil, startedAt: nil, batch: nil,
            used: 2, statusIndex: 0, version: 4, createdAt: issued)
        let index = LicenseIndex()
        index.apply([.license(license)])
        let facts = try #require(index.license(license.id))
        return ValidationAnswer.License(facts: facts, policy: license.policy, product: product)
    }

    private static func seat(
        domain: String? = "example.com", ip: String = "192.168.1.100", isStored: Bool = true
    ) throws -> ValidationAnswer.Seat {
        let address = try #require(CanonicalAddress(ip))
        let installation = try #require(
            Installation(
                domain: try domain.map { try CanonicalDomain($0) }, installationID: InstallationID("9f8b1c2d-0000"),
                address: address, peer: nil))
        let place = PlaceFacts(
            activation: ActivationID(rawValue: 0xFEDC_BA98_7654_3210), firstSeen: issued, lastSeen: now, placesOfSeat: 1
        )
        return ValidationAnswer.Seat(place: isStored ? place : nil, installation: installation)
    }
}
