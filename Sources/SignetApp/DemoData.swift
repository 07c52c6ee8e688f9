import Customers
import Database
import Journal
package import Licensing
import Primitives

/// The demonstration: the guide's customer 123 with a professional license of `whm-panel`.
package enum DemoData {
    private static let productCode = "whm-panel"
    private static let validDays: Int64 = 365

    /// Loads the demonstration into an empty database, or finds it there. The license's key, or nil when the database
    /// holds something else.
    package static func load(into signet: Signet) async throws -> LicenseKey? {
        let licensing = signet.licensing
        guard try await licensing.product(code: productCode) == nil else { return try await existingKey(licensing) }
        let provenance = Provenance(actor: "signet demo", requestID: "demo", at: signet.clock.now())
        var settings = PolicySettings()
        settings.licenseType = Slug("professional")
        settings.features = ["whm", "billing", "support"].compactMap { Slug($0) }
        let product = try await licensing.createProduct(
            NewProduct(code: productCode, name: "WHM Panel", settings: settings), dryRun: false, by: provenance)
        let customer = try await licensing.createCustomer(
            id: CustomerID(123), reference: nil, dryRun: false, by: provenance)
        let new = try NewLicense(
            customer: customer.id, product: product, expiry: .through(provenance.at.date.adding(days: validDays)))
        return try await licensing.issueLicense(new, dryRun: false, by: provenance).key
    }

    private static func existingKey(_ licensing: LicensingService) async throws -> LicenseKey? {
        guard let customer = CustomerID(123), let page = Page(perPage: 1) else { return nil }
        let filter = LicenseFilter(customer: customer)
        let first = try await licensing.licenses(filter, page, at: .distantPast).items.first
        guard let first else { return nil }
        return try await licensing.key(of: first.license.id)
    }

    /// A curl line that works as pasted.
    package static func curlCommand(_ key: LicenseKey, listen: Settings.Listen) -> String {
        let body = #"{"license_key": "\#(key.text)", "domain": "example.com", "ip_address": "192.168.1.100"}"#
        return "curl -s http://\(listen)/api/v1/installer/validate -H 'Content-Type: application/json' -d '\(body)'"
    }
}
