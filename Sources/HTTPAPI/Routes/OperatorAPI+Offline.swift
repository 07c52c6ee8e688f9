import Access
import Hummingbird
import LicenseToken
import Licensing
import Primitives

import struct Licensing.Installation

extension OperatorAPI {
    /// What works without a network: offline keys, license files, the numbers that offline keys hold.
    func addOffline(to routes: inout Routes) {
        routes.add(.get, "/api/v1/products/{code}/codes", scope: .productsRead, showCodes)
        routes.add(.post, "/api/v1/products/{code}/codes", scope: .productsWrite, addCodes)
        routes.add(.post, "/api/v1/licenses/{id}/offline-keys", scope: .licensesWrite, issueOfflineKey)
        routes.add(.post, "/api/v1/licenses/{id}/files", scope: .licensesWrite, issueFile)
    }

    @Sendable
    private func showCodes(_ request: Request, _ context: OperatorContext) async throws -> Response {
        .json(try await licensing.offlineKeyNames(of: product(in: context)).json)
    }

    @Sendable
    private func addCodes(_ request: Request, _ context: OperatorContext) async throws -> Response {
        var members = try await members(request)
        let change = try await change(&members, context)
        let types = members.slugs("types")
        let features = members.slugs("features")
        try members.finish()
        let product = try await product(in: context)
        let names = try await licensing.addOfflineKeyNames(
            types: types ?? [product.policy.licenseType], features: features ?? product.policy.features, to: product,
            dryRun: change.dryRun, by: change.provenance)
        return .json(names.json)
    }

    @Sendable
    private func issueOfflineKey(_ request: Request, _ context: OperatorContext) async throws -> Response {
        var members = try await members(request)
        let change = try await change(&members, context)
        let binding = try members.offlineBinding()
        let issued = try await licensing.issueOfflineKey(
            of: try licenseID(in: context), bound: binding, dryRun: change.dryRun, by: change.provenance)
        return .json(JSONWriter.object(issued.write), status: .created)
    }

    @Sendable
    private func issueFile(_ request: Request, _ context: OperatorContext) async throws -> Response {
        var members = try await members(request)
        let change = try await change(&members, context)
        let id = try licenseID(in: context)
        let days = members.integer("days") ?? 0
        let blob = members.string("request", bytesMax: LicenseRequest.textBytesMax, isPasted: true)
        let asked = try blob.map { try LicenseRequest(pasted: $0) }
        let place: FilePlace
        if let asked {
            try members.finish()
            try await check(asked, against: id)
            place = try asked.place()
        } else {
            place = try members.place()
        }
        let new = try NewLicenseFile(
            license: id, installation: place.installation, isAddressKnown: place.isAddressKnown, days: days,
            nonce: asked?.nonce)
        let issued = try await licensing.issueFile(new, dryRun: change.dryRun, by: change.provenance)
        return .json(JSONWriter.object { issued.write(to: &$0, for: place.installation) }, status: .created)
    }

    /// Whether the request was made for this license. Throws `OfflineRefusal`, `LicensingRefusal.licenseUnknown`.
    private func check(_ asked: LicenseRequest, against id: LicenseID) async throws {
        guard let record = try await licensing.license(id) else { throw LicensingRefusal.licenseUnknown }
        guard asked.product == record.productCode.text else { throw OfflineRefusal.otherProduct(asked.product) }
        guard let last4 = asked.keyLast4 else { return }
        // Any key that still opens it: an installation may have the one that was replaced.
        let now = clock.now()
        let keys = try await licensing.keys(of: id).filter { $0.kind != .offline && $0.state(at: now) != .ended }
        guard keys.contains(where: { $0.last4 == last4.uppercased() }) else {
            throw OfflineRefusal.otherKey(last4: last4)
        }
    }

    private func product(in context: OperatorContext) async throws -> Product {
        guard let product = try await licensing.product(code: try context.parameters.require("code")) else {
            throw Problem.notFoundHere("product")
        }
        return product
    }
}

// MARK: - Reading

/// Where a license file will be used.
private struct FilePlace {
    let installation: Installation
    let isAddressKnown: Bool

