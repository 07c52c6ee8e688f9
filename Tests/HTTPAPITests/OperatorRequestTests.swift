import Primitives
import TestSupport
import Testing

@testable import HTTPAPI

@Suite("What operators ask")
struct OperatorRequestTests {
    @Test(
        "with parameters that cannot be taken is a 400 that names them",
        arguments: [
            ("page=0", "page"), ("page=-1", "page"), ("page=", "page"), ("page=x", "page"), ("page=1.5", "page"),
            ("page=%31%00", "page"), ("page=%FF", "page"), ("page=99999999999999", "page"),
            ("page=9223372036854775807", "page"), ("page=99999999999999999999", "page"), ("page=1&page=2", "page"),
            ("page=1&page=1", "page"), ("per_page=0", "per_page"), ("per_page=501", "per_page"),
            ("per_page=9223372036854775807", "per_page"), ("per_page=1e2", "per_page"),
            ("per_page=5&per_page=x", "per_page"),
            ("page=0&per_page=501", "per_page"),
        ], ["/api/v1/products", "/api/v1/customers", "/api/v1/licenses"])
    func badPage(query: (String, String), path: String) async throws {
        let face = OperatorFace(of: try await TestHouse())
        let reply = try await face.get("\(path)?\(query.0)")
        #expect(reply.status == 400)
        #expect(reply.code == "invalid_request")
        #expect(reply.violations == [query.1])
        #expect(face.log.complaints.isEmpty)
    }

    @Test(
        "of licenses with filters that mean nothing is refused by name",
        arguments: [
            ("status=bogus", 400), ("status=", 400), ("status=ACTIVE", 400), ("status=active&status=revoked", 400),
            ("customer=0", 422), ("customer=999", 422), ("customer=-5", 422), ("customer=0123", 422),
            ("customer=%00", 422),
            ("customer=123&customer=123", 400), ("product=nope", 422), ("product=", 422), ("product=%00%FF", 422),
            ("product=a&product=b", 400), ("customer=99999999999999999999", 422),
            ("product=';DROP%20TABLE%20licenses;--", 422),
        ])
    func badFilter(query: String, status: Int) async throws {
        let house = try await TestHouse()
        _ = try await house.acme()
        let face = OperatorFace(of: house)
        let reply = try await face.get("/api/v1/licenses?\(query)")
        #expect(reply.status == status, "\(reply.text)")
        let name = String(query.prefix { $0 != "=" })
        #expect(status == 400 ? reply.violations == [name] : reply.code == "\(name)_unknown")
        #expect(face.log.complaints.isEmpty)
        #expect(try await face.get("/api/v1/licenses").json["meta"]?.objectValue?["total"] == .integer(1))
    }

    @Test("beyond the last page is an empty page, with the way back")
    func pages() async throws {
        let house = try await TestHouse()
        for _ in 1...3 { _ = try await house.solo() }
        let face = OperatorFace(of: house)
        let links = { (reply: Reply, name: String) in reply.json["links"]?.objectValue?[name] }
        let first = try await face.get("/api/v1/licenses?per_page=2&status=active&product=whm-panel&customer=123&x=1")
        #expect(first.json["data"]?.arrayValue?.count == 2)
        #expect(links(first, "prev") == .null)
        let next = try #require(links(first, "next")?.stringValue)
        #expect(next == "/api/v1/licenses?status=active&product=whm-panel&customer=123&page=2&per_page=2")
        let second = try await face.get(next)
        #expect(second.json["data"]?.arrayValue?.count == 1)
        #expect(links(second, "next") == .null)
        #expect(links(second, "prev")?.stringValue == next.replacing("page=2&", with: "page=1&"))
        let beyond = try await face.get("/api/v1/licenses?page=2147483647&per_page=500")
        #expect(beyond.status == 200)
        #expect(beyond.json["data"]?.arrayValue?.isEmpty == true)
        #expect(beyond.json["meta"]?.objectValue?["total"] == .integer(3))
    }

    @Test(
        "for what is not there is a 404, whatever the name is made of",
        arguments: [
            ("products/nope", "product_not_found"), ("products/%00", "product_not_found"),
            ("products/%FF", "product_not_found"),
            ("products/a%2Fb", "product_not_found"), ("customers/0", "customer_not_found"),
            ("customers/99999999999999999999", "customer_not_found"), ("customers/+1", "customer_not_found"),
            ("licenses/lic_", "license_unknown"), ("licenses/lic_0000000000000", "license_unknown"),
            ("licenses/act_0000000000000", "license_unknown"), ("licenses/%F0%9F%92%A9", "license_unknown"),
        ])
    func absent(path: String, code: String) async throws {
        let face = OperatorFace(of: try await TestHouse())
        let reply = try await face.get("/api/v1/\(path)")
        #expect(reply.status == 404)
        #expect(reply.code == code)
        #expect(face.log.complaints.isEmpty)
    }

