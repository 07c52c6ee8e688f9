import Database
import HTTPTypes
import Hummingbird
import Logging
import NIOHTTP1

/// The outermost middleware: whatever goes wrong below becomes a problem document here, and nowhere else.
///
/// What the outside may know is told; anything else is a 500 without detail, logged once with the request's id.
struct ProblemMiddleware<Context: RequestContext>: RouterMiddleware {
    let routes: RouteTable

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPParserError {
            // The connection is out of step: the channel answers 400 and closes.
            throw error
        } catch {
            let problem = problem(for: error, request, context)
            return problem.response(instance: "urn:signet:request:\(context.id)")
        }
    }

    private func problem(for error: any Error, _ request: Request, _ context: Context) -> Problem {
        switch error {
        case let problem as Problem: return problem
        case let error as HTTPError where error.status == .notFound:
            let allowed = routes.methods(at: request.uri.path)
            return allowed.isEmpty ? .notFound : .methodNotAllowed(allowed: allowed)
        case let error as HTTPError where error.status.kind != .serverError: return Problem(of: error.status)
        case let error as any ProblemConvertible:
            let problem = error.problem
            if problem.status.kind == .serverError { log(error, context) }
            return problem
        default:
            log(error, context)
            return .internalError
        }
    }

    private func log(_ error: any Error, _ context: Context) {
        context.logger.error("request failed", metadata: ["error": "\(error)"])
    }
}

/// Which methods each path answers: what a 405 tells, since the router knows only that nothing matched.
struct RouteTable: Sendable {
    /// `{name}` in a pattern stands for any one segment.
    private var routes: [(segments: [Substring], method: String)] = []

    mutating func add(_ method: HTTPRequest.Method, _ pattern: String) {
        routes.append((Self.segments(of: pattern[...]), method.rawValue))
        if method == .get { routes.append((Self.segments(of: pattern[...]), "HEAD")) }
    }

    /// Sorted; empty for an unknown path.
    func methods(at path: String) -> [String] {
        let asked = Self.segments(of: path[...])
        let matching = routes.filter { Self.matches($0.segments, asked) }
        // As in the router, a path that is spelled out hides a pattern that would match it too.
        let literal = matching.filter { $0.segments == asked }
        return (literal.isEmpty ? matching : literal).map(\.method).sorted()
    }

    private static func segments(of path: Substring) -> [Substring] { path.split(separator: "/") }

    private static func matches(_ pattern: [Substring], _ path: [Substring]) -> Bool {
        pattern.count == path.count && zip(pattern, path).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
}
