package import Licensing
package import Primitives

/// Lines of an import that tests change member by member.
package struct ImportLine: Sendable {
    private var members: [String: JSONValue]

    /// A license that is in force there, used at one place; `key` and what else `changes` says is its own.
    package static func license(
        _ id: String = "77", key: String = "Leased-0a1b2c3d4e", customer: String = "5",
        _ changes: [String: JSONValue] = [:]
    ) -> ImportLine {
        let members: [String: JSONValue] = [
            "type": .string("license"), "id": .string(id), "service": .string("10\(id)"), "product": .string("12"),
            "customer": .string(customer), "key": .string(key), "status": .string("Active"),
            "service_status": .string("Active"), "registered": .string("2024-03-01"),
            "next_due": .string("2027-03-01"), "billing_cycle": .string("Annually"),
            "domains": .array([.string("example.com"), .string("www.example.com")]),
            "addresses": .array([.string("203.0.113.7")]),
        ]
        return ImportLine(members: members.merging(changes) { $1 })
    }

    /// The same with changes alone.
    package static func license(_ changes: [String: JSONValue]) -> ImportLine { license("77", changes) }

    package static func customer(_ id: String = "5") -> ImportLine {
        ImportLine(members: ["type": .string("customer"), "id": .string(id)])
    }

    package static func product(_ changes: [String: JSONValue] = [:]) -> ImportLine {
        let members: [String: JSONValue] = [
            "type": .string("product"), "id": .string("12"), "name": .string("Panel Pro"),
            "code": .string("whm-panel"), "secret": .string("s3cret"),
        ]
        return ImportLine(members: members.merging(changes) { $1 })
    }

    package func changing(_ changes: [String: JSONValue]) -> ImportLine {
        ImportLine(members: members.merging(changes) { $1 })
    }

    /// As it stands in a request.
    package var json: JSONValue {
        var object = JSONObject()
        for (name, value) in members.sorted(by: { $0.key < $1.key }) { _ = object.append(name, value) }
        return .object(object)
    }

    package var record: ImportRecord {
        get throws {
            guard let object = json.objectValue else { preconditionFailure("a line is an object") }
            return try ImportRecord(object)
        }
    }
}

extension JSONValue {
    /// A list of texts.
    package static func texts(_ texts: [String]) -> JSONValue { .array(texts.map(JSONValue.string)) }
}

extension TestHouse {
    /// Imports lines under one product, which is ours at first use; the results of the product and of each line.
    @discardableResult
    package func imports(
        _ lines: [ImportLine], product: ImportLine = .product(), suspendAfterDays: Int? = 5, dryRun: Bool = false,
        choosing chosen: PolicySettings? = nil, in service: LicensingService? = nil
    ) async throws -> [ImportResult] {
        try await self.product(choosing: chosen)
        guard case .product(let imported) = try product.record else { preconditionFailure("a product is one") }
        let batch = ImportBatch(
            source: .whmcs, suspendAfterDays: suspendAfterDays, products: [imported],
            records: try lines.map { try $0.record })
        return try await (service ?? licensing).importLicenses(batch, dryRun: dryRun, by: provenance())
    }

    /// The license that a key opens as it is typed, as operators find it.
    package func license(typed: String) async throws -> LicenseRecord? {
        guard let key = try await licensing.key(typed: typed, member: "license_key") else { return nil }
        return try await licensing.license(key.license)
    }

    /// One call of the installer's endpoint with a key as it is typed.
    package func check(
        _ typed: String, domain: String = "example.com", ip: String = address, activates: Bool = true,
        in service: LicensingService? = nil
    ) async throws -> ValidationAnswer {
        let request = ValidationRequest(
            licenseKey: typed, installation: try installation(domain: domain, ip: ip), product: nil, nonce: nil,
            activates: activates)
        return try await (service ?? licensing).validator.answer(request, by: provenance(actor: "installation"))
    }
}
