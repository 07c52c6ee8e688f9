import Database
import Journal
import Primitives
import TestSupport

@testable import Licensing

extension TestHouse {
    /// One call of the installer's endpoint with everything that stands around it, from `client`.
    func ask(
        _ key: String, domain: String? = nil, ip: String = TestHouse.address, installationID: String? = nil,
        client: String = TestHouse.address, activates: Bool = true, in service: LicensingService? = nil
    ) async throws -> Verdict {
        let service = service ?? licensing
        guard let address = CanonicalAddress(client) else { preconditionFailure("\(client) is no address") }
        let request = ValidationRequest(
            licenseKey: key,
            installation: try installation(domain: domain, ip: ip, installationID: installationID, peer: client),
            product: nil, nonce: nil, activates: activates)
        let provenance = provenance(actor: "installation")
        return try await service.watch.guarded(request, from: address, at: provenance.at) {
            try await service.validator.answer(request, by: provenance)
        }.verdict
    }

    /// Refusals as operators see them, newest first.
    func refusals(
        _ filter: RefusalFilter = .all, in service: LicensingService? = nil
    ) async throws -> [RefusalRecord] {
        guard let page = Page(perPage: Page.perPageMax) else {
            preconditionFailure("a page of the largest size is one")
        }
        return try await (service ?? licensing).refusals(filter, page, at: clock.now()).items
    }
}
