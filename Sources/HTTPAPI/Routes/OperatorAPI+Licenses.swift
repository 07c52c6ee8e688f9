import Access
import Customers
import Hummingbird
import Journal
import Licensing
import Primitives

extension OperatorAPI {
    /// Licenses and the installations that hold their seats.
    func addLicenses(to routes: inout Routes) {
        routes.add(.post, "/api/v1/licenses", scope: .licensesWrite, issueLicense)
        routes.add(.get, "/api/v1/licenses", scope: .licensesRead, listLicenses)
        routes.add(.get, "/api/v1/licenses.csv", scope: .licensesRead, exportLicenses)
        routes.add(.post, "/api/v1/licenses/lookup", scope: .licensesRead, lookUpLicense)
        routes.add(.post, "/api/v1/licenses/validate", scope: .licensesRead, validate)
        routes.add(.post, "/api/v1/licenses/explain", scope: .licensesRead, explain)
        routes.add(.get, "/api/v1/licenses/{id}", scope: .licensesRead, showLicense)
        routes.add(.patch, "/api/v1/licenses/{id}", scope: .licensesWrite, updateLicense)
        routes.add(.get, "/api/v1/licenses/{id}/activations", scope: .licensesRead, listActivations)
        routes.add(.post, "/api/v1/licenses/{id}/deactivate", scope: .activationsWrite, deactivate)
    }

    @Sendable
    private func issueLicense(_ request: Request, _ context: OperatorContext) async throws -> Response {
        var members = try await members(request)
        let change = try await change(&members, context)
        let customer = members.integer("customer_id").flatMap { CustomerID(Int64($0)) }
        if customer == nil { members.refuse("customer_id", "must be the number of a customer") }
        let productCode = members.requiredString("product")
        let patch = members.policy()
        let expires = members.string("expires") ?? "never"
        let begins = members.string("not_before")
        let count = members.count()
        let batch = members.value("batch", "must be a name of a-z, 0-9 and . _ : -") { Slug($0) }
        try members.finish()
        guard let customer, let product = try await licensing.product(code: productCode) else {
            throw licensing.unknownProduct(productCode)
        }
        let new = try NewLicense(
            customer: customer, product: product, overrides: patch.applied(to: PolicySettings()),
            expiry: try Expiry(expires, member: "expires", today: change.provenance.at.date),
            notBefore: try begins.map { try Timestamp(beginning: $0, member: "not_before") }, batch: batch)
        guard try await licensing.customer(customer) != nil else {
            throw try await licensing.unknownCustomer(customer.description)
        }
        return try await created(change) { (issued: [LicenseIssued]) in
            Self.json(issued, isList: count != nil, at: change.provenance.at)
        } by: { receipt in
            try await licensing.issueLicenses(
                new, count: count ?? 1, dryRun: change.dryRun, by: change.provenance, receipt: receipt)
        }
    }

    /// One license as it is, or as many as were asked for in a list. The only time that their keys are told unasked.
    private static func json(_ issued: [LicenseIssued], isList: Bool, at now: Timestamp) -> [UInt8] {
        JSONWriter.object { json in
            guard isList else {
                for one in issued { one.record.write(to: &json, key: one.key, at: now) }
                return
            }
            json.member("count", Int64(issued.count))
            json.member("batch", issued.first?.record.license.batch?.text)
            json.member("data", objects: issued) { $0.record.write(to: &$1, key: $0.key, at: now) }
        }
    }

    @Sendable
    private func listLicenses(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let page = try page(request)
        var (conditions, query) = try await conditions(Self.licenseFilters, of: request)
        let now = clock.now()
        let bySpread = try isBySpread(request)
        if bySpread { query += "spread=true&" }
        let listing = try await licensing.licenses(LicenseFilter(conditions, bySpread: bySpread), page, at: now)
        return .json(listing.json(page, path: request.uri.path, query: query) { $0.write(to: &$1, at: now) })
    }

    /// Whether those come first that were used from most networks.
    private func isBySpread(_ request: Request) throws -> Bool {
        guard let text = try request.parameter("spread") else { return false }
        guard text == "true" else { throw InvalidParameter.problem("spread", "must be true, or absent") }
        return true
    }

    @Sendable
    private func lookUpLicense(_ request: Request, _ context: OperatorContext) async throws -> Response {
        var members = try await members(request)
        let text = members.requiredString("license_key", isPasted: true)
        try members.finish()
        guard let key = try await licensing.key(typed: text, member: "license_key"),
            let record = try await licensing.license(key.license)
        else { throw LicensingRefusal.licenseUnknown }
        return try await show(record, under: key)
    }

