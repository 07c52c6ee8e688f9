import Access
import Database
import Hummingbird
import Licensing
import Primitives

extension OperatorAPI {
    /// Installations that were refused lately.
    func addRefusals(to routes: inout Routes) {
        routes.add(.get, "/api/v1/refusals", scope: .licensesRead, listRefusals)
        routes.add(.get, "/api/v1/licenses/{id}/refusals", scope: .licensesRead, listRefusalsOfLicense)
    }

    @Sendable
    private func listRefusals(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let page = try page(request)
        switch try request.parameter("unknown") {
        case nil, "false": return try await list(.all, page, request, query: "")
        case "true": return try await list(.unknownKeys, page, request, query: "unknown=true&")
        default: throw InvalidParameter.problem("unknown", "must be true or false")
        }
    }

    @Sendable
    private func listRefusalsOfLicense(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let page = try page(request)
        let id = try licenseID(in: context)
        guard try await licensing.license(id) != nil else { throw LicensingRefusal.licenseUnknown }
        return try await list(.license(id), page, request, query: "")
    }

    private func list(
        _ filter: RefusalFilter, _ page: Page, _ request: Request, query: String
    ) async throws -> Response {
        let listing = try await licensing.refusals(filter, page, at: clock.now())
        return .json(listing.json(page, path: request.uri.path, query: query) { $0.write(to: &$1) })
    }
}

extension RefusalRecord {
    fileprivate func write(to json: inout JSONWriter) {
        json.member("at", at.description)
        json.member("code", code)
        json.member("license_id", license?.description)
        json.member("domain", installation?.domain)
        json.member("installation_id", installation?.installationID)
        json.member("address", installation?.address)
        json.member("peer", installation?.peer)
    }
}
