import Access
import HTTPTypes
import Licensing
import Primitives
import TestSupport
import Testing

@testable import HTTPAPI

@Suite("The import of licenses over HTTP")
struct ImportRouteTests {
    private static let path = "/api/v1/licenses/import"

    private func body(
        _ lines: [ImportLine], products: [ImportLine] = [.product()], dryRun: Bool = false, source: String = "whmcs",
        days: JSONValue = .integer(5)
    ) -> String {
        let json = JSONWriter.object { json in
            json.member("source", source)
            json.member("suspend_after_days", value: days)
            json.member("products", value: .array(products.map(\.json)))
            json.member("records", value: .array(lines.map(\.json)))
            json.member("dry_run", dryRun)
        }
        return String(decoding: json, as: UTF8.self)
    }

    @Test("tells what became of each line, and how many of each there were")
    func results() async throws {
        let house = try await TestHouse()
        try await house.product()
        let face = OperatorFace(of: house)
        let lines: [ImportLine] = [.customer(), .license(), .license("78")]
        let tried = try await face.post(Self.path, body(lines, dryRun: true))
        #expect(tried.status == 201)
        #expect(tried.json["dry_run"] == .bool(true))
        #expect(tried.json["created"] == .integer(3))
        #expect(tried.json["results"]?.arrayValue?[1].objectValue?["became"] == .null)
        let reply = try await face.post(Self.path, body(lines))
        #expect(reply.status == 201)
        #expect(
            ["created", "updated", "unchanged", "conflicts"].map { reply.json[$0]?.integerValue } == [3, 0, 0, 1])
        let results = reply.json["results"]?.arrayValue?.compactMap(\.objectValue) ?? []
        #expect(results.map { $0["outcome"]?.stringValue } == ["created", "created", "created", "conflict"])
        #expect(results.map { $0["type"]?.stringValue } == ["product", "customer", "license", "license"])
        #expect(results[0]["became"] == .string("whm-panel"))
        #expect(results[2]["became"]?.stringValue?.hasPrefix("lic_") == true)
        #expect(results[3]["notes"]?.arrayValue?.first?.objectValue?["code"] == .string("key_taken"))
        let again = try await face.post(Self.path, body([.customer(), .license()]))
        #expect(again.json["unchanged"] == .integer(3))
    }

    @Test("names every member that is wrong, and does nothing then")
    func violations() async throws {
        let house = try await TestHouse()
        try await house.product()
        let face = OperatorFace(of: house)
        let wrong: [ImportLine] = [
            .license(["key": .string("x"), "next_due": .string("soon")]),
            .license("78", key: "Leased-78", ["status": .string("Odd")]),
        ]
        let reply = try await face.post(Self.path, body(wrong, source: "other", days: .integer(-1)))
        #expect(reply.status == 400)
        #expect(
            Set(reply.violations) == [
                "source", "suspend_after_days", "records[0].key", "records[0].next_due", "records[1].status",
            ])
        #expect(try await face.post(Self.path, "{}").violations == ["source"])
        #expect(try await house.count("SELECT count(*) FROM import_links") == 0)
        let stray = try await face.post(Self.path, body([], products: [.product(["code": .string("nothing")])]))
        #expect(stray.status == 422)
        #expect(stray.code == "product_unknown")
    }

    @Test("needs the scope for imports, and is done once for an Idempotency-Key")
    func scope() async throws {
        let house = try await TestHouse()
        try await house.product()
        let face = ClientFace(of: house)
        let writer = try await house.adminToken("writer", .licensesWrite)
        #expect(try await face.post(Self.path, body([.license()]), token: writer).status == 403)
        let importer = try await house.adminToken("importer", .importWrite)
        let key = try #require(HTTPField.Name("Idempotency-Key"))
        let first = try await face.post(Self.path, body([.license()]), token: importer, [key: "night-1"])
        let again = try await face.post(Self.path, body([.license()]), token: importer, [key: "night-1"])
        #expect(first.status == 201)
        #expect(again.body == first.body)
        #expect(try await face.post(Self.path, body([.license()]), token: importer).json["unchanged"] == .integer(2))
    }
}
