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
        routes.add(.patch, "/api/v1/products/{code}", scope: .productsWrite, updateProduct)
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

    private static let productFilters: [ListFilter<ProductCondition>] = [
        ListFilter("search", "must be there and not empty") { $0.isEmpty ? nil : .search($0) }
    ]

    @Sendable
    private func listProducts(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let page = try page(request)
        let (conditions, query) = try await conditions(Self.productFilters, of: request)
        let listing = try await licensing.products(page, where: conditions)
        return .json(listing.json(page, path: request.uri.path, query: query) { $0.write(to: &$1) })
    }

    @Sendable
    private func showProduct(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let code = try context.parameters.require("code")
        guard let product = try await licensing.product(code: code) else { throw unknownProductHere(code) }
        return .json(JSONWriter.object(product.write))
    }

    @Sendable
    private func updateProduct(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let precondition = try request.versionPrecondition()
        var members = try await members(request)
        let change = try await change(&members, context)
        let wanted = try members.productChange(precondition)
        let code = try context.parameters.require("code")
        guard let product = try await licensing.product(code: code) else { throw unknownProductHere(code) }
        do {
            let update = try await licensing.updateProduct(
                product.code, wanted, dryRun: change.dryRun, by: change.provenance)
            return .json(JSONWriter.object(update.write))
        } catch let refusal as LicensingRefusal {
            throw refusal.under(precondition)
        }
    }

    private func unknownProductHere(_ code: String) -> Problem {
        var problem = Problem.notFoundHere("product")
        if case .productUnknown(_, let near) = licensing.unknownProduct(code) { problem.detail = near.question }
        return problem
    }
}

extension Members {
    /// What a request wants of a product. Throws `InvalidInput` with all that is wrong.
    fileprivate mutating func productChange(_ precondition: Int64?) throws -> ProductChange {
        var change = ProductChange(patch: policy(), recounts: bool("recount") ?? false)
        change.name = requiredEdit("name")
        change.actionURL = edit("action_url") { $0.string("action_url") }
        if case .set(let groups) = edit("key_groups", { $0.integer("key_groups") }) {
            change.keyGroups = .set(groups ?? KeyFormat.groupsDefault)
        }
        change.keyPrefix = edit("key_prefix") { $0.string("key_prefix") }
        change.version = version(precondition)
        try finish()
        return change
    }
}
