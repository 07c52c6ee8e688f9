import Database
import Foundation
import Licensing
import Primitives
import TestSupport
import Testing

@testable import SignetApp

/// A call of the API, its path and body perhaps built from earlier answers.
private struct Call: Sendable {
    let path: @Sendable (Story) -> String
    let body: (@Sendable (Story) -> String)?

    static func get(_ path: @autoclosure @escaping @Sendable () -> String) -> Call {
        Call(path: { _ in path() }, body: nil)
    }

    static func get(_ path: @escaping @Sendable (Story) -> String) -> Call { Call(path: path, body: nil) }

    static func post(_ path: String, _ body: String) -> Call { Call(path: { _ in path }, body: { _ in body }) }

    static func post(
        _ path: @escaping @Sendable (Story) -> String, _ body: @escaping @Sendable (Story) -> String
    ) -> Call {
        Call(path: path, body: body)
    }
}

/// What has been learned from the answers.
private struct Story: Sendable {
    var id = ""
    var key = ""
}

/// What an operator might do in a day, wrong turns included.
private let script: [Call] = [
    .get("/api/v1/keys"),
    .post(
        "/api/v1/products", #"{"code":"whm-panel","name":"WHM Panel","license_type":"professional","features":["whm"]}"#
    ),
    .post("/api/v1/products", #"{"code":"whm-panel"}"#),
    .post("/api/v1/customers", #"{"id":123,"reference":"acme","reason":"new"}"#),
    .post("/api/v1/customers", #"{"id":123}"#),
    .post("/api/v1/customers", "not json"),
    .post("/api/v1/customers", ""),
    .post("/api/v1/licenses", #"{"customer_id":123,"product":"whm-panel","expires":"2099-12-31","dry_run":true}"#),
    .post("/api/v1/licenses", #"{"customer_id":123,"product":"whm-panel","expires":"2099-12-31","max_activations":2}"#),
    .post("/api/v1/licenses", #"{"customer_id":9,"product":"whm-panel"}"#),
    .get("/api/v1/licenses?per_page=1&status=active"),
    .get("/api/v1/licenses?page=0"),
    .get("/api/v1/licenses?customer=9"),
    .get { "/api/v1/licenses/\($0.id)" },
    .post({ _ in "/api/v1/licenses/lookup" }, { #"{"license_key":"\#($0.key)"}"# }),
    .post({ _ in "/api/v1/licenses/validate" }, { #"{"license_key":"\#($0.key)"}"# }),
    .post({ _ in "/api/v1/licenses/validate" }, { #"{"license_key":"\#($0.key)","domain":"example.com"}"# }),
    .post(
        { _ in "/api/v1/licenses/validate" },
        { #"{"license_key":"\#($0.key)","domain":"example.com","activate":true}"# }),
    .post(
        { _ in "/api/v1/licenses/validate" },
        { #"{"license_key":"\#($0.key)","domain":"bücher.example","ip_address":"x"}"# }),
    .get { "/api/v1/licenses/\($0.id)" },
    .post({ "/api/v1/licenses/\($0.id)/deactivate" }, { _ in #"{"domain":"example.org"}"# }),
    .post({ "/api/v1/licenses/\($0.id)/deactivate" }, { _ in #"{"domain":"example.com"}"# }),
    .get("/api/v1/customers/123"),
    .get("/api/v1/products/nope"),
    .get("/api/v1/nowhere"),
    .get("/api/v1/keys/export"),
]

@Suite("The client of operators", .serialized)
struct OperatorClientTests {
    @Test("gets the same answers from a server as from its own process")
    func sameAnswers() async throws {
        let home = try Home()
        let client = try await OperatorClient.open(home.settings, command: "the test", logger: Home.logger)
        let alone = try await Self.answers(client)
        try await client.close()

        let other = try Home()
        let served = try await Self.withServer(other) { _ in
            let client = try await OperatorClient.open(other.settings, command: "the test", logger: Home.logger)
            let answers = try await Self.answers(client)
            try await client.close()
            return answers
        }
        #expect(alone.count == script.count)
        for (position, pair) in zip(alone, served).enumerated() { #expect(pair.0 == pair.1, "call \(position)") }
        #expect(Set(alone.map { $0.prefix(3) }) == ["200", "201", "400", "404", "409", "422"])
    }

    @Test("changes what the server's clients see at once")
    func seenAtOnce() async throws {
        let home = try Home()
        try await Self.withServer(home) { signet in
            let key = try #require(try await DemoData.load(into: signet))
            #expect(try await SignetTests.validate(key, signet).verdict == .valid)
            #expect(try await SignetTests.validate(key, signet, domain: "example.org").verdict == .activationLimit)
            let client = try await OperatorClient.open(home.settings, command: "the test", logger: Home.logger)
            let found = try await client.post("/api/v1/licenses/lookup", Array(#"{"license_key":"\#(key.text)"}"#.utf8))
            let id = try #require(found.json.objectValue?["id"]?.stringValue)
            let freed = try await client.post("/api/v1/licenses/\(id)/deactivate", Array(#"{"all":true}"#.utf8))
            #expect(freed.status == 200)
            #expect(try await SignetTests.validate(key, signet, domain: "example.org").verdict == .valid)
            try await client.close()
        }
    }

    @Test("leaves the directory free for the next command")
    func leavesNothing() async throws {
        let home = try Home()
        for _ in 1...3 {
            let client = try await OperatorClient.open(home.settings, command: "the test", logger: Home.logger)
            #expect(try await client.get("/api/v1/customers").status == 200)
            try await client.close()
        }
    }

    @Test("has a socket that only its owner may open, and leaves none behind")
    func socketMode() async throws {
        let home = try Home()
        try await Self.withServer(home) { _ in
            let permissions = try home.directory.permissions(of: "data/signet.sock")
            #expect(permissions == 0o600)
        }
    }

    @Test("refuses a socket path that the kernel would cut off")
    func longPath() async throws {
        let home = try Home()
        var settings = home.settings
        settings.data = home.directory.path(of: String(repeating: "d", count: 100))
        let signet = try await Signet.open(settings, command: "the test", clock: ManualClock(), logger: Home.logger)
        await #expect(throws: Server.Failure.socketPathTooLong(settings.socketPath)) {
            try await Server(signet).run { _ in Issue.record("it cannot be ready") }
        }
        try await signet.close()
    }

    /// What `script` is answered: status and body, with identifiers and times made equal.
    private static func answers(_ client: OperatorClient) async throws -> [String] {
        var story = Story()
        var answers: [String] = []
        for call in script {
            let path = call.path(story)
            let answer =
                if let body = call.body { try await client.post(path, Array(body(story).utf8)) } else {
                    try await client.get(path)
                }
            if let key = answer.json.objectValue?["license_key"]?.stringValue { story.key = key }
            if path == "/api/v1/licenses", let id = answer.json.objectValue?["id"]?.stringValue { story.id = id }
            answers.append("\(answer.status) \(normalized(answer.json))")
        }
        return answers
    }

    /// What differs from run to run, by the name of the member.
    private static let varying: Set = [
        "id", "license_id", "license_key", "last4", "kid", "x", "token", "instance", "server_time", "next_check_at",
        "created_at", "published_at", "signs_from", "first_seen", "last_seen",
    ]

    private static func normalized(_ value: JSONValue) -> String {
        switch value {
        case .object(let object):
            let members = object.members.map { name, value in
                let isVarying = varying.contains(name) && value.stringValue != nil
                return "\(name)=\(isVarying ? "*" : normalized(value))"
            }
            return "{\(members.joined(separator: ","))}"
        case .array(let elements): return "[\(elements.map(normalized).joined(separator: ","))]"
        default: return "\(value)"
        }
    }

    /// A server over `home`, for the time of `body`.
    private static func withServer<Value: Sendable>(
        _ home: Home, _ body: @escaping @Sendable (Signet) async throws -> Value
    ) async throws -> Value {
        let signet = try await home.open()
        let (ready, tell) = AsyncStream.makeStream(of: Settings.Listen.self)
        let value = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await Server(signet).run { tell.yield($0) } }
            let listen = try #require(await ready.first { _ in true })
            #expect(listen.port > 0)
            let value = try await body(signet)
            group.cancelAll()
            return value
        }
        try await signet.close()
        return value
    }
}