    @Test(
        "with numbers out of any range is a 400 that names them",
        arguments: [
            ("products", #""code":"x","token_days":9223372036854775807"#, "token_days"),
            ("products", #""code":"x","max_activations":-9223372036854775808"#, "max_activations"),
            ("products", #""code":"x","addresses_per_seat":0"#, "addresses_per_seat"),
            ("products", #""code":"x","max_activations":1e3"#, "max_activations"),
            ("products", #""code":"x","counts_development":"yes""#, "counts_development"),
            ("products", #""code":"x","features":"a,b""#, "features"),
            ("products", #""code":"x","features":["a",1]"#, "features"),
            ("products", #""code":"Not A Slug""#, "code"), ("products", #""name":"X""#, "code"),
            ("customers", #""id":0"#, "id"), ("customers", #""id":-1"#, "id"), ("customers", #""id":"1""#, "id"),
            ("customers", #""id":9223372036854775808"#, "id"), ("customers", #""dry_run":"yes""#, "dry_run"),
            ("customers", #""reason":"\u0000""#, "reason"),
            ("licenses", #""customer_id":123,"product":"whm-panel","grace_days":9223372036854775807"#, "grace_days"),
            ("licenses", #""customer_id":123,"product":"whm-panel","expires":"tomorrow""#, "expires"),
            ("licenses", #""customer_id":123,"product":"whm-panel","expires":"2027-02-30""#, "expires"),
            ("licenses", #""customer_id":"123","product":"whm-panel""#, "customer_id"),
            ("licenses/lookup", #""license_key":"XXXX""#, "license_key"),
            ("licenses/validate", #""license_key":"XXXX","ip_address":"x""#, "ip_address"),
            ("licenses/lic_0000000000000/deactivate", #""all":true,"domain":"a.com""#, "domain"),
            ("licenses/lic_0000000000000/deactivate", #""ip_address":"x""#, "ip_address"),
        ])
    func badMembers(path: String, members: String, name: String) async throws {
        let house = try await TestHouse()
        try await house.product()
        try await house.customer()
        let face = OperatorFace(of: house)
        let reply = try await face.post("/api/v1/\(path)", "{\(members)}")
        #expect(reply.status == 400, "\(reply.text)")
        #expect(reply.violations.contains(name), "\(reply.text)")
        #expect(face.log.complaints.isEmpty)
    }

    @Test("is refused for want of what it builds on, with the command that helps")
    func missingParts() async throws {
        let house = try await TestHouse()
        let face = OperatorFace(of: house)
        let body = #"{"customer_id":7,"product":"whm-panel"}"#
        let noProduct = try await face.post("/api/v1/licenses", body)
        #expect(noProduct.status == 422)
        #expect(noProduct.json["detail"]?.stringValue?.contains("signet product create whm-panel") == true)
        try await house.product()
        let noCustomer = try await face.post("/api/v1/licenses", body)
        #expect(noCustomer.code == "customer_unknown")
        #expect(noCustomer.json["detail"]?.stringValue?.contains("signet customer create --id 7") == true)
        let past = try await face.post(
            "/api/v1/licenses", #"{"customer_id":7,"product":"whm-panel","expires":"2026-11-22"}"#)
        #expect(past.code == "expiry_in_past")
    }

    @Test(
        "to try only changes nothing",
        arguments: [
            ("products", #""code":"other""#), ("customers", #""id":9"#), ("keys", #""reason":"try""#),
            ("licenses", #""customer_id":123,"product":"whm-panel""#),
        ])
    func dryRun(path: String, members: String) async throws {
        let house = try await TestHouse()
        try await house.product()
        try await house.customer()
        let face = OperatorFace(of: house)
        let count = "SELECT count(*) FROM journal"
        let before = try await house.count(count)
        #expect(try await face.post("/api/v1/\(path)", "{\(members),\"dry_run\":true}").status == 201)
        #expect(try await house.count(count) == before)
        #expect(try await face.post("/api/v1/\(path)", "{\(members)}").status == 201)
        #expect(try await house.count(count) == before + 1)
    }

    @Test("is recorded with who asked, why, and the request's id")
    func provenance() async throws {
        let house = try await TestHouse()
        let face = OperatorFace(of: house, uid: 0, loginUID: 1000)
        #expect(try await face.post("/api/v1/customers", #"{"id":5,"reason":"moved over"}"#).status == 201)
        let last = "FROM journal ORDER BY sequence DESC LIMIT 1"
        #expect(try await house.texts("SELECT actor \(last)") == ["uid:0/login:1000"])
        #expect(try await house.texts("SELECT request_id \(last)") == [OperatorFace.requestID])
        #expect(try await house.texts("SELECT data \(last)").first?.contains("moved over") == true)
    }
}
