import Foundation
import HTTPTypes
import Hummingbird
import Licensing
import Primitives
import TestSupport
import Testing

@testable import HTTPAPI

/// Paths and methods of `openapi.yaml`, read line by line: paths stand two spaces in, methods four.
private struct Document {
    /// `POST /api/v1/installer/validate`.
    let operations: Set<String>

    var paths: Set<String> { Set(operations.map { String($0.drop { $0 != " " }.dropFirst()) }) }

    /// What a 405 of the path should tell.
    func allowed(at path: String) -> String {
        let methods = operations.filter { $0.hasSuffix(" \(path)") }.map { String($0.prefix { $0 != " " }) }
        return (methods + (methods.contains("GET") ? ["HEAD"] : [])).sorted().joined(separator: ", ")
    }

    init() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/HTTPAPI/Resources/openapi.yaml").standardizedFileURL
        let text = try String(contentsOf: file, encoding: .utf8)
        var operations: Set<String> = []
        var path: String?
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for line in lines.drop(while: { $0 != "paths:" }).dropFirst().prefix(while: { $0.first == " " || $0.isEmpty }) {
            if let match = line.wholeMatch(of: #/  (\/\S*):/#) { path = String(match.1) }
            if let path, let match = line.wholeMatch(of: #/    (get|put|post|patch|delete|head|options):/#) {
                operations.insert("\(match.1.uppercased()) \(path)")
            }
        }
        self.operations = operations
    }
}

@Suite("The routes")
struct RoutesTests {
    private static func operations<Context>(_ router: Router<Context>) -> [String] {
        router.routes.map { "\($0.method.rawValue) \($0.path)" }
    }

    @Test("are those of openapi.yaml, each way")
    func agreeWithTheDocument() async throws {
        let house = try await TestHouse()
        let clients = PublicAPI(licensing: house.licensing, clock: house.clock, proxies: []).router()
        let operators = OperatorAPI(licensing: house.licensing, clock: house.clock).router()
        let monitors = AdminAPI(licensing: house.licensing) { [] }.router()
        let routes = Set(Self.operations(clients) + Self.operations(operators) + Self.operations(monitors))
        let document = try Document()
        #expect(document.operations.count == 30)
        #expect(routes.subtracting(document.operations).isEmpty, "missing in openapi.yaml")
        #expect(document.operations.subtracting(routes).isEmpty, "in openapi.yaml only")
    }

