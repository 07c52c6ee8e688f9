package import Hummingbird
import HummingbirdCore
import Logging

extension HTTPServerBuilder {
    /// The public listener: our limits, and a census of clients.
    package static func clients(_ census: ConnectionCensus, limits: ConnectionLimits = .init()) -> HTTPServerBuilder {
        HTTPServerBuilder { SignetHTTPChannel(responder: $0, limits: limits, admission: .clients(census)) }
    }

    /// The Unix socket: only for those the kernel says may operate.
    package static func operators(limits: ConnectionLimits = .operators) -> HTTPServerBuilder {
        HTTPServerBuilder { SignetHTTPChannel(responder: $0, limits: limits, admission: .operators) }
    }
}
