import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// The deadlines of one connection, shared by the two handlers that see its bytes and its messages. Lives on the
/// connection's event loop and is never touched elsewhere.
final class ConnectionWatch {
    /// How often deadlines are looked at, so each holds to within this much.
    static let period = TimeAmount.seconds(1)

    var deadlines: ConnectionDeadlines
    /// Answers in place of a handler that takes too long.
    var abandonAnswer: (() -> Void)?
    private var check: RepeatedTask?

    init(limits: ConnectionLimits) { deadlines = ConnectionDeadlines(limits: limits, at: .now()) }

    func start(_ context: ChannelHandlerContext) {
        let channel = context.channel
        let watch = NIOLoopBound(self, eventLoop: context.eventLoop)
        check = context.eventLoop.scheduleRepeatedTask(initialDelay: Self.period, delay: Self.period) { _ in
            switch watch.value.deadlines.overdue(at: .now()) {
            case .answer: watch.value.abandonAnswer?()
            case .connection: channel.close(promise: nil)
            case nil: break
            }
        }
    }

    func stop() {
        check?.cancel()
        check = nil
        abandonAnswer = nil
    }
}

/// Sees the first byte of each request, before the decoder does.
final class ByteWatchHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let watch: ConnectionWatch

    init(_ watch: ConnectionWatch) { self.watch = watch }

    func handlerAdded(context: ChannelHandlerContext) { watch.start(context) }

    func handlerRemoved(context: ChannelHandlerContext) { watch.stop() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        watch.deadlines.bytesArrived(at: .now())
        context.fireChannelRead(data)
    }

    func channelInactive(context: ChannelHandlerContext) {
        watch.stop()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent { watch.deadlines.inputEnded() }
        context.fireUserInboundEventTriggered(event)
    }
}

/// Sees requests and answers as messages, and closes after an answer that says so.
final class MessageWatchHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let watch: ConnectionWatch
    private var closesAfterAnswer = false
    private var isAbandoned = false
    /// Why the decoder gave up on what the client sends.
    private var parserError: HTTPParserError?

    init(_ watch: ConnectionWatch) { self.watch = watch }

    func handlerAdded(context: ChannelHandlerContext) {
        watch.abandonAnswer = { [unowned self] in abandonAnswer(context) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            let isOperators = ConnectionLimits.isOperators(path: head.path ?? "")
            watch.deadlines.headArrived(isOperators: isOperators, at: .now())
        case .body: break
        case .end: watch.deadlines.requestEnded(at: .now())
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        parserError = parserError ?? error as? HTTPParserError
        context.fireErrorCaught(error)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isAbandoned else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(let head) where isAnswerToParserError(head): writeHead(of: parserProblem, context, promise)
        case .head(let head): writeHead(head, context, promise)
        case .body: context.write(data, promise: promise)
        case .end: writeEnd(data, context, promise)
        }
    }

    private func writeHead(
        _ head: HTTPResponse, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?
    ) {
        var head = head
        if head.status.kind != .informational { watch.deadlines.answerBegan(at: .now()) }
        if watch.deadlines.isLastAnswer { head.headerFields[.connection] = "close" }
        closesAfterAnswer = closesAfterAnswer || head.headerFields[.connection]?.lowercased() == "close"
        context.write(wrapOutboundOut(.head(head)), promise: promise)
    }

    private func writeEnd(_ data: NIOAny, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        let promise = promise ?? context.eventLoop.makePromise()
        let handler = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        promise.futureResult.whenComplete { _ in
            let (this, context) = handler.value
            this.answerEnded(context)
        }
        context.write(data, promise: promise)
    }

    /// The handler took too long: the client is told so, and what comes later is dropped.
    private func abandonAnswer(_ context: ChannelHandlerContext) {
        writeHead(of: .overdue, context, nil)
        writeEnd(wrapOutboundOut(.end(nil)), context, nil)
        context.flush()
        isAbandoned = true
    }

    /// The server's own answer to bytes that are no request is a bare 400; a problem document takes its place.
    private func isAnswerToParserError(_ head: HTTPResponse) -> Bool {
        parserError != nil && head.status == .badRequest && head.headerFields[.contentLength] == "0"
    }

    private var parserProblem: Problem { parserError == .headerOverflow ? .headerTooLarge : .malformedRequest }

    /// Head and body of a problem after which the connection ends.
    private func writeHead(
        of problem: Problem, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?
    ) {
        let body = ByteBuffer(bytes: problem.json(instance: "urn:signet:connection"))
        var head = HTTPResponse(status: problem.status)
        head.headerFields[.contentType] = "application/problem+json"
        head.headerFields[.contentLength] = String(body.readableBytes)
        head.headerFields[.retryAfter] = problem.retryAfterSeconds.map(String.init)
        head.headerFields[.connection] = "close"
        writeHead(head, context, promise)
        context.write(wrapOutboundOut(.body(body)), promise: nil)
    }

    private func answerEnded(_ context: ChannelHandlerContext) {
        watch.deadlines.answerEnded(at: .now())
        guard closesAfterAnswer else { return }
        // Half-closed first: an immediate close could take the answer with it while the client is still sending.
        watch.deadlines.closeBegan(at: .now())
        context.close(mode: .output, promise: nil)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode == .output { watch.deadlines.closeBegan(at: .now()) }
        context.close(mode: mode, promise: promise)
    }
}
