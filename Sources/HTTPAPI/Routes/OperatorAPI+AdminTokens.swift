import Access
import Database
import Hummingbird
import Journal
import Licensing
import Primitives

extension OperatorAPI {
    /// Who may operate from outside the machine.
    func addAdminTokens(to routes: inout Routes) {
        routes.add(.post, "/api/v1/admin-tokens", scope: .tokensWrite, createToken)
        routes.add(.get, "/api/v1/admin-tokens", scope: .tokensRead, listTokens)
        routes.add(.get, "/api/v1/admin-tokens/{name}", scope: .tokensRead, showToken)
        routes.add(.post, "/api/v1/admin-tokens/{name}/revoke", scope: .tokensWrite, revokeToken)
    }

    @Sendable
    private func createToken(_ request: Request, _ context: OperatorContext) async throws -> Response {
        var members = try await members(request)
        let change = try await change(&members, context)
        let name = members.requiredString("name")
        let scopes = members.strings("scopes") ?? []
        let expires = members.string("expires") ?? "+\(NewAdminToken.lifeDaysDefault) days"
        try members.finish()
        let now = change.provenance.at
        let expiry = try Expiry(expires, member: "expires", today: now.date)
        let new = try NewAdminToken(name: name, scopes: scopes, expiresAt: expiry.instant, now: now)
        // Nobody gives away what they do not hold.
        for scope in Scope.allCases where new.scopes.contains(scope) { try context.require(scope) }
        return try await created(change) { (made: AdminTokens.Made) in
            JSONWriter.object { made.token.write(to: &$0, secret: made.secret, at: now) }
        } by: { receipt in
            try await access.tokens.create(new, dryRun: change.dryRun, by: change.provenance, receipt: receipt)
        }
    }

    private static let tokenFilters: [ListFilter<AdminTokenCondition>] = [
        ListFilter("status", "must be one of \(AdminToken.Status.allCases.map(\.rawValue).joined(separator: ", "))") {
            AdminToken.Status(rawValue: $0).map { .status($0) }
        },
        ListFilter("scope", "must be one of \(Scope.ofTokens.map(\.rawValue).joined(separator: ", "))") {
            Scope(rawValue: $0).map { .scope($0) }
        },
    ]

    @Sendable
    private func listTokens(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let page = try page(request)
        let (conditions, query) = try await conditions(Self.tokenFilters, of: request)
        let now = clock.now()
        let listing = try await access.tokens.list(page, where: conditions, at: now)
        return .json(listing.json(page, path: request.uri.path, query: query) { $0.write(to: &$1, at: now) })
    }

    @Sendable
    private func showToken(_ request: Request, _ context: OperatorContext) async throws -> Response {
        guard let token = try await access.tokens.token(try tokenName(context)) else {
            throw AccessRefusal.tokenUnknown
        }
        return .json(JSONWriter.object { token.write(to: &$0, at: clock.now()) })
    }

    @Sendable
    private func revokeToken(_ request: Request, _ context: OperatorContext) async throws -> Response {
        var members = try await members(request)
        let change = try await change(&members, context)
        try members.finish()
        let token = try await access.tokens.revoke(
            try tokenName(context), dryRun: change.dryRun, by: change.provenance)
        return .json(JSONWriter.object { token.write(to: &$0, at: change.provenance.at) })
    }

    private func tokenName(_ context: OperatorContext) throws -> Slug {
        guard let name = Slug(try context.parameters.require("name")) else { throw AccessRefusal.tokenUnknown }
        return name
    }
}

extension AdminToken {
    /// The members of a token; its secret only when it was just made.
    fileprivate func write(to json: inout JSONWriter, secret: AdminTokenSecret? = nil, at now: Timestamp) {
        json.member("name", name.text)
        if let secret { json.member("token", secret.text) }
        json.member("scopes", scopes.names)
        json.member("status", status(at: now).rawValue)
        json.member("created_at", createdAt.description)
        json.member("expires_at", expiresAt?.description)
        json.member("last_used_at", lastUsedAt?.description)
        json.member("revoked_at", revokedAt?.description)
    }
}
