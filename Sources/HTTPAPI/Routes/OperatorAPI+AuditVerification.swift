import Access
import Hummingbird
import Journal
import Primitives
import Upkeep

extension OperatorAPI {
    /// Sealed events that one request checks; a longer journal is checked in several.
    private static let verifiedEventsMax = 1_000_000

    /// The hash chain of the journal.
    func addAuditVerification(to routes: inout Routes) {
        routes.add(.get, "/api/v1/audit/verify", scope: .auditRead, verifyChain)
        routes.add(.get, "/api/v1/audit/anchor", scope: .auditRead, showAnchor)
    }

    @Sendable
    private func verifyChain(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let first = try request.integerParameter("from")
        guard first ?? 1 > 0 else { throw InvalidParameter.problem("from", "must be 1 or more") }
        let anchor = try request.parameter("anchor").map { text in
            guard let anchor = ChainLink(text: text) else {
                throw InvalidParameter.problem("anchor", "must be SEQUENCE:HASH as `audit anchor` prints it")
            }
            return anchor
        }
        let report = try await upkeep.chain.verify(
            from: first.map(Int64.init), anchor: anchor, eventsMax: Self.verifiedEventsMax)
        return .json(JSONWriter.object(report.write))
    }

    @Sendable
    private func showAnchor(_ request: Request, _ context: OperatorContext) async throws -> Response {
        // Whoever asks for it wants it to cover what was just done.
        try await upkeep.chain.sealAll()
        let head = try await upkeep.chain.head()
        return .json(
            JSONWriter.object { json in
                json.member("anchor", head?.description)
                json.member("sequence", head?.sequence)
                json.member("at", clock.now().description)
            })
    }
}

extension ChainReport {
    func write(to json: inout JSONWriter) {
        json.member("sound", flaw == nil)
        if let flaw {
            json.member("flaw") { json in
                json.member("kind", flaw.kind.rawValue)
                json.member("sequence", flaw.sequence)
                json.member("message", flaw.message)
            }
        } else {
            json.member("flaw", nil as String?)
        }
        json.member("checked", checked)
        json.member("head", head?.description)
        json.member("unsealed", unsealed)
        json.member("next", next)
    }
}
