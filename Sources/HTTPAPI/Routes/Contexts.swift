package import Hummingbird
import Licensing
package import Logging
import NIOCore

/// A request on the public listener.
package struct ClientContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// The other end of the connection; nil when it has gone already.
    let peer: CanonicalAddress?

    package init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        peer = source.channel.remoteAddress.flatMap(CanonicalAddress.init(socketAddress:))
    }
}

/// A request of an operator, over the Unix socket or from inside this process.
package struct OperatorContext: RequestContext {
    /// Where the operator is known from.
    private enum Origin: Sendable {
        case socket(any Channel)
        case process(PeerCredentials)
    }

    private struct ProcessSource: RequestContextSource {
        let logger: Logger
    }

    package var coreContext: CoreRequestContextStorage
    private let origin: Origin

    package init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        origin = .socket(source.channel)
    }

    /// A request that this process makes to itself.
    package init(credentials: PeerCredentials, requestID: String, logger: Logger) {
        var logger = logger
        logger[metadataKey: "hb.request.id"] = .string(requestID)
        coreContext = .init(source: ProcessSource(logger: logger))
        origin = .process(credentials)
    }

    /// Who asks, for the journal.
    func actor() async throws -> String {
        switch origin {
        case .process(let credentials): credentials.actor
        case .socket(let channel):
            try await channel.pipeline.handler(type: PeerCredentialsHandler.self).map(\.credentials.actor).get()
        }
    }
}