    /// Throws `InvalidInput` naming `member` without domain and installation id.
    init(
        domain: CanonicalDomain?, id: InstallationID?, address: CanonicalAddress?, member: String
    ) throws(InvalidInput) {
        guard
            let installation = Installation(
                domain: domain, installationID: id, address: address ?? .unspecified, peer: nil)
        else { throw InvalidInput(member, "must be there and not empty, or installation_id must") }
        self.installation = installation
        isAddressKnown = address != nil
    }
}

extension CanonicalAddress {
    /// Stands in where nobody said an address; no token names it.
    fileprivate static var unspecified: CanonicalAddress { CanonicalAddress(ipv4: 0) }
}

extension LicenseRequest {
    /// Throws `InvalidInput` saying what is wrong with the request.
    fileprivate init(pasted text: String) throws(InvalidInput) {
        do throws(LicenseTokenError) {
            try self.init(text)
        } catch {
            throw InvalidInput("request", "cannot be read: \(error.reason)")
        }
    }

    /// The installation that asks, brought into canonical form here as everywhere. Throws `InvalidInput`.
    fileprivate func place() throws(InvalidInput) -> FilePlace {
        let domain = try canonicalDomain()
        let id = installationID.flatMap(InstallationID.init)
        if installationID != nil, id == nil {
            throw InvalidInput("request", "names an installation id that \(InstallationID.expectation)")
        }
        let address = self.address.flatMap { CanonicalAddress($0) }
        if self.address != nil, address == nil { throw InvalidInput("request", "names an address that is none") }
        return try FilePlace(domain: domain, id: id, address: address, member: "request")
    }

    private func canonicalDomain() throws(InvalidInput) -> CanonicalDomain? {
        guard let domain else { return nil }
        do {
            return try CanonicalDomain(domain)
        } catch {
            throw InvalidInput("request", "names a domain that \(error.reason)")
        }
    }
}

extension Members {
    /// Where the file will be used, from members of its own. Throws `InvalidInput`.
    fileprivate mutating func place() throws(InvalidInput) -> FilePlace {
        let domain = domain("domain")
        let id = value("installation_id", InstallationID.expectation, InstallationID.init)
        let address = value("ip_address", "must be an IPv4 or IPv6 address") { CanonicalAddress($0) }
        try finish()
        return try FilePlace(domain: domain, id: id, address: address, member: "domain")
    }

    /// What an offline key is to be bound to. Throws `InvalidInput`, also when nothing is said.
    fileprivate mutating func offlineBinding() throws(InvalidInput) -> OfflineBinding {
        let domain = domain("domain")
        let id = value("installation_id", InstallationID.expectation, InstallationID.init)
        let isUnbound = bool("unbound") ?? false
        try finish()
        switch (domain, id, isUnbound) {
        case (.some(let domain), nil, false): return .domain(domain)
        case (nil, .some(let id), false): return .installationID(id)
        case (nil, nil, true): return .unbound
        default: throw InvalidInput("domain", "say exactly one of domain, installation_id and unbound")
        }
    }

    /// A list of names.
    fileprivate mutating func slugs(_ name: String) -> [Slug]? {
        guard let texts = strings(name) else { return nil }
        let slugs = texts.compactMap { Slug($0) }
        if slugs.count != texts.count { refuse(name, "must be names of a-z, 0-9 and . _ : -") }
        return slugs
    }
}

// MARK: - Writing

extension IssuedOfflineKey {
    fileprivate func write(to json: inout JSONWriter) {
        json.member("license_id", license.description)
        json.member("license_key", key.text)
        json.member("last4", last4)
        json.member("binding", binding.kind)
        json.member("product_number", Int64(facts.productNumber))
        json.member("type_code", Int64(facts.typeCode))
        json.member("expires_at_time", facts.expiresAt.map { Timestamp(seconds: $0).description })
    }
}

extension IssuedLicenseFile {
    fileprivate func write(to json: inout JSONWriter, for installation: Installation) {
        json.member("license_id", license.description)
        json.member("activation_id", activation.description)
        json.member("domain", installation.domain?.ascii)
        json.member("installation_id", installation.installationID?.text)
        json.member("issued_at", issuedAt.description)
        json.member("ends_at", endsAt.description)
        json.member("file", file?.text)
    }
}
