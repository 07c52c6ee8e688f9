import Access
import Hummingbird

/// Who may use operators' routes at one listener.
package enum Gate: Sendable {
    /// Whoever gets here: the kernel vouches for the peer of the Unix socket, and this process for itself.
    case local
    /// The bearers of admin tokens, from anywhere.
    case bearer(BearerGate)

    /// The request with who sends it. Throws `Problem` unless the sender may do what `scope` names.
    func admit(_ request: Request, _ context: ClientContext, needs scope: Scope) async throws -> OperatorContext {
        switch self {
        case .local:
            OperatorContext(context, head: request.head, actor: try await Self.peer(of: context), scopes: .all)
        case .bearer(let gate): try gate.admit(request, context, needs: scope)
        }
    }

    /// The peer's credentials. Throws on a connection whose peer the kernel did not name, such as an Internet one.
    private static func peer(of context: ClientContext) async throws -> String {
        switch context.origin {
        case .process(let credentials): credentials.actor
        case .connection(let channel):
            try await channel.pipeline.handler(type: PeerCredentialsHandler.self).map(\.credentials.actor).get()
        }
    }
}
