/// What carries the client's requests to the service and its answers back. ``URLSessionTransport`` is the one that
/// comes with the library; an application that has an HTTP client of its own conforms with a few lines.
///
/// An implementation checks certificates as its platform does, follows no redirect to another host, reads at most
/// ``TransportRequest/answerBytesMax`` bytes of a body, and ends when its task is canceled. The client itself stops
/// waiting at the end of its time, whatever the transport does.
public protocol LicenseTransport: Sendable {
    /// Sends `request` and gives the answer, of whatever status. Throws ``TransportFailure`` if there is none;
    /// another error is reported by its type.
    ///
    /// `limit`: the time that is left. An answer after it is not read any more.
    func send(_ request: TransportRequest, within limit: Duration) async throws -> TransportAnswer
}

/// One request: a `GET`, or a `POST` of JSON.
public struct TransportRequest: Sendable, Equatable {
    /// The whole address: `https://license.example.com/api/v1/installer/validate`.
    public let url: String

    /// The JSON of a `POST`, with `Content-Type: application/json`; nil for a `GET`. It holds the license key: it must
    /// not reach a log.
    public let body: [UInt8]?

    /// Bytes of the longest answer that is of use. A longer one is a failure.
    public let answerBytesMax: Int

    /// A request, made by the client and by tests of a transport.
    public init(url: String, body: [UInt8]?, answerBytesMax: Int) {
        self.url = url
        self.body = body
        self.answerBytesMax = answerBytesMax
    }

    /// `POST` or `GET`.
    public var method: String { body == nil ? "GET" : "POST" }
}

/// What came back.
public struct TransportAnswer: Sendable, Equatable {
    /// The HTTP status.
    public let status: Int

    /// The body, without its transfer and content codings.
    public let body: [UInt8]

    /// An answer, made by a transport.
    public init(status: Int, body: [UInt8]) {
        self.status = status
        self.body = body
    }
}

/// Why there is no answer.
public struct TransportFailure: Error, Sendable, Equatable {
    /// One sentence for an administrator, without the request's body: `no connection to license.example.com`.
    public let reason: String

    /// A failure, made by a transport.
    public init(_ reason: String) { self.reason = reason }

    /// No answer within the time.
    public static let timedOut = TransportFailure("no answer in time")
}
