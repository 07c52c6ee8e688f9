package import HTTPTypes
import Hummingbird
import NIOCore
package import Primitives

/// A refusal of a request as RFC 9457 `application/problem+json`. Its `code` is stable; its words may change.
package struct Problem: Error, Sendable, Equatable {
    package let status: HTTPResponse.Status
    /// Lower case with underscores: `invalid_request`.
    package let code: String
    package let title: String
    package var detail: String?
    /// Which members are wrong, and how.
    package var violations: [InvalidInput.Violation] = []
    /// Seconds for `Retry-After`.
    package var retryAfterSeconds: Int64?
    /// For `Allow`, with status 405.
    package var allowedMethods: [String] = []
    /// For `WWW-Authenticate`, with status 401 and 403.
    package var challenge: String?

    package init(
        _ status: HTTPResponse.Status, _ code: String, _ title: String, detail: String? = nil,
        violations: [InvalidInput.Violation] = [], retryAfterSeconds: Int64? = nil
    ) {
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.violations = violations
        self.retryAfterSeconds = retryAfterSeconds
    }

    /// The document. `instance` names the request, as the log does.
    package func json(instance: String) -> [UInt8] {
        JSONWriter.object { json in
            json.member("type", "urn:signet:problem:\(code)")
            json.member("title", title)
            json.member("status", Int64(status.code))
            json.member("detail", detail)
            json.member("instance", instance)
            json.member("code", code)
            json.member("violations", objects: violations) { violation, json in
                json.member("member", violation.member)
                json.member("reason", violation.reason)
            }
        }
    }

    func response(instance: String) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = "application/problem+json"
        if let retryAfterSeconds { headers[.retryAfter] = String(retryAfterSeconds) }
        if !allowedMethods.isEmpty { headers[.allow] = allowedMethods.joined(separator: ", ") }
        if let challenge { headers[.wwwAuthenticate] = challenge }
        // What is left of a body that was refused unread would be taken for the next request.
        if status == .contentTooLarge || status == .requestTimeout { headers[.connection] = "close" }
        return Response(
            status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: json(instance: instance))))
    }
}

/// An error that the outside may know of.
protocol ProblemConvertible: Error {
    var problem: Problem { get }
}
