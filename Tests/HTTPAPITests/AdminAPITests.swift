import Access
import HTTPTypes
import Hummingbird
import Licensing
import Primitives
import TestSupport
import Testing

@testable import HTTPAPI

extension TestHouse {
    /// An admin token with these scopes, made at the machine itself.
    func adminToken(_ name: String = "ci", _ scopes: Scope...) async throws -> String {
        let new = try NewAdminToken(
            name: name, scopes: scopes.map(\.rawValue), expiresAt: (clock.now() + .days(90)).wholeSeconds,
            now: clock.now())
        return try await access.tokens.create(new, dryRun: false, by: provenance()).secret.text
    }
}

extension ClientFace {
    func get(_ path: String, token: String?) async throws -> Reply {
        try await reply(to: .get(path, token.map { [.authorization: "Bearer \($0)"] } ?? [:]))
    }

    func post(_ path: String, _ body: String, token: String?, _ headers: HTTPFields = [:]) async throws -> Reply {
        var ask = Ask.post(path, Array(body.utf8), headers)
        ask.headers[.authorization] = token.map { "Bearer \($0)" }
        return try await reply(to: ask)
    }
}

@Suite("The admin API on the public listener")
struct AdminAPITests {
    private static let products = "/api/v1/products"
    private static let unknown = "adm_00000000000000000000000000"

    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    @Test("lets a token do what its scopes name, and records who it was")
    func admitted() async throws {
        let token = try await house.adminToken("ci", .productsRead, .productsWrite)
        let face = ClientFace(of: house)
        #expect(try await face.post(Self.products, #"{"code":"p"}"#, token: token).status == 201)
        #expect(try await face.get(Self.products, token: token).json["data"]?.arrayValue?.count == 1)
        let last = "FROM journal ORDER BY sequence DESC LIMIT 1"
        #expect(try await house.texts("SELECT type || ' ' || actor \(last)") == ["product.created token:ci"])
    }

    @Test("refuses a token without the scope before anything of the request is looked at, and names the scope")
    func insufficientScope() async throws {
        let token = try await house.adminToken("reader", .productsRead)
        let face = ClientFace(of: house)
        let reply = try await face.post(Self.products, "this is no JSON", token: token)
        #expect(reply.status == 403)
        #expect(reply.code == "insufficient_scope")
        #expect(
            reply.headers[.wwwAuthenticate]
                == #"Bearer realm="signet", error="insufficient_scope", scope="products:write""#)
        #expect(reply.json["detail"]?.stringValue?.contains("products:write") == true)
    }

    @Test(
        "refuses what is no token with 401 and the challenge of RFC 6750",
        arguments: [
            (nil, "token_missing"), ("", "token_missing"), ("Basic YTpi", "token_missing"),
            ("Bearer", "token_missing"), ("Bearer ", "token_missing"), ("Bearer \(unknown)", "token_invalid"),
            ("bearer nonsense", "token_invalid"), (unknown, "token_missing"),
        ])
    func unauthorized(header: String?, code: String) async throws {
        let face = ClientFace(of: house)
        let reply = try await face.reply(to: .get(Self.products, header.map { [.authorization: $0] } ?? [:]))
        #expect(reply.status == 401)
        #expect(reply.code == code)
        let challenge = try #require(reply.headers[.wwwAuthenticate])
        #expect(challenge.hasPrefix(#"Bearer realm="signet""#))
        #expect(challenge.contains("error=\"invalid_token\"") == (code == "token_invalid"))
        #expect(face.log.complaints.isEmpty)
    }

    @Test("takes a token in any case of the scheme, and not two at once")
    func spelling() async throws {
        let token = try await house.adminToken("ci", .productsRead)
        let face = ClientFace(of: house)
        for header in ["Bearer \(token)", "BEARER \(token)", "bearer  \(token)"] {
            #expect(try await face.reply(to: .get(Self.products, [.authorization: header])).status == 200, "\(header)")
        }
        var twice = HTTPFields()
        for _ in 0..<2 { twice.append(HTTPField(name: .authorization, value: "Bearer \(token)")) }
        #expect(try await face.reply(to: .get(Self.products, twice)).status == 401)
    }

