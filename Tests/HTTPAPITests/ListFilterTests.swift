import Foundation
import Primitives
import TestSupport
import Testing

@testable import HTTPAPI

@Suite("A list")
struct ListFilterTests {
    private let house: TestHouse
    private let face: OperatorFace

    init() async throws {
        house = try await TestHouse()
        face = OperatorFace(of: house)
    }

    private func make(_ path: String, _ bodies: String...) async throws {
        for body in bodies { #expect(try await face.post(path, body).status == 201, "\(body)") }
    }

    /// `member` of what `query` finds, and a total that agrees.
    private func found(_ path: String, _ query: String, _ member: String) async throws -> [JSONValue?] {
        let reply = try await face.get("\(path)?\(query)")
        #expect(reply.status == 200, "\(reply.text)")
        let items = reply.json["data"]?.arrayValue ?? []
        let total = reply.json["meta"]?.objectValue?["total"]
        #expect(total == nil || total == .integer(Int64(items.count)))
        return items.map { $0.objectValue?[member] }
    }

    @Test("of products is narrowed by a part of code or name, in any case, in which nothing is a wildcard")
    func products() async throws {
        let path = "/api/v1/products"
        try await make(
            path, #"{"code":"whm-panel","name":"Panel for hosts"}"#, #"{"code":"shop","name":"100% Shop_Suite!"}"#)
        for (query, codes) in [
            ("search=PANEL", ["whm-panel"]), ("search=hosts", ["whm-panel"]), ("search=sh", ["shop"]),
            ("search=100%25", ["shop"]), ("search=%25", ["shop"]), ("search=_", ["shop"]), ("search=!", ["shop"]),
            ("search=none", []), ("", ["whm-panel", "shop"]),
        ] {
            #expect(try await found(path, query, "code") == codes.map { .string($0) }, "\(query)")
        }
        #expect(try await face.get("\(path)?search=").violations == ["search"])
    }

    @Test("of customers is narrowed by reference and state, and its links keep both")
    func customers() async throws {
        let path = "/api/v1/customers"
        try await make(
            path, #"{"id":1,"reference":"whmcs:4711"}"#, #"{"id":2,"reference":"whmcs:4712"}"#, #"{"id":3}"#)
        try await house.execute("UPDATE customers SET state = 'closed' WHERE id = 2")
        for (query, ids) in [
            ("reference=WHMCS%3A", [1, 2]), ("reference=4711", [1]), ("state=closed", [2]), ("state=active", [1, 3]),
            ("reference=47&state=active", [1]),
        ] {
            #expect(try await found(path, query, "id") == ids.map { .integer(Int64($0)) }, "\(query)")
        }
        let reply = try await face.get("\(path)?state=active&reference=47&per_page=1")
        let own = reply.json["links"]?.objectValue?["self"]?.stringValue
        #expect(own == "\(path)?reference=47&state=active&page=1&per_page=1")
        for bad in ["state=gone", "state=", "reference="] {
            let name = String(bad.prefix { $0 != "=" })
            #expect(try await face.get("\(path)?\(bad)").violations == [name], "\(bad)")
        }
    }

    @Test("of admin tokens is narrowed by what the clock and a revocation make of them, and by what they permit")
    func tokens() async throws {
        let path = "/api/v1/admin-tokens"
        try await make(
            path, #"{"name":"short","scopes":["licenses:read"],"expires":"+1 days"}"#,
            #"{"name":"long","scopes":["licenses:read","keys:read"],"expires":"never"}"#,
            #"{"name":"gone","scopes":["keys:read"]}"#)
        #expect(try await face.post("\(path)/gone/revoke", "{}").status == 200)
        house.clock.advance(by: .days(3))
        for (query, names) in [
            ("status=active", ["long"]), ("status=expired", ["short"]), ("status=revoked", ["gone"]),
            ("scope=keys%3Aread", ["gone", "long"]), ("scope=keys%3Aread&status=active", ["long"]),
            ("scope=keys%3Awrite", []),
        ] {
            let told = try await found(path, query, "name").compactMap { $0?.stringValue }.sorted()
            #expect(told == names, "\(query)")
        }
        for bad in ["status=x", "scope=keys", "scope="] {
            let name = String(bad.prefix { $0 != "=" })
            #expect(try await face.get("\(path)?\(bad)").violations == [name], "\(bad)")
        }
    }

    @Test("of signing keys is narrowed by state")
    func keys() async throws {
        #expect(try await found("/api/v1/keys", "state=current", "state") == [.string("current")])
        #expect(try await found("/api/v1/keys", "state=revoked", "state") == [])
        #expect(try await face.get("/api/v1/keys?state=x").violations == ["state"])
    }
}
