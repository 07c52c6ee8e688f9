import Access
import HTTPTypes
import Hummingbird
import Licensing
import Primitives

/// Lets the bearers of admin tokens in (RFC 6750), each as far as the token's scopes go.
package struct BearerGate: Sendable {
    private let tokens: AdminTokens
    private let clock: any WallClock
    private let addresses: ClientAddress
    private let failures = FailureLimit()

    init(tokens: AdminTokens, clock: any WallClock, addresses: ClientAddress) {
        self.tokens = tokens
        self.clock = clock
        self.addresses = addresses
    }

    /// The request with its bearer. Throws `Problem`: 401 for no token or none that is good now, 403 for one that does
    /// not hold `scope`, 429 for an address that fails too often.
    func admit(_ request: Request, _ context: ClientContext, needs scope: Scope) throws -> OperatorContext {
        guard let text = request.bearerToken else { throw Problem.tokenMissing }
        let now = clock.now()
        switch tokens.recognize(text, at: now) {
        case .valid(let token):
            let admitted = OperatorContext(context, head: request.head, actor: token.actor, scopes: token.scopes)
            try admitted.require(scope)
            return admitted
        case .expired: throw failure(.tokenInvalid("The token is expired."), request, context, at: now)
        case .unknown: throw failure(.tokenInvalid("The token is unknown or revoked."), request, context, at: now)
        }
    }

    /// What the sender of a bad token is told: `problem`, or to wait when its address failed too often.
    private func failure(
        _ problem: Problem, _ request: Request, _ context: ClientContext, at now: Timestamp
    ) -> Problem {
        guard let peer = context.peer else { return problem }
        let client = addresses.client(peer: peer, headers: request.headers)
        guard let delay = failures.delay(afterFailureOf: client, at: now) else { return problem }
        return .tooManyFailures(retryAfterSeconds: delay.wholeSeconds + 1)
    }
}

extension Request {
    /// The token of the only `Authorization: Bearer …`; nil without one, and for any other scheme.
    fileprivate var bearerToken: Substring? {
        let values = headers[values: .authorization]
        guard values.count == 1, let space = values[0].firstIndex(of: " "),
            values[0][..<space].lowercased() == "bearer"
        else { return nil }
        return values[0][space...].drop { $0 == " " }
    }
}