    @Test("refuses a token from the instant of its expiry, and from its revocation on")
    func ended() async throws {
        let token = try await house.adminToken("short", .productsRead)
        let face = ClientFace(of: house)
        house.clock.advance(by: .days(91))
        let expired = try await face.get(Self.products, token: token)
        #expect(expired.status == 401)
        #expect(expired.json["detail"]?.stringValue == "The token is expired.")
        let other = try await house.adminToken("other", .productsRead, .tokensWrite)
        #expect(try await face.get(Self.products, token: other).status == 200)
        #expect(try await face.post("/api/v1/admin-tokens/other/revoke", "{}", token: other).status == 200)
        #expect(try await face.get(Self.products, token: other).status == 401)
    }

    @Test("slows an address that shows wrong tokens, never one that shows a good one")
    func failuresLimited() async throws {
        let token = try await house.adminToken("ci", .productsRead)
        let face = ClientFace(of: house)
        for _ in 0..<FailureLimit.burst {
            #expect(try await face.get(Self.products, token: Self.unknown).status == 401)
            #expect(try await face.get(Self.products, token: token).status == 200)
        }
        let reply = try await face.get(Self.products, token: Self.unknown)
        #expect(reply.status == 429)
        #expect(reply.code == "too_many_failures")
        let seconds = try #require(reply.headers[.retryAfter].flatMap { Int($0) })
        #expect((1...7).contains(seconds))
        #expect(try await face.get(Self.products, token: token).status == 200, "a success is never limited")
        let elsewhere = ClientFace(of: house, peer: "203.0.113.8")
        #expect(try await elsewhere.get(Self.products, token: Self.unknown).status == 401)
        house.clock.advance(by: .seconds(seconds))
        #expect(try await face.get(Self.products, token: Self.unknown).status == 401)
    }

