import Access
import HTTPTypes
package import Hummingbird
import Journal
package import Licensing
import NIOCore
import Primitives

/// The public listener: what installed software and integrators may ask without credentials.
package struct PublicAPI: Sendable {
    /// Bytes of a validate body (reliability notes §3.1).
    package static let bodyBytesMax = 16 << 10
    /// Bytes of `nonce`.
    static let nonceBytesMax = 256
    /// Bytes of `token`, which a client sends back: as many as a token of ours has at most.
    static let tokenBytesMax = 8 << 10

    private let backend: Backend
    private let clientAddress: ClientAddress
    var licensing: LicensingService { backend.licensing }
    var clock: any WallClock { backend.clock }

    package init(_ backend: Backend, proxies: [AddressRange]) {
        self.backend = backend
        clientAddress = ClientAddress(proxies: proxies)
    }

    /// The router of the public listener: these routes for everyone, and those of operators for the bearers of admin
    /// tokens.
    package func router() -> Router<ClientContext> {
        var routes = Routes()
        routes.add(.post, "/api/v1/installer/validate", validate)
        addExplanations(to: &routes)
        addRevocations(to: &routes)
        addInstallations(to: &routes)
        addLegacyChecks(to: &routes)
        routes.add(.get, "/.well-known/jwks.json", keySet)
        routes.add(.get, "/api/v1/installer/keys", signedKeySet)
        routes.add(.get, "/openapi.yaml") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "application/yaml"],
                body: .init(byteBuffer: ByteBuffer(bytes: PackageResources.openapi_yaml)))
        }
        routes.addSignsOfLife(of: licensing)
        OperatorAPI(backend).add(to: &routes)
        return routes.router(
            .bearer(BearerGate(tokens: backend.access.tokens, clock: clock, addresses: clientAddress)),
            following: licensing)
    }

    @Sendable
    private func validate(_ request: Request, _ context: ClientContext) async throws -> Response {
        let question = try await question(request, context, isExplicit: false)
        let provenance = Provenance(actor: "installation", requestID: context.id, at: clock.now())
        let answer = try await licensing.watch.guarded(question, from: client(of: request, context), at: provenance.at)
        {
            try await licensing.validator.answer(question, by: provenance)
        }
        var response = Response.json(answer.json(revocations: licensing.revocations.sequence))
        response.headers[.cacheControl] = "no-store"
        return response
    }

    /// Where the request comes from, seen through the configured proxies.
    func client(of request: Request, _ context: ClientContext) -> CanonicalAddress {
        // Without a connection there is nobody to answer; the unspecified address only keeps the types honest.
        clientAddress.client(peer: context.peer ?? CanonicalAddress(ipv4: 0), headers: request.headers)
    }

    /// What an installation asks, from where it is seen to ask.
    func question(
        _ request: Request, _ context: ClientContext, isExplicit: Bool
    ) async throws -> ValidationRequest {
        var members = try await request.members(bytesMax: Self.bodyBytesMax, requiresContentType: true)
        return try members.validation(peer: client(of: request, context), activates: true, isExplicit: isExplicit)
    }

    @Sendable
    private func keySet(_ request: Request, _ context: ClientContext) async throws -> Response {
        let document = licensing.keys.document(at: clock.now())
        return .shared(document.json, type: "application/jwk-set+json", tag: document.tag, for: request)
    }

    /// The key set that the vendor's root signed: what installed software may refresh its pins from.
    @Sendable
    private func signedKeySet(_ request: Request, _ context: ClientContext) async throws -> Response {
        guard let set = licensing.keySets.published else { throw Problem.keySetNotSigned }
        return .shared(Array(set.document.utf8), type: "application/jwt", tag: set.tag, for: request)
    }
}

extension Response {
    /// A public document that caches may keep for an hour, and for a week while the service is away; 304 for a client
    /// that holds the one `tag` names.
    fileprivate static func shared(_ bytes: [UInt8], type: String, tag: String, for request: Request) -> Response {
        var headers: HTTPFields = [.eTag: tag, .cacheControl: "public, max-age=3600, stale-if-error=604800"]
        if request.hasCopy(tagged: tag) { return Response(status: .notModified, headers: headers) }
        headers[.contentType] = type
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

extension Request {
    /// Whether the client holds the representation `tag` names (RFC 9110 §13.1.2, compared weakly).
    func hasCopy(tagged tag: String) -> Bool {
        headers[values: .ifNoneMatch].flatMap { $0.split(separator: ",") }.contains { listed in
            let listed = listed.drop { $0 == " " || $0 == "\t" }
            return listed.hasPrefix("*") || listed == tag || listed == "W/\(tag)"
        }
    }
}

extension Members {
    /// The members of a check. Throws `InvalidInput` with all that is wrong.
    mutating func validation(
        peer: CanonicalAddress, activates: Bool, isExplicit: Bool = false
    ) throws -> ValidationRequest {
        let licenseKey = licenseKey()
        let installation = installation(peer: peer)
        let product = string("product")
        let version = value("version", SoftwareVersion.expectation, SoftwareVersion.init)
        let nonce = string("nonce", bytesMax: PublicAPI.nonceBytesMax)
        let token = string("token", bytesMax: PublicAPI.tokenBytesMax)
        if installation == nil, activates { refuseMissingIdentity() }
        try finish()
        return ValidationRequest(
            licenseKey: licenseKey, installation: installation, product: product, version: version, nonce: nonce,
            activates: activates, isExplicit: isExplicit, token: token)
    }

    /// The key, which may be an offline key but never a file.
    private mutating func licenseKey() -> String {
        guard !holdsLicenseFile("license_key") else {
            refuse("license_key", "is a license file, which software verifies where it is; send the key instead")
            return ""
        }
        return requiredString("license_key", isPasted: true)
    }

    /// Who asks; nil without a domain and without an identifier, or when a member is wrong.
    mutating func installation(peer: CanonicalAddress) -> Installation? {
        let domain = domain("domain")
        let id = value("installation_id", InstallationID.expectation, InstallationID.init)
        let address = value("ip_address", "must be an IPv4 or IPv6 address", CanonicalAddress.init)
        if isEmpty("ip_address") { refuse("ip_address", "must be an IPv4 or IPv6 address, or absent") }
        return Installation(domain: domain, installationID: id, address: address ?? peer, peer: peer)
    }

    mutating func domain(_ name: String) -> CanonicalDomain? {
        guard let text = string(name) else { return nil }
        do {
            return try CanonicalDomain(text)
        } catch {
            refuse(name, error.reason)
            return nil
        }
    }

    private mutating func refuseMissingIdentity() {
        guard isAbsent("domain"), isAbsent("installation_id") else { return }
        refuse("domain", "must be there and not empty, or installation_id must")
    }
}
