import Primitives
import SignetApp

extension OperatorClient {
    /// The license that a key or an id names. A key travels in a body, never in a path.
    func license(_ text: String) async throws -> Answer {
        if text.hasPrefix("lic_") { return try await get("/api/v1/licenses/\(text.urlSegment)").required() }
        let body = JSONWriter.object { $0.member("license_key", text) }
        return try await post("/api/v1/licenses/lookup", body).required()
    }

    /// The id of the license that a key or an id names.
    func licenseID(_ text: String) async throws -> String {
        if text.hasPrefix("lic_") { return text }
        return try await license(text).json.objectValue?.text("id") ?? ""
    }
}