    @Test("counts failures by IPv4 address and by IPv6 /64")
    func failureNetworks() throws {
        let limit = FailureLimit()
        let now = house.clock.now()
        func fail(_ text: String) throws -> Bool {
            limit.delay(afterFailureOf: try #require(CanonicalAddress(text)), at: now) == nil
        }
        for number in 0..<FailureLimit.burst {
            #expect(try fail("2001:db8:0:1::\(number)"))
            #expect(try fail("192.168.0.1"))
        }
        #expect(try !fail("2001:db8:0:1:ffff::1"))
        #expect(try fail("2001:db8:0:2::1"))
        #expect(try !fail("192.168.0.1"))
        #expect(try fail("192.168.0.2"))
    }

    @Test("gives nobody a token that may do more than its maker")
    func escalation() async throws {
        let token = try await house.adminToken("maker", .tokensWrite, .productsRead)
        let face = ClientFace(of: house)
        let path = "/api/v1/admin-tokens"
        let more = try await face.post(
            path, #"{"name":"a","scopes":["products:read","licenses:reveal"]}"#, token: token)
        #expect(more.status == 403)
        #expect(more.json["detail"]?.stringValue?.contains("licenses:reveal") == true)
        let same = try await face.post(path, #"{"name":"a","scopes":["products:read"]}"#, token: token)
        #expect(same.status == 201)
        let secret = try #require(same.json["token"]?.stringValue)
        #expect(same.json["expires_at"]?.stringValue == "2027-02-22T00:00:00Z", "90 days, through the last")
        #expect(try await face.get(Self.products, token: secret).status == 200)
        let listed = try await OperatorFace(of: house).get(path)
        #expect(!listed.text.contains(secret))
        #expect(listed.json["data"]?.arrayValue?.count == 2)
        #expect(try await OperatorFace(of: house).get("\(path)/a").json["name"]?.stringValue == "a")
        #expect(try await OperatorFace(of: house).get("\(path)/nobody").code == "token_unknown")
    }

    @Test("makes tokens that never expire only when told so")
    func expiry() async throws {
        let face = OperatorFace(of: house)
        func make(_ name: String, _ expires: String) async throws -> Reply {
            try await face.post(
                "/api/v1/admin-tokens", #"{"name":"\#(name)","scopes":["products:read"],"expires":"\#(expires)"}"#)
        }
        #expect(try await make("a", "never").json["expires_at"] == .null)
        #expect(try await make("b", "+7 days").json["expires_at"]?.stringValue == "2026-12-01T00:00:00Z")
        #expect(try await make("c", "2026-12-24").json["expires_at"]?.stringValue == "2026-12-25T00:00:00Z")
        #expect(try await make("d", "+3661 days").violations == ["expires"])
        #expect(try await make("e", "soon").violations == ["expires"])
        #expect(try await make("a", "never").code == "token_exists")
    }

    @Test("asks for the scope of seats besides when a validation may take one")
    func activating() async throws {
        let acme = try await house.acme()
        let token = try await house.adminToken("support", .licensesRead)
        let face = ClientFace(of: house)
        func validate(_ activate: Bool) async throws -> Reply {
            let body = #"{"license_key":"\#(acme.key.text)","domain":"a.com","activate":\#(activate)}"#
            return try await face.post("/api/v1/licenses/validate", body, token: token)
        }
        #expect(try await validate(false).json["code"]?.stringValue == "NOT_ACTIVATED")
        let reply = try await validate(true)
        #expect(reply.status == 403)
        #expect(try await house.used(acme) == 0)
    }

    @Test("costs a validation of an installation nothing: no statement, and no look at credentials")
    func validationIsFree() async throws {
        let acme = try await house.acme()
        let face = ClientFace(of: house)
        _ = try await face.validate(acme, "example.com")
        _ = house.statements.take()
        let body = #"{"license_key":"\#(acme.key.text)","domain":"example.com"}"#
        let reply = try await face.validate(body, [.authorization: "Bearer \(Self.unknown)"])
        #expect(reply.json["valid"] == .bool(true))
        #expect(house.statements.take().isEmpty)
    }
}

@Suite("An Idempotency-Key")
struct IdempotencyKeyTests {
    private let house: TestHouse
    private let face: OperatorFace

    init() async throws {
        house = try await TestHouse()
        face = OperatorFace(of: house)
        try await house.product()
        try await house.customer()
    }

    private func post(_ path: String, _ body: String, key: String) async throws -> Reply {
        try await face.reply(to: .post("/api/v1/\(path)", Array(body.utf8), [.idempotencyKey: key]))
    }

    @Test(
        "makes one thing of a request that came thrice, and the same answer",
        arguments: [
            ("products", #"{"code":"other"}"#), ("customers", #"{"reference":"acme"}"#), ("customers", "{}"),
            ("licenses", #"{"customer_id":123,"product":"whm-panel"}"#),
            ("admin-tokens", #"{"name":"ci","scopes":["products:read"]}"#),
        ])
    func replay(path: String, body: String) async throws {
        let count = "SELECT count(*) FROM journal"
        let first = try await post(path, body, key: "k")
        #expect(first.status == 201)
        let after = try await house.count(count)
        for _ in 0..<2 {
            house.clock.advance(by: .hours(11))
            let again = try await post(path, body, key: "k")
            #expect(again.status == 201)
            #expect(again.body == first.body, "license keys and tokens too")
            #expect(again.headers[.init("Idempotency-Replayed")!] == "true")
        }
        #expect(first.headers[.init("Idempotency-Replayed")!] == nil)
        #expect(try await house.count(count) == after)
        let other = try await post(
            path, #"{"reason":"x","# + "\"x\":1" + (body == "{}" ? "}" : ",\(body.dropFirst())"), key: "k")
        #expect(other.status == 422)
        #expect(other.code == "idempotency_key_reused")
    }

    @Test("of a request that was refused or only tried is free again")
    func refused() async throws {
        let body = #"{"customer_id":7,"product":"whm-panel"}"#
        #expect(try await post("licenses", body, key: "k").status == 422)
        #expect(try await face.post("/api/v1/customers", #"{"id":7}"#).status == 201)
        #expect(try await post("licenses", body, key: "k").status == 201)
        let tried = #"{"code":"p","dry_run":true}"#
        for _ in 0..<2 { #expect(try await post("products", tried, key: "t").status == 201) }
        #expect(try await post("products", #"{"code":"p"}"#, key: "t").status == 201)
    }

    @Test("is answered before anything else is asked, which may have changed")
    func beforeAnythingElse() async throws {
        let body = #"{"customer_id":123,"product":"whm-panel","expires":"2026-11-23"}"#
        let first = try await post("licenses", body, key: "k")
        #expect(first.status == 201)
        house.clock.advance(by: .hours(20))
        #expect(try await post("licenses", body, key: "other").code == "expiry_in_past")
        #expect(try await post("licenses", body, key: "k").body == first.body)
    }

    @Test(
        "is 1 to 255 visible characters, once",
        arguments: ["", "with space", "ü", String(repeating: "x", count: 256)])
    func bad(key: String) async throws {
        let reply = try await post("customers", "{}", key: key)
        #expect(reply.status == 400)
        #expect(reply.violations == ["Idempotency-Key"])
    }
}
