import HTTPTypes
import Hummingbird
import Primitives

/// A router and the list of what it answers, built together so that they agree.
struct Routes<Context: RequestContext> {
    typealias Handler = @Sendable (Request, Context) async throws -> Response

    private(set) var table = RouteTable()
    private var handlers: [(method: HTTPRequest.Method, pattern: String, handler: Handler)] = []

    mutating func add(_ method: HTTPRequest.Method, _ pattern: String, _ handler: @escaping Handler) {
        table.add(method, pattern)
        handlers.append((method, pattern, handler))
    }

    /// The router, with problems mapped outermost.
    func router() -> Router<Context> {
        let router = Router(context: Context.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: ProblemMiddleware(routes: table))
        for (method, pattern, handler) in handlers { router.on(RouterPath(pattern), method: method, use: handler) }
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
