import Access
import Hummingbird
import Licensing
import Primitives

extension OperatorAPI {
    /// The signing keys.
    func addKeys(to routes: inout Routes) {
        routes.add(.get, "/api/v1/keys", scope: .keysRead, listKeys)
        routes.add(.post, "/api/v1/keys", scope: .keysWrite, generateKey)
        routes.add(.get, "/api/v1/keys/export", scope: .keysRead) { _, _ in .json(licensing.keys.document) }
    }

    @Sendable
    private func listKeys(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let records = try await licensing.keys.records()
        return .json(JSONWriter.object { $0.member("data", objects: records) { $0.write(to: &$1) } })
    }

    @Sendable
    private func generateKey(_ request: Request, _ context: OperatorContext) async throws -> Response {
        var members = try await members(request)
        let change = try await change(&members, context)
        try members.finish()
        let record = try await licensing.keys.generate(dryRun: change.dryRun, by: change.provenance)
        return .json(JSONWriter.object(record.write), status: .created)
    }
}
