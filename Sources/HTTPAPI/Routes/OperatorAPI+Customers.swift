import Access
import Customers
import Hummingbird
import Licensing
import Primitives

extension OperatorAPI {
    /// Whom licenses belong to.
    func addCustomers(to routes: inout Routes) {
        routes.add(.post, "/api/v1/customers", scope: .customersWrite, createCustomer)
        routes.add(.get, "/api/v1/customers", scope: .customersRead, listCustomers)
        routes.add(.get, "/api/v1/customers/{id}", scope: .customersRead, showCustomer)
    }

    @Sendable
    private func createCustomer(_ request: Request, _ context: OperatorContext) async throws -> Response {
        var members = try await members(request)
        let change = try await change(&members, context)
        let number = members.integer("id")
        let id = number.flatMap { CustomerID(Int64($0)) }
        if number != nil, id == nil { members.refuse("id", "must be 1 or more") }
        let reference = members.string("reference")
        try members.finish()
        return try await created(change) { (customer: Customer) in
            JSONWriter.object(customer.write)
        } by: { receipt in
            try await licensing.createCustomer(
                id: id, reference: reference, dryRun: change.dryRun, by: change.provenance, receipt: receipt)
        }
    }

    private static let customerFilters: [ListFilter<CustomerCondition>] = [
        ListFilter("reference", "must be there and not empty") { $0.isEmpty ? nil : .reference($0) },
        ListFilter("state", "must be one of \(Customer.State.allCases.map(\.rawValue).joined(separator: ", "))") {
            Customer.State(rawValue: $0).map { .state($0) }
        },
    ]

    @Sendable
    private func listCustomers(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let page = try page(request)
        let (conditions, query) = try await conditions(Self.customerFilters, of: request)
        let listing = try await licensing.customers(page, where: conditions)
        return .json(listing.json(page, path: request.uri.path, query: query) { $0.write(to: &$1) })
    }

    @Sendable
    private func showCustomer(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let text = try context.parameters.require("id")
        guard let id = CustomerID(text: text), let customer = try await licensing.customer(id) else {
            var problem = Problem.notFoundHere("customer")
            if case .customerUnknown(_, let near) = try await licensing.unknownCustomer(text) {
                problem.detail = near.question
            }
            throw problem
        }
        return .json(JSONWriter.object(customer.write))
    }
}
