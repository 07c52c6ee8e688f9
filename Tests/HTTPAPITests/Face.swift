import HTTPTypes
import Hummingbird
import HummingbirdCore
import Licensing
import Logging
import NIOCore
import NIOEmbedded
import Primitives
import TestSupport
import Testing

@testable import HTTPAPI

/// What a request was answered with.
struct Reply: Sendable {
    let status: Int
    let headers: HTTPFields
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The members of a JSON object; none when the body is something else.
    var json: JSONObject { (try? JSONReader.read(body))?.objectValue ?? JSONObject() }

    var code: String? { json["code"]?.stringValue }

    /// The members and parameters that a problem complains of.
    var violations: [String] {
        (json["violations"]?.arrayValue ?? []).compactMap { $0.objectValue?["member"]?.stringValue }
    }
}

/// A request that tests send.
struct Ask: Sendable {
    var method = HTTPRequest.Method.get
    var path: String
    var headers = HTTPFields()
    var body: RequestBody = .init(buffer: ByteBuffer())

    static func get(_ path: String, _ headers: HTTPFields = [:]) -> Ask { Ask(path: path, headers: headers) }

    /// A body whose length is declared.
    static func post(
        _ path: String, _ body: [UInt8], contentType: String? = "application/json", _ headers: HTTPFields = [:]
    ) -> Ask {
        var ask = Ask(method: .post, path: path, headers: headers, body: .init(buffer: ByteBuffer(bytes: body)))
        ask.headers[.contentType] = contentType
        ask.headers[.contentLength] = String(body.count)
        return ask
    }

    /// A body that comes in parts and says nowhere how long it is.
    static func post(_ path: String, parts: [[UInt8]]) -> Ask {
        let stream = AsyncStream<ByteBuffer> { continuation in
            for part in parts { continuation.yield(ByteBuffer(bytes: part)) }
            continuation.finish()
        }
        return Ask(
            method: .post, path: path, headers: [.contentType: "application/json"],
            body: RequestBody(asyncSequence: stream))
    }
}

/// One router with everything that stands before its handlers, and no sockets.
struct Face: Sendable {
    static var requestID: String { "req-7" }

    let responder: RouterResponder<ClientContext>
    /// What was logged for requests.
    let log = LogRecorder()
    private let context: @Sendable (Logger) -> ClientContext

    init(_ router: Router<ClientContext>, context: @escaping @Sendable (Logger) -> ClientContext) {
        responder = router.buildResponder()
        self.context = context
    }

    func reply(to ask: Ask) async throws -> Reply {
        var logger = Logger(label: "test", factory: { _ in log.handler })
        logger[metadataKey: "hb.request.id"] = .string(Self.requestID)
        let head = HTTPRequest(
            method: ask.method, scheme: "http", authority: "localhost", path: ask.path, headerFields: ask.headers)
        let response = try await responder.respond(to: Request(head: head, body: ask.body), context: context(logger))
        let collector = BodyCollector()
        try await response.body.write(collector)
        let body = Array(collector.buffer.readableBytesView)
        // A client waits for what was announced.
        if ask.method != .head, let announced = response.headers[.contentLength] {
            #expect(announced == String(body.count), "\(ask.path)")
        }
        return Reply(status: response.status.code, headers: response.headers, body: body)
    }
}

/// Takes a response's body as it is written. Used by one task at a time, as the protocol asks.
private final class BodyCollector: ResponseBodyWriter {
    var buffer = ByteBuffer()

    func write(_ part: ByteBuffer) async throws { buffer.writeImmutableBuffer(part) }

    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}

extension TestHouse {
    var backend: Backend {
        Backend(
            licensing: licensing, access: access, audit: audit, upkeep: upkeep, membership: membership, clock: clock)
    }
}

/// The public listener, as seen by a client.
struct ClientFace: Sendable {
    static let requestID = Face.requestID
    static let validatePath = "/api/v1/installer/validate"

    private let face: Face
    /// What was logged for requests.
    var log: LogRecorder { face.log }

    /// The public listener over `house`, as seen by clients at `peer`.
    init(of house: TestHouse, peer: String = TestHouse.address, proxies: [String] = []) {
        let api = PublicAPI(house.backend, proxies: proxies.compactMap { AddressRange($0) })
        self.init(api.router(), peer: peer)
    }

    init(_ router: Router<ClientContext>, peer: String = TestHouse.address) {
        face = Face(router) { logger in
            let channel = NIOAsyncTestingChannel()
            channel.remoteAddress = try? SocketAddress(ipAddress: peer, port: 4711)
            return ClientContext(source: ApplicationRequestContextSource(channel: channel, logger: logger))
        }
    }

    func reply(to ask: Ask) async throws -> Reply { try await face.reply(to: ask) }

    func validate(_ body: String, _ headers: HTTPFields = [:]) async throws -> Reply {
        try await reply(to: .post(Self.validatePath, Array(body.utf8), headers))
    }

    func validate(_ license: IssuedLicense, _ domain: String) async throws -> Reply {
        try await validate(#"{"license_key":"\#(license.key.text)","domain":"\#(domain)"}"#)
    }
}

/// The operators' side of a house, called from inside the process.
struct OperatorFace: Sendable {
    static let requestID = Face.requestID

    private let face: Face
    /// What was logged for requests.
    var log: LogRecorder { face.log }

    init(of house: TestHouse, uid: UInt32 = 0, loginUID: UInt32? = 1000) {
        let credentials = PeerCredentials(uid: uid, loginUID: loginUID)
        face = Face(OperatorAPI(house.backend).router()) { logger in
            ClientContext(credentials: credentials, requestID: Face.requestID, logger: logger)
        }
    }

    func reply(to ask: Ask) async throws -> Reply { try await face.reply(to: ask) }

    func get(_ path: String) async throws -> Reply { try await reply(to: .get(path)) }

    func post(_ path: String, _ body: String) async throws -> Reply {
        try await reply(to: .post(path, Array(body.utf8)))
    }
}
