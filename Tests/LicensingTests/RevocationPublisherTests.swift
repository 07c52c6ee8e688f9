import Database
import LicenseToken
import Licensing
import Primitives
import TestSupport
import Testing

@Suite("The list of revoked licenses")
struct RevocationPublisherTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private func published(by service: LicensingService? = nil) async throws -> RevocationList {
        let service = service ?? house.licensing
        try await service.revocations.publish(by: house.provenance())
        return try RevocationList(
            received: String(decoding: service.revocations.edition.text, as: UTF8.self),
            keys: LicenseKeySet(jwks: service.keys.document(at: house.clock.now()).json), issuer: "signet",
            at: house.clock.now().seconds)
    }

    private func index(of license: IssuedLicense) async throws -> Int64 {
        try #require(try await house.licensing.license(license.id)).license.statusIndex
    }

    @Test("names exactly the revoked licenses, and its number grows with each change and with nothing else")
    func sequence() async throws {
        let licenses = [try await house.acme(), try await house.solo(), try await house.solo()]
        let first = try await published()
        #expect(first.sequence == 0)
        try await house.change(licenses[1], .revoke)
        let second = try await published()
        #expect(second.sequence == 1)
        #expect(second.isNewer(than: first))
        for license in licenses {
            #expect(second.revokes(statusIndex: try await index(of: license)) == (license.id == licenses[1].id))
        }
        try await house.change(licenses[0], .suspend)
        #expect(try await published().sequence == 1)
        try await house.change(licenses[0], .revoke)
        let third = try await published()
        #expect(third.sequence == 2)
        #expect(third.revokes(statusIndex: try await index(of: licenses[0])))
        #expect(house.licensing.revocations.sequence == 2)
    }

    @Test("a start goes on with the number that is stored, and finds what changed while nothing ran")
    func restart() async throws {
        let license = try await house.acme()
        try await house.change(license, .revoke)
        let before = try await published()
        let service = try await house.secondService()
        #expect(service.revocations.sequence == before.sequence)
        try await house.change(house.solo(), .revoke)
        #expect(try await house.secondService().revocations.sequence == before.sequence + 1)
    }

    @Test("without an event nothing is signed again; after a day the same list is, under the same number")
    func renewal() async throws {
        try await house.change(house.acme(), .revoke)
        let first = try await published()
        let tag = house.licensing.revocations.edition.tag
        house.clock.advance(by: .hours(23))
        #expect(try await published().issuedAt == first.issuedAt)
        house.clock.advance(by: .hours(1))
        let renewed = try await published()
        #expect(renewed.issuedAt == house.clock.now().seconds)
        #expect(renewed.sequence == first.sequence)
        #expect(house.licensing.revocations.edition.tag != tag)
    }

    @Test("an activation whose seat is released before its file ends is in the list until then")
    func endedFile() async throws {
        let license = try await house.acme()
        let new = try NewLicenseFile(
            license: license.id, installation: try house.installation(domain: "example.com"), isAddressKnown: true,
            days: 30)
        let issued = try await house.licensing.issueFile(new, dryRun: false, by: house.provenance())
        #expect(try await published().endedActivationIDs.isEmpty)
        _ = try await house.licensing.release(.all, of: license.id, dryRun: false, by: house.provenance())
        let list = try await published()
        #expect(list.endedActivationIDs == [issued.activation.description])
        let file = try #require(issued.file)
        let verifier = LicenseTokenVerifier(
            keys: try LicenseKeySet(jwks: house.licensing.keys.document(at: house.clock.now()).json), revocations: list)
        #expect(throws: LicenseTokenError.self) {
            try verifier.verify(file.token, for: .init(domain: "example.com"), at: house.clock.now().seconds)
        }
        house.clock.advance(by: .days(31))
        #expect(try await published().endedActivationIDs.isEmpty)
    }

    @Test("a revoked license with an offline key is in the list by its id")
    func offlineKey() async throws {
        let (license, other) = (try await house.acme(), try await house.acme())
        for license in [license, other] {
            _ = try await house.licensing.issueOfflineKey(
                of: license.id, bound: .unbound, dryRun: false, by: house.provenance())
        }
        try await house.change(license, .revoke)
        #expect(try await published().revokedOfflineLicenseIDs == [license.id.description])
    }

    @Test("a database that cannot be written leaves the present list")
    func failure() async throws {
        try await house.change(house.acme(), .revoke)
        let before = try await published()
        try await house.change(house.solo(), .revoke)
        house.faults.fail(at: .commit)
        await #expect(throws: (any Error).self) { try await published() }
        #expect(house.licensing.revocations.sequence == before.sequence)
    }
}
