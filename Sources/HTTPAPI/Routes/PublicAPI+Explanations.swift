import Hummingbird
import Journal
import Licensing
import Primitives

extension PublicAPI {
    /// How a verdict comes about, for those who hold a key.
    func addExplanations(to routes: inout Routes) {
        routes.add(.post, "/api/v1/installer/explain", explain)
    }

    @Sendable
    private func explain(_ request: Request, _ context: ClientContext) async throws -> Response {
        var members = try await request.members(bytesMax: Self.bodyBytesMax, requiresContentType: true)
        let peer = client(of: request, context)
        let question = try members.validation(peer: peer, activates: true)
        let provenance = Provenance(actor: "installation", requestID: context.id, at: clock.now())
        let explanation = try await licensing.watch.guarded(question, from: peer, at: provenance.at) {
            try await licensing.validator.explain(question, by: provenance)
        }
        var response = Response.json(explanation.json)
        response.headers[.cacheControl] = "no-store"
        return response
    }
}
