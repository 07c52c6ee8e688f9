import Access
import HTTPTypes
import Hummingbird
import Licensing
import Primitives

/// The routes of a listener and the list of what it answers, built together so that they agree.
struct Routes {
    /// Answers a request of anyone.
    typealias OpenHandler = @Sendable (Request, ClientContext) async throws -> Response
    /// Answers a request of someone who may make it.
    typealias Handler = @Sendable (Request, OperatorContext) async throws -> Response

    private enum Answerer: Sendable {
        case open(OpenHandler)
        case scoped(Scope, Handler)
    }

    private(set) var table = RouteTable()
    private var routes: [(method: HTTPRequest.Method, pattern: String, answerer: Answerer)] = []

    /// A route for everyone.
    mutating func add(_ method: HTTPRequest.Method, _ pattern: String, _ handler: @escaping OpenHandler) {
        add(method, pattern, .open(handler))
    }

    /// A route for operators: the handler runs only for those who may do what `scope` names.
    mutating func add(
        _ method: HTTPRequest.Method, _ pattern: String, scope: Scope, _ handler: @escaping Handler
    ) {
        add(method, pattern, .scoped(scope, handler))
    }

    private mutating func add(_ method: HTTPRequest.Method, _ pattern: String, _ answerer: Answerer) {
        table.add(method, pattern)
        routes.append((method, pattern, answerer))
    }

    /// The scope that each operators' route needs, by `METHOD /path`; what is not in it is open to everyone.
    var scopes: [String: Scope] {
        let scoped = routes.compactMap { route -> (String, Scope)? in
            guard case .scoped(let scope, _) = route.answerer else { return nil }
            return ("\(route.method.rawValue) \(route.pattern)", scope)
        }
        return Dictionary(uniqueKeysWithValues: scoped)
    }

    /// The router, with problems mapped outermost and `gate` before every operators' route; answers say how far
    /// `licensing` has followed other nodes, if there may be any.
    func router(_ gate: Gate, following licensing: LicensingService? = nil) -> Router<ClientContext> {
        let router = Router(context: ClientContext.self, options: .autoGenerateHeadEndpoints)
        if let licensing, licensing.isShared { router.add(middleware: FeedHeaders(licensing: licensing)) }
        router.add(middleware: ProblemMiddleware(routes: table))
        for (method, pattern, answerer) in routes {
            switch answerer {
            case .open(let handler): router.on(RouterPath(pattern), method: method, use: handler)
            case .scoped(let scope, let handler):
                router.on(RouterPath(pattern), method: method) { request, context in
                    let admitted = try await gate.admit(request, context, needs: scope)
                    do {
                        return try await handler(request, admitted)
                    } catch let kept as KeptAnswer {
                        return kept.response
                    }
                }
            }
        }
        return router
    }
}

extension Request {
    /// The query parameter `name`, or nil when absent. Throws `Problem` when it is there twice.
    func parameter(_ name: String) throws -> String? {
        let texts = uri.queryParameters.getAll(name)
        guard texts.count <= 1 else { throw InvalidParameter.problem(name, "must be there once") }
        return texts.first
    }

    /// The query parameter `name` as a number, or nil when absent. Throws `Problem` for anything else.
    func integerParameter(_ name: String) throws -> Int? {
        guard let text = try parameter(name) else { return nil }
        guard let number = Int(text) else {
            throw InvalidParameter.problem(name, "must be a whole number")
        }
        return number
    }
}

enum InvalidParameter {
    static func problem(_ name: String, _ reason: String) -> Problem {
        Problem(
            .badRequest, "invalid_request", "The request has parameters that cannot be taken.",
            violations: [.init(member: name, reason: reason)])
    }
}
