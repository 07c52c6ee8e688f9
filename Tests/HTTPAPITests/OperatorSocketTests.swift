import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Licensing
import Logging
import NIOCore
import NIOPosix
import Primitives
import TestSupport
import Testing

@testable import HTTPAPI

/// A server of the test, on a socket of its own, gone with `body`.
private func withServer<Context: RequestContext>(
    _ router: Router<Context>, _ server: HTTPServerBuilder, _ address: BindAddress,
    _ body: @Sendable (SocketAddress) async throws -> Void
) async throws where Context.Source == ApplicationRequestContextSource {
    let (bound, bind) = AsyncStream.makeStream(of: SocketAddress?.self)
    let log = LogRecorder()
    let application = Application(
        router: router, server: server, configuration: .init(address: address),
        onServerRunning: { bind.yield($0.localAddress) }, logger: Logger(label: "test", factory: { _ in log.handler }))
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await application.run() }
        let address = try #require(await bound.first { _ in true } ?? nil)
        try await body(address)
        group.cancelAll()
    }
}

/// Everything that comes back for `text`, until the server closes.
private func exchange(_ text: String, _ address: SocketAddress) async throws -> String {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connect(to: address) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
    return try await channel.executeThenClose { inbound, outbound in
        try await outbound.write(ByteBuffer(string: text))
        var answer = ByteBuffer()
        for try await part in inbound { answer.writeImmutableBuffer(part) }
        return String(buffer: answer)
    }
}

private func post(_ path: String, _ body: String) -> String {
    "POST \(path) HTTP/1.1\r\nHost: signet\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
}

@Suite("The socket of operators")
struct OperatorSocketTests {
    private static let lastActor = "SELECT actor FROM journal ORDER BY sequence DESC LIMIT 1"

    @Test("records changes under the peer that the kernel names")
    func actor() async throws {
        let house = try await TestHouse()
        let directory = try TemporaryDirectory()
        let path = directory.path(of: "signet.sock")
        try await withServer(
            OperatorAPI(house.backend).router(), .operators(),
            .unixDomainSocket(path: path)
        ) { address in
            let answer = try await exchange(post("/api/v1/customers", #"{"id":5}"#), address)
            #expect(answer.hasPrefix("HTTP/1.1 201 "), "\(answer)")
            #expect(answer.contains(#""id":5"#))
        }
        #expect(try await house.texts(Self.lastActor) == [PeerCredentials.ownProcess.actor])
    }

    @Test("names the actor as the command line's own process does, and as proc tells it")
    func ownProcess() throws {
        let own = PeerCredentials.ownProcess
        #expect(own.uid == geteuid())
        let login = try String(contentsOfFile: "/proc/self/loginuid", encoding: .utf8)
        #expect(own.loginUID == UInt32(login).flatMap { $0 == .max ? nil : $0 })
    }

    @Test(
        "writes an actor as uid and login",
        arguments: [
            (0, 1000, "uid:0/login:1000"), (1000, 1000, "uid:1000/login:1000"), (0, nil, "uid:0"), (0, .max, "uid:0"),
            (1000, 0, "uid:1000/login:0"),
        ] as [(UInt32, UInt32?, String)])
    func actorText(uid: UInt32, login: UInt32?, text: String) {
        #expect(PeerCredentials(uid: uid, loginUID: login).actor == text)
    }

    @Test("trusts root and the user that the server runs as, nobody else")
    func trust() {
        #expect(PeerCredentials(uid: 0, loginUID: nil).isTrusted)
        #expect(PeerCredentials(uid: geteuid(), loginUID: 1000).isTrusted)
        #expect(!PeerCredentials(uid: geteuid() + 1, loginUID: geteuid()).isTrusted)
    }

    @Test("is no place for a peer whom the kernel does not vouch for")
    func noCredentials() async throws {
        let house = try await TestHouse()
        try await withServer(
            OperatorAPI(house.backend).router(), .operators(),
            .hostname("127.0.0.1", port: 0)
        ) { address in
            let answer = try? await exchange(post("/api/v1/customers", #"{"id":5}"#), address)
            #expect(answer ?? "" == "")
        }
        #expect(try await house.count("SELECT count(*) FROM customers") == 0)
    }
}

@Suite("The public listener")
struct PublicListenerTests {
    @Test("answers, closes as it was asked to, and knows the peer")
    func oneRequest() async throws {
        let house = try await TestHouse()
        let acme = try await house.acme()
        let api = PublicAPI(house.backend, proxies: [])
        var limits = ConnectionLimits()
        // A machine that is busy with all tests at once is no slow handler.
        limits.handlerTime = .minutes(2)
        let server = HTTPServerBuilder.clients(ConnectionCensus(), limits: limits)
        try await withServer(api.router(), server, .hostname("127.0.0.1", port: 0)) { address in
            let body = #"{"license_key":"\#(acme.key.text)","domain":"example.com"}"#
            let request = post(ClientFace.validatePath, body)
                .replacing("Host: signet", with: "Host: signet\r\nContent-Type: application/json")
            let answer = try await exchange(request, address)
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.contains(#""ip":"127.0.0.1""#))
        }
        #expect(try await house.licensing.activations(of: acme.id).first?.addresses.first?.peer == "127.0.0.1")
    }

    @Test("turns a client away that has all the connections it may, and takes it back when one has ended")
    func census() async throws {
        let house = try await TestHouse()
        let api = PublicAPI(house.backend, proxies: [])
        let census = ConnectionCensus(perClientMax: 1)
        let request = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        let client = try #require(CanonicalAddress("127.0.0.1"))
        try await withServer(api.router(), .clients(census), .hostname("127.0.0.1", port: 0)) { address in
            #expect(census.admit(client), "as a connection of its would")
            let refused = try? await exchange(request, address)
            #expect(refused ?? "" == "")
            census.leave(client)
            let answer = try await exchange(request, address)
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
        }
    }

    @Test("answers requests that come in one piece in their order")
    func pipelining() async throws {
        let house = try await TestHouse()
        let api = PublicAPI(house.backend, proxies: [])
        try await withServer(api.router(), .clients(ConnectionCensus()), .hostname("127.0.0.1", port: 0)) { address in
            let first = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
            let second = "GET /nope HTTP/1.1\r\nHost: a\r\n\r\n"
            let last = "GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            let answer = try await exchange(first + second + last, address)
            #expect(answer.matches(of: #/HTTP\/1\.1 (\d+)/#).map { $0.1 } == ["200", "404", "200"])
        }
    }

    @Test(
        "answers what it cannot frame with 400 and closes",
        arguments: [
            "GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "GET /healthz HTTP/1.1\r\nHost : a\r\n\r\n", "GET /healthz HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
            "nonsense\r\n\r\n", "GET /healthz HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
        ])
    func framing(request: String) async throws {
        let house = try await TestHouse()
        let api = PublicAPI(house.backend, proxies: [])
        try await withServer(api.router(), .clients(ConnectionCensus()), .hostname("127.0.0.1", port: 0)) { address in
            let answer = try await exchange(request, address)
            #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n"), "\(answer)")
            #expect(answer.lowercased().contains("connection: close"))
        }
    }
}
