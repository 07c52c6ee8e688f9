import HTTPTypes
import Hummingbird
import Licensing
import Primitives

/// Says with every answer how far the node's memory has followed the other nodes; nothing where there are none.
struct FeedHeaders<Context: RequestContext>: RouterMiddleware {
    let licensing: LicensingService

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        // As it is before the answer is made: what the answer says is at least as new.
        let feed = licensing.feedStatus
        var response = try await next(request, context)
        guard let feed else { return response }
        response.headers[.feedPosition] = "\(feed.position)"
        response.headers[.feedAge] = "\(feed.age.wholeMilliseconds)"
        return response
    }
}

extension HTTPField.Name {
    /// The transaction of the database up to which the node's memory has everything.
    private static let position = HTTPField.Name("Signet-Feed-Position")
    /// Milliseconds since the node's memory had everything.
    private static let age = HTTPField.Name("Signet-Feed-Age")

    fileprivate static var feedPosition: HTTPField.Name { position.unsafelyUnwrapped }
    fileprivate static var feedAge: HTTPField.Name { age.unsafelyUnwrapped }
}
