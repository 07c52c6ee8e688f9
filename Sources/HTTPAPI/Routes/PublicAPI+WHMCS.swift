import HTTPTypes
import Hummingbird
import Journal
import Licensing
import Logging
import NIOCore
import Primitives

extension PublicAPI {
    /// Where clients of WHMCS's licensing addon ask, after the address that they are configured with.
    static let legacyPath = "/modules/servers/licensing/verify.php"

    /// What software asks that was made for WHMCS: it goes on working when its address of the license server changes.
    func addLegacyChecks(to routes: inout Routes) {
        routes.add(.post, Self.legacyPath, verifyLegacy)
    }

    /// A check that is not decided is answered without a body, whatever its status: clients of any age then go on with
    /// the answer they have, those that look at the status and those that look whether something came.
    @Sendable
    private func verifyLegacy(_ request: Request, _ context: ClientContext) async throws -> Response {
        do {
            return try await legacyAnswer(request, context)
        } catch let problem as Problem {
            return .undecided(problem)
        } catch let error as any ProblemConvertible {
            let problem = error.problem
            if problem.status.kind == .serverError {
                context.logger.error("request failed", metadata: ["error": "\(error)"])
            }
            return .undecided(problem)
        }
    }

    private func legacyAnswer(_ request: Request, _ context: ClientContext) async throws -> Response {
        let body = try await request.collect(bytesMax: Self.bodyBytesMax)
        let form = try FormBody(Array(body.readableBytesView), contentType: request.headers[.contentType])
        let peer = client(of: request, context)
        let check = try LegacyCheck(form, peer: peer)
        let provenance = Provenance(actor: "installation", requestID: context.id, at: clock.now())
        let answer = try await licensing.watch.guarded(check.request, from: peer, at: provenance.at) {
            try await licensing.validator.answer(check.request, by: provenance)
        }
        var facts: LegacyFacts?
        if let license = answer.license {
            facts = try await licensing.legacyFacts(of: license.facts.id, license.facts.productID)
        }
        return .legacy(LegacyReply(answer, to: check, facts))
    }
}

extension Response {
    /// As text, which no browser takes for a page.
    fileprivate static func legacy(_ reply: LegacyReply) -> Response {
        var headers: HTTPFields = [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"]
        headers[.xContentTypeOptions] = "nosniff"
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: reply.bytes)))
    }

    /// The status of `problem` and those of its headers that are not about its body.
    fileprivate static func undecided(_ problem: Problem) -> Response {
        var headers = problem.response(instance: "").headers
        headers[.contentType] = nil
        headers[.contentLength] = nil
        headers[.cacheControl] = "no-store"
        return Response(status: problem.status, headers: headers, body: .init(byteBuffer: ByteBuffer()))
    }
}
