import Access
import Cluster
import Customers
import Database
import HTTPTypes
package import Hummingbird
import Journal
import Licensing
import NIOCore
import Primitives
import Upkeep

/// What operators may do: the API behind the command line on the Unix socket, and on the public listener for bearers of
/// admin tokens.
package struct OperatorAPI: Sendable {
    /// Bytes of a body.
    static let bodyBytesMax = 256 << 10
    /// Characters of `reason`.
    static let reasonBytesMax = 500

    private let backend: Backend
    var licensing: LicensingService { backend.licensing }
    var access: AccessService { backend.access }
    var audit: AuditLog { backend.audit }
    var upkeep: Upkeep { backend.upkeep }
    var membership: Membership { backend.membership }
    var clock: any WallClock { backend.clock }

    package init(_ backend: Backend) { self.backend = backend }

    /// The router for those on the machine itself.
    package func router() -> Router<ClientContext> {
        var routes = Routes()
        add(to: &routes)
        return routes.router(.local)
    }

    /// Everything that needs a scope.
    func add(to routes: inout Routes) {
        addProducts(to: &routes)
        addCustomers(to: &routes)
        addLicenses(to: &routes)
        addStates(to: &routes)
        addLicenseKeys(to: &routes)
        addKeys(to: &routes)
        addRefusals(to: &routes)
        addOffline(to: &routes)
        addImports(to: &routes)
        addAdminTokens(to: &routes)
        addAudit(to: &routes)
        addAuditVerification(to: &routes)
        addDatabase(to: &routes)
        addNodes(to: &routes)
    }

    /// A change as the request describes it: whether it is only tried, and who makes it why.
    struct Change {
        let dryRun: Bool
        let provenance: Provenance
        /// Of a request with an Idempotency-Key.
        let claim: ReceiptClaim?
    }

    /// The members of the body, with this API's limits.
    func members(_ request: Request) async throws -> Members {
        try await request.members(bytesMax: Self.bodyBytesMax, requiresContentType: false)
    }

    /// Takes `dry_run` and `reason` out of `members`. Throws `KeptAnswer` when the request came before under the same
    /// Idempotency-Key: before anything is asked of what may have changed since.
    func change(_ members: inout Members, _ context: OperatorContext) async throws -> Change {
        let dryRun = members.bool("dry_run") ?? false
        let reason = members.string("reason", bytesMax: Self.reasonBytesMax)
        let provenance = Provenance(actor: context.actor, requestID: context.id, at: clock.now(), reason: reason)
        let claim = try context.head.headerFields.idempotencyKey().map { key in
            access.receipts.claim(
                key, owner: context.actor, method: context.head.method.rawValue, path: context.head.path ?? "",
                body: members.body.readableBytesView, at: provenance.at)
        }
        if let claim { try await access.receipts.check(claim) }
        return Change(dryRun: dryRun, provenance: provenance, claim: claim)
    }

    /// Answers a change that makes something: 201 with what `json` writes of it.
    func created<Value>(
        _ change: Change, _ json: @escaping @Sendable (Value) -> [UInt8],
        by work: (Receipt<Value>) async throws -> Value
    ) async throws -> Response {
        try await answered(change, status: .created, json, by: work)
    }

    /// Answers a change with what `json` writes of it. With an Idempotency-Key the answer is kept in the transaction of
    /// `work`, to which its receipt goes.
    func answered<Value>(
        _ change: Change, status: HTTPResponse.Status, _ json: @escaping @Sendable (Value) -> [UInt8],
        by work: (Receipt<Value>) async throws -> Value
    ) async throws -> Response {
        guard let claim = change.claim else { return .json(json(try await work(.none)), status: status) }
        let receipt = access.receipts.receipt(for: claim, status: status.code, answer: json)
        let value = try await access.receipts.alone(claim) { try await work(receipt) }
        return .json(json(value), status: status)
    }

    /// The page that the query asks for. Throws `Problem` naming the parameter.
    func page(_ request: Request) throws -> Page {
        let number = try request.integerParameter("page") ?? 1
        let perPage = try request.integerParameter("per_page") ?? Page.perPageDefault
        guard let page = Page(number: number, perPage: perPage) else {
            throw (1...Page.perPageMax).contains(perPage)
                ? InvalidParameter.problem("page", "must be 1 to \(Int32.max)")
                : InvalidParameter.problem("per_page", "must be 1 to \(Page.perPageMax)")
        }
        return page
    }
}
