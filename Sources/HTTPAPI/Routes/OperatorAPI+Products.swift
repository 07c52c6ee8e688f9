import Access
import Hummingbird
import Licensing
import Primitives

extension OperatorAPI {
    /// What is licensed.
    func addProducts(to routes: inout Routes) {
        routes.add(.post, "/api/v1/products", scope: .productsWrite, createProduct)
        routes.add(.get, "/api/v1/products", scope: .productsRead, listProducts)
        routes.add(.get, "/api/v1/products/{code}", scope: .productsRead, showProduct)
    }

    @Sendable
    private func createProduct(_ request: Request, _ context: OperatorContext) async throws -> Response {
        var members = try await members(request)
        let change = try await change(&members, context)
        let code = members.requiredString("code")
        let name = members.string("name")
        let patch = members.policy()
        let groups = members.integer("key_groups")
        let prefix = members.string("key_prefix")
        let actionURL = members.string("action_url")
        try members.finish()
        let new = try NewProduct(
            code: code, name: name, settings: patch.applied(to: PolicySettings()),
            keyFormat: KeyFormat(groups: groups, prefix: prefix), actionURL: actionURL)
        return try await created(change) { (product: Product) in
            JSONWriter.object(product.write)
        } by: { receipt in
            try await licensing.createProduct(new, dryRun: change.dryRun, by: change.provenance, receipt: receipt)
        }
    }

    @Sendable
    private func listProducts(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let page = try page(request)
        let listing = try await licensing.products(page)
        return .json(listing.json(page, path: request.uri.path, query: "") { $0.write(to: &$1) })
    }

    @Sendable
    private func showProduct(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let code = try context.parameters.require("code")
        guard let product = try await licensing.product(code: code) else { throw Problem.notFoundHere("product") }
        return .json(JSONWriter.object(product.write))
    }
}
