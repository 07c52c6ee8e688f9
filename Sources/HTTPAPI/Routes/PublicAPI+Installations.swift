import Hummingbird
import Journal
import Licensing
import Primitives

extension PublicAPI {
    /// What an installation does about its own seat on purpose.
    func addInstallations(to routes: inout Routes) {
        routes.add(.post, "/api/v1/installer/activate", activate)
        routes.add(.post, "/api/v1/installer/deactivate", deactivate)
    }

    @Sendable
    private func activate(_ request: Request, _ context: ClientContext) async throws -> Response {
        let question = try await question(request, context, isExplicit: true)
        let provenance = provenance(context)
        let answer = try await licensing.watch.guarded(question, from: client(of: request, context), at: provenance.at)
        {
            try await licensing.validator.answer(question, by: provenance)
        }
        return .unstored(answer.json(revocations: licensing.revocations.sequence))
    }

    @Sendable
    private func deactivate(_ request: Request, _ context: ClientContext) async throws -> Response {
        let question = try await question(request, context, isExplicit: true)
        let provenance = provenance(context)
        let deactivation = try await licensing.watch.guarded(
            question, from: client(of: request, context), at: provenance.at
        ) {
            try await licensing.deactivate(question, by: provenance)
        }
        return .unstored(deactivation.json(revocations: licensing.revocations.sequence))
    }

    private func provenance(_ context: ClientContext) -> Provenance {
        Provenance(actor: "installation", requestID: context.id, at: clock.now())
    }
}

extension Response {
    /// A JSON answer that nobody between us and the installation may keep.
    fileprivate static func unstored(_ json: [UInt8]) -> Response {
        var response = Response.json(json)
        response.headers[.cacheControl] = "no-store"
        return response
    }
}
