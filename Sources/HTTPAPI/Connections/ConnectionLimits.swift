package import NIOCore

/// What a connection may ask for and how long it may take (reliability notes §3.1). The defaults of the libraries below
/// us are far looser: 2 MiB of headers, no idle time-out.
package struct ConnectionLimits: Sendable {
    /// Bytes of all header names and values together.
    package var headerListBytesMax = 16 << 10
    /// Header fields.
    package var headerFieldsMax = 100
    /// Bytes of the request target, and of one header value.
    package var requestLineBytesMax = 8 << 10
    /// From the first byte of a request, or from the accept, to the end of its header.
    package var headerTime = TimeAmount.seconds(5)
    /// From the end of the header to the end of the body.
    package var bodyTime = TimeAmount.seconds(10)
    /// Between an answer and the first byte of the next request.
    package var idleTime = TimeAmount.seconds(60)
    /// From the end of a request to the beginning of its answer.
    package var handlerTime = TimeAmount.seconds(2)
    /// For the client to take an answer.
    package var writeTime = TimeAmount.seconds(10)
    /// The same two for operators' routes: to check a long journal, to export all licenses.
    package var operatorHandlerTime = TimeAmount.minutes(5)
    package var operatorWriteTime = TimeAmount.minutes(5)
    /// For the client to close after we did.
    package var lingerTime = TimeAmount.seconds(2)
    /// Requests of one connection; the last answer closes it.
    package var requestsMax = 10_000

    package init() {}

    /// For operators over the Unix socket, whose lists may take longer, and backups and checks of a large database much
    /// longer; whoever asks decides how long to wait.
    package static var operators: ConnectionLimits {
        var limits = ConnectionLimits()
        limits.handlerTime = .minutes(30)
        limits.operatorHandlerTime = .minutes(30)
        limits.operatorWriteTime = .minutes(30)
        return limits
    }

    /// Whether only operators are answered at `path`. Who has no token is refused at once, whatever the limit is.
    static func isOperators(path: String) -> Bool {
        path.utf8.starts(with: "/api/v1/".utf8) && !path.utf8.starts(with: "/api/v1/installer/".utf8)
    }
}
