import Access
import HTTPTypes
package import Hummingbird
import Licensing
package import Logging
import NIOCore

/// A request, before anyone asked whether its sender may operate.
package struct ClientContext: RequestContext {
    /// How a request came in.
    enum Origin: Sendable {
        case connection(any Channel)
        /// This process asks itself: a command that runs the application in its own process.
        case process(PeerCredentials)
    }

    private struct ProcessSource: RequestContextSource {
        let logger: Logger
    }

    package var coreContext: CoreRequestContextStorage
    let origin: Origin
    /// The other end of an Internet connection; nil when it has gone already, and for all other origins.
    let peer: CanonicalAddress?

    package init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        origin = .connection(source.channel)
        peer = source.channel.remoteAddress.flatMap(CanonicalAddress.init(socketAddress:))
    }

    /// A request that this process makes to itself.
    package init(credentials: PeerCredentials, requestID: String, logger: Logger) {
        var logger = logger
        logger[metadataKey: "hb.request.id"] = .string(requestID)
        coreContext = .init(source: ProcessSource(logger: logger))
        origin = .process(credentials)
        peer = nil
    }
}

/// A request whose sender may make it: what handlers of operators' routes get. Only a ``Gate`` makes one.
struct OperatorContext: Sendable {
    private let context: ClientContext
    let head: HTTPRequest
    /// Who asks, for the journal: `uid:0/login:1000`, `token:ci`.
    let actor: String
    let scopes: Set<Scope>

    init(_ context: ClientContext, head: HTTPRequest, actor: String, scopes: Set<Scope>) {
        self.context = context
        self.head = head
        self.actor = actor
        self.scopes = scopes
    }

    /// The request's identifier, which the log carries too.
    var id: String { context.id }

    /// What the path's `{name}` segments are.
    var parameters: Parameters { context.parameters }

    /// For what depends on the body: throws the 403 of a request that needs `scope` besides that of its route.
    func require(_ scope: Scope) throws {
        guard scopes.contains(scope) else { throw Problem.insufficientScope(scope) }
    }
}
