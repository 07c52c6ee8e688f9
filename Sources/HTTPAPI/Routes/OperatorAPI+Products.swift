import Hummingbird
import Licensing
import Primitives

extension OperatorAPI {
    /// What is licensed.
    func addProducts(to routes: inout Routes<OperatorContext>) {
        routes.add(.post, "/api/v1/products", createProduct)
        routes.add(.get, "/api/v1/products", listProducts)
        routes.add(.get, "/api/v1/products/{code}", showProduct)
    }

    @Sendable
    private func createProduct(_ request: Request, _ context: OperatorContext) async throws -> Response {
        var members = try await members(request)
        let change = try await change(&members, context)
        let code = members.requiredString("code")
        let name = members.string("name")
        let type = members.string("license_type") ?? "standard"
        let features = members.strings("features") ?? []
        let maxActivations = members.integer("max_activations") ?? 1
        let addresses = members.integer("addresses_per_seat") ?? LicenseTerms.addressesPerSeatDefault
        let tokenDays = members.integer("token_days")
        let countsDevelopment = members.bool("counts_development") ?? false
        try members.finish()
        let terms = try LicenseTerms(
            type: type, features: features, maxActivations: maxActivations, addressesPerSeat: addresses)
        let new = try NewProduct(
            code: code, name: name, terms: terms, tokenDays: tokenDays, countsDevelopment: countsDevelopment)
        let product = try await licensing.createProduct(new, dryRun: change.dryRun, by: change.provenance)
        return .json(JSONWriter.object(product.write), status: .created)
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
