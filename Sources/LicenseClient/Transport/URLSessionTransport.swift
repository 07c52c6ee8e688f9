import Foundation
import Synchronization

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// Carries requests with Foundation's `URLSession`: certificates are checked as the system does, redirects are not
/// followed, nothing is cached, no cookies are kept.
public struct URLSessionTransport: LicenseTransport {
    /// A transport without state: each request has a session of its own.
    public init() {}

    /// Sends `request`. Throws ``TransportFailure``.
    public func send(_ request: TransportRequest, within limit: Duration) async throws -> TransportAnswer {
        guard let url = URL(string: request.url), ["https", "http"].contains(url.scheme?.lowercased() ?? ""),
            let host = url.host, !host.isEmpty
        else { throw TransportFailure("\(request.url) is no address of a service") }
        var message = URLRequest(
            url: url, cachePolicy: .reloadIgnoringLocalCacheData, timeoutInterval: limit.asBackstop)
        message.httpMethod = request.method
        if let body = request.body {
            message.httpBody = Data(body)
            message.setValue("application/json", forHTTPHeaderField: "Content-Type")
        }
        let exchange = URLSessionExchange(host: host, bytesMax: request.answerBytesMax)
        return try await exchange.answer(to: message)
    }
}

extension Duration {
    /// A second or two more than this: the caller cancels in time, and Foundation on Linux takes the fraction of a
    /// second off, which makes "at once" of half a second.
    fileprivate var asBackstop: TimeInterval { TimeInterval(components.seconds + 2) }
}

/// One request and what comes back for it.
private final class URLSessionExchange: NSObject, URLSessionDataDelegate, Sendable {
    private struct State: Sendable {
        var waiter: CheckedContinuation<TransportAnswer, any Error>?
        var task: URLSessionDataTask?
        var status = 0
        var body: [UInt8] = []
        var isRedirected = false
        /// Why it was given up.
        var failure: TransportFailure?
    }

    private let host: String
    private let bytesMax: Int
    private let state = Mutex(State())

    init(host: String, bytesMax: Int) {
        self.host = host
        self.bytesMax = bytesMax
    }

    /// Throws `TransportFailure`.
    func answer(to message: URLRequest) async throws -> TransportAnswer {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { waiter in begin(message, waiter) }
        } onCancel: {
            stop(.timedOut)
        }
    }

    private func begin(_ message: URLRequest, _ waiter: CheckedContinuation<TransportAnswer, any Error>) {
        let settings = URLSessionConfiguration.ephemeral
        settings.urlCache = nil
        settings.httpShouldSetCookies = false
        settings.timeoutIntervalForRequest = message.timeoutInterval
        settings.timeoutIntervalForResource = message.timeoutInterval
        let session = URLSession(configuration: settings, delegate: self, delegateQueue: nil)
        let task = session.dataTask(with: message)
        let failure = state.withLock { state in
            if state.failure == nil { (state.waiter, state.task) = (waiter, task) }
            return state.failure
        }
        if let failure { waiter.resume(throwing: failure) } else { task.resume() }
        // The session lets go of its delegate when the task has ended.
        session.finishTasksAndInvalidate()
    }

    /// Ends the request for `failure`, unless it has ended. Foundation on Linux crashes if a task is canceled while it
    /// waits for what to do with a redirect: such a one is left to end by itself, and nobody waits for it.
    private func stop(_ failure: TransportFailure) {
        let (waiter, task) = state.withLock { state in
            defer { (state.waiter, state.task) = (nil, nil) }
            state.failure = state.failure ?? failure
            return (state.waiter, state.isRedirected ? nil : state.task)
        }
        waiter?.resume(throwing: failure)
        task?.cancel()
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
    ) {
        let isStopped = state.withLock { state in
            state.isRedirected = true
            return state.failure != nil
        }
        // A verdict comes from the address that was configured, and the license key goes nowhere else: the redirect
        // itself is the answer. A canceled task waits for none.
        if !isStopped { completionHandler(nil) }
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        state.withLock { $0.status = (response as? HTTPURLResponse)?.statusCode ?? 0 }
        completionHandler(.allow)
        if response.expectedContentLength > Int64(bytesMax) { stop(tooMuch) }
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let isTooLong = state.withLock { state in
            guard state.failure == nil, state.body.count + data.count <= bytesMax else { return true }
            data.withUnsafeBytes { state.body.append(contentsOf: $0) }
            return false
        }
        if isTooLong { stop(tooMuch) }
    }

    private var tooMuch: TransportFailure { TransportFailure("\(host) answers too much") }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        let (waiter, answer) = state.withLock { state in
            defer { (state.waiter, state.task) = (nil, nil) }
            return (state.waiter, TransportAnswer(status: state.status, body: state.body))
        }
        if let error {
            waiter?.resume(throwing: TransportFailure(sentence(for: error)))
        } else {
            waiter?.resume(returning: answer)
        }
    }

    /// By code: the system's sentences differ in language and wording.
    private func sentence(for error: any Error) -> String {
        let code = (error as? URLError)?.code
        switch code {
        case .timedOut: return TransportFailure.timedOut.reason
        case .cannotFindHost, .dnsLookupFailed: return "\(host) has no address"
        case .cannotConnectToHost: return "no connection to \(host)"
        case .networkConnectionLost: return "\(host) closed the connection"
        case .secureConnectionFailed, .serverCertificateUntrusted, .serverCertificateHasBadDate,
            .serverCertificateHasUnknownRoot, .serverCertificateNotYetValid, .clientCertificateRequired:
            return "no TLS connection to \(host)"
        // Foundation on Linux says no more of a certificate that it does not trust.
        case .unknown: return "no trusted connection to \(host)"
        default: return "\(host) could not be asked (\(code?.rawValue ?? 0))"
        }
    }
}
