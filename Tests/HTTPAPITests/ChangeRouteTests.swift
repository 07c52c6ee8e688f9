import Access
import HTTPTypes
import Licensing
import NIOCore
import Primitives
import TestSupport
import Testing

@testable import HTTPAPI

extension OperatorFace {
    func patch(_ path: String, _ body: String, _ headers: HTTPFields = [:]) async throws -> Reply {
        var ask = Ask.post(path, Array(body.utf8), headers)
        ask.method = .patch
        return try await reply(to: ask)
    }
}

extension Reply {
    /// `member: from -> to` for each of the changes told.
    fileprivate var changes: [String] {
        (json["changes"]?.arrayValue ?? []).compactMap(\.objectValue).map { change in
            func text(_ name: String) -> String {
                String(decoding: JSONWriter.object { $0.member("v", value: change[name]) }, as: UTF8.self)
                    .dropFirst(5).dropLast().description
            }
            return "\(change["member"]?.stringValue ?? "-"): \(text("from")) -> \(text("to"))"
        }
    }
}

@Suite("PATCH of a product")
struct ProductPatchTests {
    private let house: TestHouse
    private let path = "/api/v1/products/whm-panel"

    init() async throws {
        house = try await TestHouse()
        try await house.product()
    }

    @Test("answers the product, what was changed, and what that means for its licenses")
    func answer() async throws {
        let face = OperatorFace(of: house)
        _ = try await house.issue(seats: 2)
        let body = #"{"max_activations":4,"token_days":null,"action_url":"https://help.example.com/"}"#
        let tried = try await face.patch(path, String(body.dropLast()) + #","dry_run":true}"#)
        let done = try await face.patch(path, body)
        for reply in [tried, done] {
            #expect(reply.status == 200)
            #expect(
                reply.changes == [
                    #"action_url: null -> "https://help.example.com/""#, "max_activations: 1 -> 4",
                    "token_days: 14 -> null",
                ])
            #expect(reply.json["max_activations"] == .integer(4) && reply.json["version"] == .integer(2))
            let licenses = reply.json["licenses"]?.objectValue
            #expect(licenses?["total"] == .integer(1) && licenses?["affected"] == .integer(1))
        }
        let again = try await face.patch(path, body)
        #expect(again.changes == [] && again.json["version"] == .integer(2))
        #expect(try await face.get(path).json["max_activations"] == .integer(4))
        let opened = try await face.patch(path, #"{"action_url":null}"#)
        #expect(opened.json["action_url"] == .null)
    }

    @Test("says all that is wrong at once, and changes nothing")
    func invalid() async throws {
        let face = OperatorFace(of: house)
        let reply = try await face.patch(
            path, #"{"name":null,"grace_days":-1,"counted_by":"x","recount":1,"version":"a","key_groups":"b"}"#)
        #expect(reply.status == 400)
        #expect(Set(reply.violations) == ["name", "grace_days", "counted_by", "recount", "version", "key_groups"])
        #expect(try await face.patch(path, #"{"key_prefix":"lower"}"#).violations == ["key_prefix"])
        #expect(try await face.get(path).json["version"] == .integer(1))
    }

    @Test("of one that is not there says which may have been meant")
    func unknown() async throws {
        let face = OperatorFace(of: house)
        for reply in [
            try await face.patch("/api/v1/products/whm-panle", #"{"token_days":3}"#),
            try await face.get("/api/v1/products/whm-panle"),
        ] {
            #expect(reply.status == 404 && reply.code == "product_not_found")
            #expect(reply.json["detail"]?.stringValue == "did you mean whm-panel?")
        }
        #expect(try await face.get("/api/v1/products/nothing").json["detail"] == .null)
        let issued = try await face.post(
            "/api/v1/licenses", #"{"customer_id":123,"product":"whm-pane"}"#)
        #expect(issued.code == "product_unknown")
        #expect(issued.json["detail"]?.stringValue?.hasSuffix("did you mean whm-panel?") == true)
    }

    @Test("is refused at another version: 409 for the member, 412 for If-Match")
    func version() async throws {
        let face = OperatorFace(of: house)
        let member = try await face.patch(path, #"{"token_days":3,"version":7}"#)
        #expect(member.status == 409 && member.code == "version_changed")
        let header = try await face.patch(path, #"{"token_days":3}"#, [.ifMatch: "\"7\""])
        #expect(header.status == 412 && header.code == "precondition_failed")
        #expect(header.json["detail"]?.stringValue?.hasPrefix("Its version is 1 now") == true)
        for text in ["7", "\"x\"", "W/\"1\"", "\"\""] {
            let reply = try await face.patch(path, #"{"token_days":3}"#, [.ifMatch: text])
            #expect(reply.status == 400 && reply.violations == ["If-Match"], "\(text)")
        }
        #expect(try await face.patch(path, #"{"token_days":3}"#, [.ifMatch: "\"1\""]).status == 200)
        #expect(try await face.patch(path, #"{"token_days":4}"#, [.ifMatch: "*"]).status == 200)
    }

    @Test("needs the scope products:write")
    func scope() async throws {
        let face = ClientFace(of: house)
        for (token, status) in [
            (try await house.adminToken("reader", .productsRead), 403),
            (try await house.adminToken("writer", .productsWrite), 200),
        ] {
            var ask = Ask.post(path, Array(#"{"token_days":5}"#.utf8), [.authorization: "Bearer \(token)"])
            ask.method = .patch
            #expect(try await face.reply(to: ask).status == status)
        }
    }
}

@Suite("PATCH of a license")
struct LicensePatchTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private func path(_ license: IssuedLicense) -> String { "/api/v1/licenses/\(license.id)" }

    @Test("answers the license and what was changed, and the next check sees it")
    func answer() async throws {
        let face = OperatorFace(of: house)
        let license = try await house.solo()
        let reply = try await face.patch(
            path(license),
            #"{"license_type":"enterprise","max_activations":null,"expires":"+10 days","batch":"b1","reason":"sold"}"#)
        #expect(reply.status == 200)
        #expect(
            reply.changes == [
                #"expires_at: null -> "2026-12-04T00:00:00Z""#, #"batch: null -> "b1""#,
                #"license_type: null -> "enterprise""#, "max_activations: 1 -> null",
            ])
        #expect(reply.json["expires_at"] == .string("2026-12-03") && reply.json["version"] == .integer(2))
        #expect(reply.json["license_key"] == nil)
        let told = try await ClientFace(of: house).validate(license, "a.example.com")
        #expect(told.json["license_type"] == .string("enterprise"))
        let never = try await face.patch(path(license), #"{"expires":null,"batch":null}"#)
        #expect(never.json["expires_at"] == .null && never.json["batch"] == .null)
    }

    @Test("shows who makes each choice")
    func sources() async throws {
        let license = try await house.solo()
        let shown = try await OperatorFace(of: house).get(path(license)).json
        let sources = shown["policy_sources"]?.objectValue
        #expect(sources?["max_activations"] == .string("license"))
        #expect(sources?["license_type"] == .string("product"))
        #expect(sources?["staging_max"] == .string("default"))
        #expect(sources?.members.count == PolicyField.all.count)
        #expect(shown["product_name"] == .string("whm-panel"))
    }

    @Test("moves it to another product, and names recount when that counts seats in another way")
    func product() async throws {
        let face = OperatorFace(of: house)
        var settings = PolicySettings()
        settings.countedBy = .ip
        try await house.product("by-ip", choosing: settings)
        let license = try await house.solo()
        #expect(try await house.verdict(license, "a.example.com") == .valid)
        let refused = try await face.patch(path(license), #"{"product":"by-ip"}"#)
        #expect(refused.status == 409 && refused.code == "recount_needed")
        #expect(refused.json["detail"]?.stringValue?.contains("--recount") == true)
        let moved = try await face.patch(path(license), #"{"product":"by-ip","recount":true}"#)
        #expect(moved.status == 200 && moved.json["recounted"] == .bool(true))
        #expect(moved.json["product"] == .string("by-ip"))
        #expect(moved.changes == [#"product: "whm-panel" -> "by-ip""#])
    }

    @Test(
        "refuses what makes no sense, each with its code",
        arguments: [
            (#"{"expires":"soon"}"#, 400, "invalid_request"), (#"{"expires":"2020-01-01"}"#, 422, "expiry_in_past"),
            (#"{"not_before":"soon"}"#, 400, "invalid_request"), (#"{"batch":"A B"}"#, 400, "invalid_request"),
            (#"{"product":"nothing"}"#, 422, "product_unknown"), (#"{"product":null}"#, 400, "invalid_request"),
            (#"{"product":"A B"}"#, 400, "invalid_request"), (#"{"max_activations":"3"}"#, 400, "invalid_request"),
            (#"{"expires":"2026-12-01","not_before":"2026-12-02"}"#, 422, "end_before_beginning"),
            (#"{"max_activations":3,"version":9}"#, 409, "version_changed"), ("[]", 400, "body_not_object"),
        ])
    func refused(body: String, status: Int, code: String) async throws {
        let license = try await house.solo()
        let reply = try await OperatorFace(of: house).patch(path(license), body)
        #expect(reply.status == status && reply.code == code)
        #expect(try await house.licensing.license(license.id)?.license.version == 1)
    }

    @Test("of one that is unknown is 404, of a revoked one 409")
    func states() async throws {
        let face = OperatorFace(of: house)
        for id in ["lic_0123456789ABC", "nonsense"] {
            let reply = try await face.patch("/api/v1/licenses/\(id)", #"{"max_activations":3}"#)
            #expect(reply.status == 404 && reply.code == "license_unknown")
        }
    }

    @Test("and its issue take the first valid day")
    func begins() async throws {
        try await house.product()
        try await house.customer()
        let face = OperatorFace(of: house)
        let issued = try await face.post(
            "/api/v1/licenses", #"{"customer_id":123,"product":"whm-panel","not_before":"2026-12-01"}"#)
        #expect(issued.status == 201 && issued.json["not_before"] == .string("2026-12-01T00:00:00Z"))
        #expect(issued.json["status"] == .string("not_yet_valid"))
        let id = try #require(issued.json["id"]?.stringValue)
        let changed = try await face.patch("/api/v1/licenses/\(id)", #"{"not_before":"2026-11-24T10:30:00Z"}"#)
        #expect(changed.json["not_before"] == .string("2026-11-24T10:30:00Z"))
        #expect(try await face.patch("/api/v1/licenses/\(id)", #"{"not_before":null}"#).json["not_before"] == .null)
    }

    @Test("is looked up by a misprinted key with the one that was meant, which installations are never told")
    func misprint() async throws {
        let license = try await house.solo()
        let text = license.key.text
        let wrong = text.dropLast() + (text.last == "0" ? "1" : "0")
        let reply = try await OperatorFace(of: house).post(
            "/api/v1/licenses/lookup", #"{"license_key":"\#(wrong)"}"#)
        #expect(reply.status == 400 && reply.text.contains("did you mean \(text)?"))
        let told = try await ClientFace(of: house).validate(
            #"{"license_key":"\#(wrong)","domain":"a.example.com"}"#)
        #expect(told.json["code"] == .string("KEY_MALFORMED") && !told.text.contains(text))
    }
}