    @Test("answer other methods with 405 and exactly what they have")
    func otherMethods() async throws {
        let house = try await TestHouse()
        let clients = ClientFace(of: house)
        let operators = OperatorFace(of: house)
        let monitors = ClientFace(AdminAPI(licensing: house.licensing) { [] }.router())
        let document = try Document()
        let publicPaths = Set(
            PublicAPI(licensing: house.licensing, clock: house.clock, proxies: []).router().routes.map { "\($0.path)" })
        for path in document.paths {
            let allowed = document.allowed(at: path)
            for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"]
            where !allowed.components(separatedBy: ", ").contains(method) {
                let ask = Ask(method: try #require(HTTPRequest.Method(method)), path: path)
                let reply =
                    switch path {
                    case "/metrics": try await monitors.reply(to: ask)
                    case _ where publicPaths.contains(path): try await clients.reply(to: ask)
                    default: try await operators.reply(to: ask)
                    }
                #expect(reply.status == 405, "\(method) \(path)")
                #expect(reply.headers[.allow] == allowed, "\(method) \(path)")
                #expect(reply.code == "method_not_allowed" || method == "HEAD", "\(method) \(path)")
            }
        }
    }

    @Test("keep operators' paths from the public listener, and the other way round")
    func faces() async throws {
        let house = try await TestHouse()
        let clients = ClientFace(of: house)
        for path in [
            "/api/v1/products", "/api/v1/customers", "/api/v1/licenses", "/api/v1/keys", "/api/v1/keys/export",
        ] {
            #expect(try await clients.reply(to: .get(path)).status == 404, "\(path)")
            #expect(try await clients.reply(to: .post(path, Array("{}".utf8))).status == 404, "\(path)")
        }
        let operators = OperatorFace(of: house)
        #expect(try await operators.post(ClientFace.validatePath, "{}").status == 404)
    }

    @Test(
        "answer HEAD as GET without the body",
        arguments: [
            "/healthz", "/readyz", "/.well-known/jwks.json", "/openapi.yaml",
        ])
    func head(path: String) async throws {
        let face = ClientFace(of: try await TestHouse())
        let got = try await face.reply(to: .get(path))
        let head = try await face.reply(to: Ask(method: .head, path: path))
        #expect(got.status == 200)
        #expect(head.status == 200)
        #expect(head.headers[.contentType] == got.headers[.contentType])
        #expect(head.headers[.contentLength] == String(got.body.count))
        #expect(!got.body.isEmpty)
        #expect(head.body.isEmpty)
    }

    @Test(
        "answer what nobody has with 404",
        arguments: [
            "/", "/nope", "/api/v1/installer", "/api/v1/installer/validate/x", "/api/v2/installer/validate", "/HEALTHZ",
            "/healthz%00", "/%68ealthz", "/..%2f..%2fetc%2fpasswd", "/healthz;x", "/{id}", "/*", "/**",
        ])
    func unknownPath(path: String) async throws {
        let face = ClientFace(of: try await TestHouse())
        for method in [HTTPRequest.Method.get, .post, .head, .options] {
            let reply = try await face.reply(to: Ask(method: method, path: path))
            #expect(reply.status == 404, "\(method) \(path)")
            #expect(reply.headers[.allow] == nil)
        }
        #expect(try await face.reply(to: .get(path)).code == "not_found")
        #expect(face.log.complaints.isEmpty)
    }

    @Test("do not care for a slash at the end or a query", arguments: ["/healthz/", "/healthz?x=1", "/healthz/?"])
    func trailingSlash(path: String) async throws {
        let face = ClientFace(of: try await TestHouse())
        #expect(try await face.reply(to: .get(path)).text == #"{"status":"ok"}"#)
    }

    @Test("serve the document as it stands in the sources")
    func document() async throws {
        let reply = try await ClientFace(of: try await TestHouse()).reply(to: .get("/openapi.yaml"))
        #expect(reply.headers[.contentType] == "application/yaml")
        #expect(reply.text.hasPrefix("openapi: 3.1.0\n"))
    }
}

@Suite("The published keys")
struct KeySetRouteTests {
    private static let path = "/.well-known/jwks.json"

    @Test("come with their type, a tag and how long a copy may be used")
    func answer() async throws {
        let house = try await TestHouse()
        let reply = try await ClientFace(of: house).reply(to: .get(Self.path))
        #expect(reply.status == 200)
        #expect(reply.headers[.contentType] == "application/jwk-set+json")
        #expect(reply.headers[.cacheControl] == "public, max-age=3600, stale-if-error=604800")
        #expect(reply.headers[.eTag] == house.licensing.keys.documentTag)
        #expect(reply.json["keys"]?.arrayValue?.count == 2)
        #expect(reply.body == house.licensing.keys.document)
    }

    @Test("are not sent again to a client that has them")
    func notModified() async throws {
        let face = ClientFace(of: try await TestHouse())
        let tag = try #require(try await face.reply(to: .get(Self.path)).headers[.eTag])
        for held in [tag, "W/\(tag)", "\"other\", \(tag)", "\"other\",W/\(tag)", "*"] {
            for method in [HTTPRequest.Method.get, .head] {
                let reply = try await face.reply(
                    to: Ask(method: method, path: Self.path, headers: [.ifNoneMatch: held]))
                #expect(reply.status == 304, "\(held)")
                #expect(reply.body.isEmpty)
                #expect(reply.headers[.eTag] == tag)
                #expect(reply.headers[.cacheControl] != nil)
            }
        }
        for held in ["\"other\"", "", String(tag.dropFirst().dropLast()), "W/"] {
            #expect(try await face.reply(to: .get(Self.path, [.ifNoneMatch: held])).status == 200, "\(held)")
        }
    }

    @Test("have another tag once there is another key")
    func tagChanges() async throws {
        let house = try await TestHouse()
        let face = ClientFace(of: house)
        let tag = try #require(try await face.reply(to: .get(Self.path)).headers[.eTag])
        #expect(try await OperatorFace(of: house).post("/api/v1/keys", "{}").status == 201)
        let reply = try await face.reply(to: .get(Self.path, [.ifNoneMatch: tag]))
        #expect(reply.status == 200)
        #expect(reply.json["keys"]?.arrayValue?.count == 3)
    }
}
