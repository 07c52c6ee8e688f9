import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Testing

@testable import HTTPAPI

/// Keeps what reaches the socket's end of the pipeline: answers, and which sides were closed.
private final class SocketEnd: ChannelOutboundHandler {
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private(set) var heads: [HTTPResponse] = []
    private(set) var closes: [CloseMode] = []
    /// Answers whose last byte the kernel has not taken.
    private var waiting: [EventLoopPromise<Void>] = []

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head): heads.append(head)
        case .body: break
        case .end:
            if let promise { waiting.append(promise) }
            return
        }
        promise?.succeed()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        closes.append(mode)
        if mode == .all { context.close(mode: mode, promise: promise) } else { promise?.succeed() }
    }

    /// The kernel takes everything.
    func take() {
        for promise in waiting { promise.succeed() }
        waiting = []
    }
}

/// A connection without a socket, behind the handlers of ours.
private struct Wire {
    let channel = EmbeddedChannel()
    let socket = SocketEnd()
    let watch: ConnectionWatch

    init(_ limits: ConnectionLimits = .init()) throws {
        watch = ConnectionWatch(limits: limits)
        try channel.pipeline.syncOperations.addHandlers([socket, MessageWatchHandler(watch)])
        channel.pipeline.connect(to: try SocketAddress(ipAddress: "203.0.113.7", port: 4711), promise: nil)
    }

    func request() throws {
        let head = HTTPRequest(method: .get, scheme: "http", authority: "a", path: "/")
        try channel.writeInbound(HTTPRequestPart.head(head))
        try channel.writeInbound(HTTPRequestPart.end(nil))
        // What nobody reads is copied with each further write.
        while try channel.readInbound(as: HTTPRequestPart.self) != nil {}
    }

    func answer(_ headers: HTTPFields = [:], status: HTTPResponse.Status = .ok) {
        head(headers, status)
        channel.write(HTTPResponsePart.body(ByteBuffer(string: "x")), promise: nil)
        channel.writeAndFlush(HTTPResponsePart.end(nil), promise: nil)
    }

    func head(_ headers: HTTPFields = [:], _ status: HTTPResponse.Status = .ok) {
        channel.write(HTTPResponsePart.head(HTTPResponse(status: status, headerFields: headers)), promise: nil)
    }

    /// What is overdue when this many seconds have gone by.
    func overdue(after seconds: Int64) -> ConnectionDeadlines.Overdue? {
        watch.deadlines.overdue(at: .now() + .seconds(seconds))
    }
}

@Suite("The handlers of a connection")
struct ConnectionHandlersTests {
    @Test("leave a connection open after an ordinary answer")
    func keepAlive() throws {
        let wire = try Wire()
        for _ in 1...3 {
            try wire.request()
            wire.answer()
            wire.socket.take()
        }
        #expect(wire.socket.closes.isEmpty)
        #expect(wire.socket.heads.allSatisfy { $0.headerFields[.connection] == nil })
        #expect(wire.overdue(after: 55) == nil)
        #expect(wire.overdue(after: 61) == .connection)
    }

    @Test("end our side after an answer that says so, when the kernel has all of it", arguments: ["close", "Close"])
    func closeAfterAnswer(word: String) throws {
        let wire = try Wire()
        try wire.request()
        wire.answer([.connection: word])
        #expect(wire.socket.closes.isEmpty)
        wire.socket.take()
        #expect(wire.socket.closes == [.output])
        #expect(wire.overdue(after: 1) == nil)
        #expect(wire.overdue(after: 3) == .connection)
    }

    @Test("end our side when the client asked for it after one answer")
    func clientCloses() throws {
        let wire = try Wire()
        try wire.request()
        wire.answer()
        wire.socket.take()
        wire.channel.close(mode: .output, promise: nil)
        #expect(wire.overdue(after: 3) == .connection)
    }

    @Test("tell the client which answer is the last, and close after it")
    func lastAnswer() throws {
        var limits = ConnectionLimits()
        limits.requestsMax = 3
        let wire = try Wire(limits)
        for _ in 1...3 { try wire.request() }
        for _ in 1...3 {
            wire.answer()
            wire.socket.take()
        }
        #expect(wire.socket.heads.map { $0.headerFields[.connection] } == [nil, nil, "close"])
        #expect(wire.socket.closes == [.output])
    }

    @Test("take the 10,000th answer for the last one")
    func tenThousandthAnswer() throws {
        let wire = try Wire()
        for _ in 1...10_000 {
            try wire.request()
            wire.answer()
            wire.socket.take()
        }
        #expect(wire.socket.heads.count { $0.headerFields[.connection] == "close" } == 1)
        #expect(wire.socket.heads.last?.headerFields[.connection] == "close")
        #expect(wire.socket.closes == [.output])
    }

    @Test("do not take 100 Continue for the answer")
    func informational() throws {
        let wire = try Wire()
        try wire.request()
        wire.head([:], .continue)
        #expect(wire.overdue(after: 3) == .answer)
    }

    @Test("give a client that takes no answer the time to write, no more")
    func stalledWrite() throws {
        let wire = try Wire()
        try wire.request()
        wire.answer()
        #expect(wire.overdue(after: 9) == nil)
        #expect(wire.overdue(after: 11) == .connection)
        wire.socket.take()
        #expect(wire.overdue(after: 11) == nil)
    }

    @Test("see the first byte of a request before its header is whole")
    func firstByte() throws {
        let channel = EmbeddedChannel()
        let watch = ConnectionWatch(limits: .init())
        try channel.pipeline.syncOperations.addHandler(ByteWatchHandler(watch))
        watch.deadlines.headArrived(at: .now())
        watch.deadlines.requestEnded(at: .now())
        watch.deadlines.answerBegan(at: .now())
        watch.deadlines.answerEnded(at: .now())
        #expect(watch.deadlines.overdue(at: .now() + .seconds(10)) == nil)
        try channel.writeInbound(ByteBuffer(string: "P"))
        #expect(watch.deadlines.overdue(at: .now() + .seconds(10)) == .connection)
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(watch.deadlines.overdue(at: .now()) == .connection)
        #expect(try channel.readInbound(as: ByteBuffer.self) == ByteBuffer(string: "P"))
    }

    @Test("close an overdue connection within a second, and look no more at one that is gone")
    func periodicCheck() throws {
        var limits = ConnectionLimits()
        limits.headerTime = .zero
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(ByteWatchHandler(ConnectionWatch(limits: limits)))
        try channel.connect(to: try SocketAddress(ipAddress: "203.0.113.7", port: 4711)).wait()
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(999))
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        #expect(!channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .seconds(5))
    }

    @Test("answer 503 in place of a handler that takes too long, and drop what it says later")
    func abandonedAnswer() throws {
        var limits = ConnectionLimits()
        limits.handlerTime = .zero
        let wire = try Wire(limits)
        try wire.request()
        #expect(wire.overdue(after: 0) == .answer)
        wire.watch.abandonAnswer?()
        wire.socket.take()
        let head = try #require(wire.socket.heads.first)
        #expect(head.status == .serviceUnavailable)
        #expect(head.headerFields[.retryAfter] == "1")
        #expect(head.headerFields[.connection] == "close")
        #expect(wire.socket.closes == [.output])
        wire.answer()
        #expect(wire.socket.heads.count == 1)
    }
}
