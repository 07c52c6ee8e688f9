import Access
import Hummingbird
import Journal
import LicenseToken
import Licensing
import Primitives

extension OperatorAPI {
    /// The signing keys.
    func addKeys(to routes: inout Routes) {
        routes.add(.get, "/api/v1/keys", scope: .keysRead, listKeys)
        routes.add(.post, "/api/v1/keys", scope: .keysWrite, generateKey)
        routes.add(.get, "/api/v1/keys/export", scope: .keysRead) { _, _ in
            .json(licensing.keys.document(at: clock.now()).json)
        }
        routes.add(.post, "/api/v1/keys/rotate", scope: .keysWrite, rotateKeys)
        routes.add(.post, "/api/v1/keys/destroy", scope: .keysWrite, destroyKeys)
        routes.add(.post, "/api/v1/keys/seal", scope: .keysWrite) { try await rewriteKeyFiles($0, $1, sealed: true) }
        routes.add(.post, "/api/v1/keys/unseal", scope: .keysWrite) { try await rewriteKeyFiles($0, $1, sealed: false) }
        routes.add(.post, "/api/v1/keys/{kid}/revoke", scope: .keysWrite, revokeKey)
        routes.add(.get, "/api/v1/keys/root", scope: .keysRead, showRoot)
        routes.add(.get, "/api/v1/keys/root/request", scope: .keysRead, requestKeySet)
        routes.add(.post, "/api/v1/keys/root/publish", scope: .keysWrite, publishKeySet)
    }

    private static let keyFilters: [ListFilter<SigningKeyRecord.State>] = [
        ListFilter(
            "state", "must be one of \(SigningKeyRecord.State.allCases.map(\.rawValue).joined(separator: ", "))"
        ) { SigningKeyRecord.State(rawValue: $0) }
    ]

    private func answer(
        _ schedule: KeySchedule, at now: Timestamp, only states: [SigningKeyRecord.State] = []
    ) async throws -> Response {
        let lacking = try await licensing.keys.lackingNodes(at: now)
        return .json(schedule.json(licensing.keySets, lacking: lacking, at: now, only: states))
    }

    @Sendable
    private func listKeys(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let now = clock.now()
        let (states, _) = try await conditions(Self.keyFilters, of: request)
        return try await answer(licensing.keys.schedule(at: now), at: now, only: states)
    }

    @Sendable
    private func generateKey(_ request: Request, _ context: OperatorContext) async throws -> Response {
        var members = try await members(request)
        let change = try await change(&members, context)
        try members.finish()
        return try await created(change) { (published: LicensingService.PublishedKey) in
            JSONWriter.object { published.key.write(to: &$0, in: published.schedule, at: change.provenance.at) }
        } by: { receipt in
            try await licensing.publishKey(dryRun: change.dryRun, by: change.provenance, receipt: receipt)
        }
    }

    @Sendable
    private func rotateKeys(_ request: Request, _ context: OperatorContext) async throws -> Response {
        var members = try await members(request)
        let change = try await change(&members, context)
        let asked = members.value("at", "must be YYYY-MM-DDTHH:MM:SSZ", Timestamp.init(text:))
        let force = members.bool("force") ?? false
        try members.finish()
        let schedule = try await licensing.rotateKeys(
            at: asked, force: force, dryRun: change.dryRun, by: change.provenance)
        return try await answer(schedule, at: change.provenance.at)
    }

    @Sendable
    private func revokeKey(_ request: Request, _ context: OperatorContext) async throws -> Response {
        var members = try await members(request)
        let change = try await change(&members, context)
        let force = members.bool("force") ?? false
        if change.provenance.reason == nil { members.refuse("reason", "must say why the key is revoked") }
        try members.finish()
        let schedule = try await licensing.revokeKey(
            try context.parameters.require("kid"), force: force, dryRun: change.dryRun, by: change.provenance)
        return try await answer(schedule, at: change.provenance.at)
    }

    @Sendable
    private func destroyKeys(_ request: Request, _ context: OperatorContext) async throws -> Response {
        var members = try await members(request)
        let change = try await change(&members, context)
        let kid = members.string("kid")
        let all = members.bool("all") ?? false
        if (kid == nil) == !all { members.refuse("kid", "say exactly one of kid and all") }
        try members.finish()
        let keyIDs = kid.map { [$0] } ?? licensing.destroyableKeys(at: change.provenance.at)
        let schedule = try await licensing.keys.destroy(keyIDs, dryRun: change.dryRun, by: change.provenance)
        return try await answer(schedule, at: change.provenance.at)
    }

    private func rewriteKeyFiles(
        _ request: Request, _ context: OperatorContext, sealed: Bool
    ) async throws -> Response {
        var members = try await members(request)
        let change = try await change(&members, context)
        try members.finish()
        let keyIDs = try await licensing.keys.rewriteFiles(
            sealed: sealed, dryRun: change.dryRun, by: change.provenance)
        return .json(JSONWriter.object { $0.member(sealed ? "sealed" : "unsealed", keyIDs) })
    }

    // MARK: - The root

    @Sendable
    private func showRoot(_ request: Request, _ context: OperatorContext) async throws -> Response {
        guard let set = licensing.keySets.published else { throw Problem.keySetNotSigned }
        return .json(JSONWriter.object { $0.members(of: set) })
    }

    /// What the root is to sign: the claims of the next set.
    @Sendable
    private func requestKeySet(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let days = try request.integerParameter("days") ?? KeySetPublisher.daysDefault
        guard KeySetPublisher.daysRange.contains(days) else {
            let range = KeySetPublisher.daysRange
            throw InvalidParameter.problem("days", "must be \(range.lowerBound) to \(range.upperBound)")
        }
        return .json(licensing.keySets.claims(days: days, at: clock.now()).json)
    }

    @Sendable
    private func publishKeySet(_ request: Request, _ context: OperatorContext) async throws -> Response {
        var members = try await members(request)
        let change = try await change(&members, context)
        let document = members.string("document", bytesMax: TrustedRoot.documentBytesMax, isPasted: true)
        if document == nil { members.refuse("document", "must be the signed key set") }
        let root = members.value("root", "must be the x of the root's public key") { text in
            Base64URL.decode(text).flatMap { $0.count == 32 ? $0 : nil }
        }
        if root == nil, members.isAbsent("root") { members.refuse("root", "must be the x of the root's public key") }
        let replaces = members.bool("replace_root") ?? false
        try members.finish()
        guard let document, let root else { throw InvalidInput("document", "must be the signed key set") }
        let set = try await licensing.keySets.publish(
            document, root: PublicKeyRecord(keyID: SigningKey.keyID(publicKey: root), publicKey: root),
            replacesRoot: replaces, dryRun: change.dryRun, by: change.provenance)
        return .json(JSONWriter.object { $0.members(of: set) }, status: .created)
    }
}