    @Sendable
    private func showLicense(_ request: Request, _ context: OperatorContext) async throws -> Response {
        guard let record = try await licensing.license(try licenseID(in: context)) else {
            throw LicensingRefusal.licenseUnknown
        }
        return try await show(record)
    }

    /// `key`: the one by which the license was looked up.
    private func show(_ record: LicenseRecord, under key: LicenseKeyRecord? = nil) async throws -> Response {
        let now = clock.now()
        let keys = try await licensing.keys(of: record.license.id)
        let activations = try await licensing.activations(of: record.license.id)
        let product = try await licensing.product(code: record.productCode.text)
        return .json(
            JSONWriter.object { json in
                record.write(to: &json, at: now)
                if let product {
                    json.member("product_name", product.name)
                    json.member("policy_sources", value: .object(record.sources(under: product)))
                }
                if let key { json.member("looked_up") { key.write(to: &$0, at: now) } }
                json.member("keys", objects: keys) { $0.write(to: &$1, at: now) }
                json.member("activations", objects: activations) { $0.write(to: &$1) }
            })
    }

    @Sendable
    private func listActivations(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let page = try page(request)
        let id = try licenseID(in: context)
        guard try await licensing.license(id) != nil else { throw LicensingRefusal.licenseUnknown }
        let listing = try await licensing.activations(of: id, page)
        return .json(listing.json(page, path: request.uri.path, query: "") { $0.write(to: &$1) })
    }

    @Sendable
    private func validate(_ request: Request, _ context: OperatorContext) async throws -> Response {
        var members = try await members(request)
        let activates = members.bool("activate") ?? false
        if activates { try context.require(.activationsWrite) }
        let question = try members.validation(peer: .loopback, activates: activates, isExplicit: activates)
        let provenance = Provenance(actor: context.actor, requestID: context.id, at: clock.now())
        let answer = try await licensing.validator.answer(question, by: provenance)
        return .json(answer.json(revocations: licensing.revocations.sequence))
    }

    @Sendable
    private func explain(_ request: Request, _ context: OperatorContext) async throws -> Response {
        var members = try await members(request)
        let question = try members.validation(peer: .loopback, activates: false)
        let provenance = Provenance(actor: context.actor, requestID: context.id, at: clock.now())
        return .json(try await licensing.validator.explain(question, by: provenance).json)
    }

    @Sendable
    private func deactivate(_ request: Request, _ context: OperatorContext) async throws -> Response {
        var members = try await members(request)
        let change = try await change(&members, context)
        let id = try licenseID(in: context)
        let selection = try members.seatSelection()
        let (released, license) = try await licensing.release(
            selection, of: id, dryRun: change.dryRun, by: change.provenance)
        return .json(
            JSONWriter.object { json in
                json.member("license_id", license.id.description)
                json.member("released", objects: released) { $0.write(to: &$1) }
                json.member("current_activations", Int64(license.used))
            })
    }
}

extension Members {
    /// How many licenses to issue; nil when nobody says.
    fileprivate mutating func count() -> Int? {
        guard let count = integer("count") else { return nil }
        if !(1...NewLicense.countMax).contains(count) { refuse("count", "must be 1 to \(NewLicense.countMax)") }
        return count
    }

    /// Which seats to release. Throws `InvalidInput`, also when nothing is selected.
    fileprivate mutating func seatSelection() throws -> SeatSelection {
        let all = bool("all") ?? false
        let domain = domain("domain")
        let address = value("ip_address", "must be an IPv4 or IPv6 address", CanonicalAddress.init)
        let id = value("installation_id", InstallationID.expectation, InstallationID.init)
        try finish()
        switch (all, domain, id, address) {
        case (true, nil, nil, nil): return .all
        case (false, .some(let domain), nil, _): return .domain(domain, address)
        case (false, nil, nil, .some(let address)): return .address(address)
        case (false, nil, .some(let id), nil): return .installationID(id)
        default:
            throw InvalidInput(
                "domain", "say exactly one of domain (with ip_address or without), ip_address, installation_id and all")
        }
    }
}

extension CanonicalAddress {
    /// Where a request over the Unix socket comes from: this machine.
    fileprivate static var loopback: CanonicalAddress { CanonicalAddress(ipv4: 0x7F00_0001) }
}
