import Customers
import Database
import HTTPTypes
package import Hummingbird
import Journal
package import Licensing
import NIOCore
package import Primitives

/// What operators may do: the API behind the command line, on the Unix socket only.
package struct OperatorAPI: Sendable {
    /// Bytes of a body.
    static let bodyBytesMax = 256 << 10
    /// Characters of `reason`.
    static let reasonBytesMax = 500

    let licensing: LicensingService
    let clock: any WallClock

    package init(licensing: LicensingService, clock: any WallClock) {
        self.licensing = licensing
        self.clock = clock
    }

    /// The router that answers all of it.
    package func router(_ gate: Gate = .local) -> Router<ClientContext> {
        var routes = Routes()
        add(to: &routes)
        return routes.router(gate)
    }

    /// Everything that needs a scope.
    func add(to routes: inout Routes) {
        addProducts(to: &routes)
        addCustomers(to: &routes)
        addLicenses(to: &routes)
        addKeys(to: &routes)
        addRefusals(to: &routes)
        addOffline(to: &routes)
    }

    /// A change as the request describes it: whether it is only tried, and who makes it why.
    struct Change {
        let dryRun: Bool
        let provenance: Provenance
    }

    /// The members of the body, with this API's limits.
    func members(_ request: Request) async throws -> Members {
        try await request.members(bytesMax: Self.bodyBytesMax, requiresContentType: false)
    }

    /// Takes `dry_run` and `reason` out of `members`.
    func change(_ members: inout Members, _ context: OperatorContext) async throws -> Change {
        let dryRun = members.bool("dry_run") ?? false
        let reason = members.string("reason", bytesMax: Self.reasonBytesMax)
        let provenance = Provenance(
            actor: context.actor, requestID: context.id, at: clock.now(), reason: reason)
        return Change(dryRun: dryRun, provenance: provenance)
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
