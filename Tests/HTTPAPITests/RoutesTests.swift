import Access
import Foundation
import HTTPTypes
import Hummingbird
import Licensing
import NIOCore
import Primitives
import TestSupport
import Testing
import Yams

@testable import HTTPAPI

/// What `openapi.yaml` says of the routes.
private struct Document {
    private static let methods: Set<String> = ["get", "put", "post", "patch", "delete", "head", "options", "trace"]

    /// The scopes that each operation asks for, by `POST /api/v1/products`; none for one that is open to everyone.
    let scopes: [String: [String]]
    /// The statuses that each operation may answer with.
    let statuses: [String: Set<String>]

    var operations: Set<String> { Set(scopes.keys) }

    var paths: Set<String> { Set(operations.map { String($0.drop { $0 != " " }.dropFirst()) }) }

    /// What a 405 of the path should tell.
    func allowed(at path: String) -> String {
        let methods = operations.filter { $0.hasSuffix(" \(path)") }.map { String($0.prefix { $0 != " " }) }
        return (methods + (methods.contains("GET") ? ["HEAD"] : [])).sorted().joined(separator: ", ")
    }

    init() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/HTTPAPI/Resources/openapi.yaml").standardizedFileURL
        let root = try Yams.load(yaml: String(contentsOf: file, encoding: .utf8)) as? [String: Any]
        let paths = try #require(root?["paths"] as? [String: [String: Any]])
        var scopes: [String: [String]] = [:]
        var statuses: [String: Set<String>] = [:]
        for (path, items) in paths {
            for (method, item) in items where Self.methods.contains(method) {
                let operation = try #require(item as? [String: Any])
                let name = "\(method.uppercased()) \(path)"
                let security = operation["security"] as? [[String: [String]]] ?? []
                scopes[name] = security.flatMap { $0["adminToken"] ?? [] }
                statuses[name] = Set((operation["responses"] as? [String: Any] ?? [:]).keys)
            }
        }
        self.scopes = scopes
        self.statuses = statuses
    }
}

@Suite("The routes")
struct RoutesTests {
    private static func operations(_ router: Router<ClientContext>) -> Set<String> {
        Set(router.routes.map { "\($0.method.rawValue) \($0.path)" })
    }

    @Test("of the public listener are those of openapi.yaml, each way")
    func agreeWithTheDocument() async throws {
        let house = try await TestHouse()
        let monitors = AdminAPI(licensing: house.licensing) { [] }.router()
        let routes = Self.operations(PublicAPI(house.backend, proxies: []).router()).union(Self.operations(monitors))
        let document = try Document()
        #expect(document.operations.count > 25)
        #expect(routes.subtracting(document.operations).isEmpty, "missing in openapi.yaml")
        #expect(document.operations.subtracting(routes).isEmpty, "in openapi.yaml only")
    }

    @Test("need exactly the scopes that openapi.yaml says, and say what they answer without")
    func scopes() async throws {
        let house = try await TestHouse()
        var routes = Routes()
        OperatorAPI(house.backend).add(to: &routes)
        let document = try Document()
        let needed = document.scopes.filter { !$0.value.isEmpty }
        #expect(needed == routes.scopes.mapValues { [$0.rawValue] })
        for operation in needed.keys {
            let statuses = try #require(document.statuses[operation])
            #expect(statuses.isSuperset(of: ["401", "403", "429", "503"]), "\(operation)")
        }
    }

    @Test("of operators are the same on the socket and on the public listener")
    func oneAPI() async throws {
        let house = try await TestHouse()
        let operators = Self.operations(OperatorAPI(house.backend).router())
        let open = Set(try Document().scopes.filter { $0.value.isEmpty && $0.key != "GET /metrics" }.keys)
        #expect(Self.operations(PublicAPI(house.backend, proxies: []).router()) == operators.union(open))
        #expect(operators.isDisjoint(with: open))
    }

    @Test("answer other methods with 405 and exactly what they have")
    func otherMethods() async throws {
        let house = try await TestHouse()
        let face = ClientFace(of: house)
        let monitors = ClientFace(AdminAPI(licensing: house.licensing) { [] }.router())
        let document = try Document()
        for path in document.paths {
            let allowed = document.allowed(at: path)
            for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"]
            where !allowed.components(separatedBy: ", ").contains(method) {
                let ask = Ask(method: try #require(HTTPRequest.Method(method)), path: path)
                let reply = try await (path == "/metrics" ? monitors : face).reply(to: ask)
                #expect(reply.status == 405, "\(method) \(path)")
                #expect(reply.headers[.allow] == allowed, "\(method) \(path)")
                #expect(reply.code == "method_not_allowed" || method == "HEAD", "\(method) \(path)")
            }
        }
    }

    @Test("of operators are closed to whoever has no token, and those of installations are not on the socket")
    func faces() async throws {
        let house = try await TestHouse()
        let clients = ClientFace(of: house)
        for (operation, scopes) in try Document().scopes where !scopes.isEmpty {
            let words = operation.split(separator: " ").map(String.init)
            let method = try #require(HTTPRequest.Method(words[0]))
            let ask = Ask(method: method, path: words[1], body: .init(buffer: ByteBuffer(string: "{}")))
            let reply = try await clients.reply(to: ask)
            #expect(reply.status == 401, "\(operation)")
            #expect(reply.code == "token_missing", "\(operation)")
        }
        #expect(try await OperatorFace(of: house).post(ClientFace.validatePath, "{}").status == 404)
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
        #expect(reply.headers[.eTag] == house.licensing.keys.document(at: house.clock.now()).tag)
        #expect(reply.json["keys"]?.arrayValue?.count == 2)
        #expect(reply.body == house.licensing.keys.document(at: house.clock.now()).json)
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
