import HTTPTypes
import NIOCore
import NIOHTTP1

/// Refuses what the decoder lets through and another program could read differently: a request line over our limit, and
/// a request with no `Host` or several (RFC 9112 §3.2). Sees requests as NIOHTTP1 does, before fields are merged.
final class RequestGuardHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    private let limits: ConnectionLimits
    /// After a refusal nothing else of the connection is read.
    private var hasRefused = false

    init(limits: ConnectionLimits) { self.limits = limits }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasRefused else { return }
        if case .head(let head) = unwrapInboundIn(data), let error = objection(to: head) {
            hasRefused = true
            context.fireErrorCaught(error)
        } else {
            context.fireChannelRead(data)
        }
    }

    private func objection(to head: HTTPRequestHead) -> HTTPParserError? {
        // The spaces and the version, as in "POST /path HTTP/1.1".
        let requestLineBytes = head.method.rawValue.utf8.count + head.uri.utf8.count + " ".count * 2 + "HTTP/1.1".count
        guard requestLineBytes <= limits.requestLineBytesMax else { return .headerOverflow }
        let hosts = head.headers["host"].count
        return head.version == .http1_1 && hosts != 1 || hosts > 1 ? .invalidHeaderToken : nil
    }
}
