import Foundation
import HTTPTypes
import TestSupport
import Testing
import Yams

@testable import HTTPAPI

/// How far a node has followed the others, as every answer says.
@Suite("The headers of the feed")
struct FeedHeaderTests {
    private static let names = ["Signet-Feed-Position", "Signet-Feed-Age"]

    /// What `openapi.yaml` says of each response that is written out in it, by its place.
    private static func responses() throws -> [String: [String: Any]] {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/HTTPAPI/Resources/openapi.yaml").standardizedFileURL
        let root = try #require(try Yams.load(yaml: String(contentsOf: file, encoding: .utf8)) as? [String: Any])
        var found: [String: [String: Any]] = [:]
        for (path, operations) in root["paths"] as? [String: [String: Any]] ?? [:] {
            for (method, operation) in operations {
                let responses = (operation as? [String: Any])?["responses"] as? [String: [String: Any]] ?? [:]
                for (status, response) in responses where response["$ref"] == nil {
                    found["\(method) \(path) \(status)"] = response
                }
            }
        }
        let components = root["components"] as? [String: Any]
        for (name, response) in components?["responses"] as? [String: [String: Any]] ?? [:] { found[name] = response }
        return found
    }

    @Test("are documented with every response")
    func documented() throws {
        let responses = try Self.responses()
        #expect(responses.count > 60)
        for (place, response) in responses {
            let headers = Set((response["headers"] as? [String: Any] ?? [:]).keys)
            #expect(headers.isSuperset(of: Self.names), "\(place)")
        }
    }

    @Test("stand on every answer of the public listener where there are other nodes, and on none elsewhere")
    func sent() async throws {
        let house = try await TestHouse()
        let acme = try await house.acme()
        let face = ClientFace(of: house)
        let answers = [
            try await face.validate(acme, "example.com"), try await face.validate("{"),
            try await face.reply(to: .get("/readyz")), try await face.reply(to: .get("/healthz")),
            try await face.reply(to: .get("/.well-known/jwks.json")),
            try await face.reply(to: .get("/api/v1/installer/revocations")),
            try await face.reply(to: .get("/api/v1/licenses")), try await face.reply(to: .get("/nowhere")),
        ]
        for answer in answers {
            for name in Self.names {
                let value = answer.headers[try #require(HTTPField.Name(name))]
                #expect((value.flatMap { Int64($0) } != nil) == TestDatabase.isShared, "\(answer.status): \(name)")
            }
        }
    }

    @Test("are none of the operators' socket")
    func operators() async throws {
        let answer = try await OperatorFace(of: try await TestHouse()).reply(to: .get("/api/v1/licenses"))
        #expect(answer.status == 200)
        for name in Self.names { #expect(answer.headers[try #require(HTTPField.Name(name))] == nil) }
    }
}
