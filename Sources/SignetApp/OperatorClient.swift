import AsyncHTTPClient
import Database
import Foundation
import HTTPAPI
import HTTPTypes
import Hummingbird
package import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
package import Primitives

/// How a command reaches the application: one client, two transports, the same API behind both (DESIGN D1).
package final class OperatorClient: Sendable {
    /// What the application answered.
    package struct Answer: Sendable {
        package let status: Int
        package let body: [UInt8]
        package let json: JSONValue

        package var isSuccess: Bool { (200..<300).contains(status) }
    }

    /// The application did not answer.
    package struct Unreachable: Error, CustomStringConvertible {
        package let description: String
    }

    private enum Transport: Sendable {
        /// A server runs on this machine: its Unix socket.
        case socket(HTTPClient, path: String)
        /// None does: the application runs in this process for the time of the command.
        case process(Signet, any HTTPResponder<ClientContext>)
    }

    /// Bytes of an answer; the longest is the export of all licenses.
    private static let answerBytesMax = 1 << 30
    /// For an answer, unless a command knows that its own takes longer.
    package static let timeoutSeconds: Int64 = 65
    /// For work on the whole database, with billing systems of millions of licenses in mind.
    package static let longTimeoutSeconds: Int64 = 1860
    /// How long to wait for another command that holds the database, or a server that is just starting.
    private static let patience = Duration.seconds(5)
    private static let retryPeriod = Duration.milliseconds(50)

    private let transport: Transport

    private init(_ transport: Transport) { self.transport = transport }

    /// Finds the application of `settings`, or starts it in this process. Throws `Unreachable` and whatever keeps the
    /// application from starting.
    package static func open(_ settings: Settings, command: String, logger: Logger) async throws -> OperatorClient {
        // A server of a shared database keeps nobody out, but has in memory what would have to be read first.
        if settings.isShared, let client = await connect(settings.socketPath) { return client }
        let deadline = ContinuousClock.now + patience
        while true {
            do {
                let signet = try await Signet.open(settings, command: command, logger: logger)
                return OperatorClient(.process(signet, OperatorAPI(signet.backend).router().buildResponder()))
            } catch let held as DataDirectoryLock.Held {
                if let client = await connect(settings.socketPath) { return client }
                guard ContinuousClock.now < deadline else {
                    throw Unreachable(description: "\(held.path) is held by \(held.holder), which does not answer")
                }
                try await Task.sleep(for: retryPeriod)
            }
        }
    }

    /// A client of the server behind `path`, if one answers there.
    private static func connect(_ path: String) async -> OperatorClient? {
        // The HTTP client would try again for seconds when nobody listens, so that is asked first.
        let bootstrap = ClientBootstrap(group: HTTPClient.defaultEventLoopGroup)
        guard let probe = try? await bootstrap.connect(unixDomainSocketPath: path).get() else { return nil }
        try? await probe.close().get()  // it has told what it could
        return OperatorClient(.socket(HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup), path: path))
    }

    /// Who this process is, as the journal names those who change something.
    package static var ownActor: String { PeerCredentials.ownProcess.actor }

    /// Ends the connection, or the application in this process.
    package func close() async throws {
        switch transport {
        case .socket(let client, _): try await client.shutdown()
        case .process(let signet, _): try await signet.close()
        }
    }

    /// Reads what is at `path`. Throws `Unreachable`.
    package func get(_ path: String, timeoutSeconds: Int64 = OperatorClient.timeoutSeconds) async throws -> Answer {
        try await call(.get, path, nil, timeoutSeconds)
    }

    /// Sends a JSON object to `path`. Throws `Unreachable`.
    package func post(
        _ path: String, _ body: [UInt8], timeoutSeconds: Int64 = OperatorClient.timeoutSeconds
    ) async throws -> Answer {
        try await call(.post, path, body, timeoutSeconds)
    }

    /// Sends a JSON object that changes what is at `path`. Throws `Unreachable`.
    package func patch(_ path: String, _ body: [UInt8]) async throws -> Answer {
        try await call(.patch, path, body, Self.timeoutSeconds)
    }

    /// Reads what is at `path` and is no JSON unless it is a refusal. Throws `Unreachable`.
    package func download(_ path: String) async throws -> Answer {
        try await call(.get, path, nil, Self.timeoutSeconds, isText: true)
    }

    private func call(
        _ method: HTTPRequest.Method, _ path: String, _ body: [UInt8]?, _ timeoutSeconds: Int64, isText: Bool = false
    ) async throws -> Answer {
        let (status, bytes) =
            switch transport {
            case .socket(let client, let socket):
                try await send(method, path, body, by: client, to: socket, timeoutSeconds)
            case .process(let signet, let responder): try await send(method, path, body, to: responder, signet)
            }
        let json = isText && (200..<300).contains(status) ? JSONValue.null : try JSONReader.read(bytes)
        return Answer(status: status, body: bytes, json: json)
    }

    private func send(
        _ method: HTTPRequest.Method, _ path: String, _ body: [UInt8]?, by client: HTTPClient, to socket: String,
        _ timeoutSeconds: Int64
    ) async throws -> (Int, [UInt8]) {
        guard let url = URL(httpURLWithSocketPath: socket, uri: path) else {
            throw Unreachable(description: "the socket path \(socket) is no path")
        }
        var request = HTTPClientRequest(url: url.absoluteString)
        request.method = .init(rawValue: method.rawValue)
        // The HTTP client sends none to a Unix socket, where HTTP/1.1 asks for one all the same.
        request.headers.add(name: "Host", value: "localhost")
        request.headers.add(name: "Content-Type", value: "application/json")
        if let body { request.body = .bytes(ByteBuffer(bytes: body)) }
        do {
            let response = try await client.execute(request, timeout: .seconds(timeoutSeconds))
            let bytes = try await response.body.collect(upTo: Self.answerBytesMax)
            return (Int(response.status.code), Array(bytes.readableBytesView))
        } catch {
            throw Unreachable(description: "the server at \(socket) does not answer: \(error)")
        }
    }

    private func send(
        _ method: HTTPRequest.Method, _ path: String, _ body: [UInt8]?,
        to responder: any HTTPResponder<ClientContext>, _ signet: Signet
    ) async throws -> (Int, [UInt8]) {
        let context = ClientContext(
            credentials: .ownProcess, requestID: UUID().uuidString.lowercased(), logger: signet.logger)
        let request = Request(
            head: HTTPRequest(method: method, scheme: nil, authority: nil, path: path),
            body: RequestBody(buffer: ByteBuffer(bytes: body ?? [])))
        let response = try await responder.respond(to: request, context: context)
        let collector = BodyCollector()
        try await response.body.write(collector)
        return (response.status.code, Array(collector.buffer.readableBytesView))
    }
}

/// Takes a response's body as it is written. Used by one task at a time, as the protocol asks.
private final class BodyCollector: ResponseBodyWriter {
    var buffer = ByteBuffer()

    func write(_ part: ByteBuffer) async throws { buffer.writeImmutableBuffer(part) }

    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
