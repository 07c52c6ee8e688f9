import LicenseToken
import Testing

@testable import LicenseClient

@Suite("An installation without a network")
struct CarriedTests {
    private let site: Site
    private var client: LicenseClient { site.client() }

    init() throws {
        var site = try Site()
        site.configuration.servers = []
        self.site = site
    }

    private static func file(_ claims: LicenseClaims) throws -> String {
        LicenseFile(token: LicenseToken(try Fixtures.token(claims)), headers: []).text
    }

    @Test("a license file licenses it until the file ends, and nothing is ever asked")
    func file() async throws {
        #expect(await client.refreshIfDue() == .offline)
        #expect(client.status().code == "not_checked", "without a network there are no first 72 hours")
        let end = Fixtures.now + 90 * Fixtures.day
        #expect(try await client.adopt(licenseFile: Self.file(Fixtures.claims(expiresAt: end))) == .updated)
        #expect(client.status().state == .licensed)
        site.clock.now = end - 1
        #expect(await client.refreshIfDue() == .offline)
        #expect(client.isLicensed)
        site.clock.now = end
        #expect(client.status().code == "expired")
        #expect(site.service.requests.isEmpty)
    }

    @Test("setting the clock back after a look does not bring an ended file back")
    func setBack() async throws {
        _ = try await client.adopt(licenseFile: Self.file(Fixtures.claims()))
        site.clock.now += 15 * Fixtures.day
        #expect(await client.refreshIfDue() == .offline)
        site.clock.now = Fixtures.now
        let status = client.status()
        #expect(!status.isUsable)
        #expect(status.warnings == ["clock_set_back"])
        #expect(throws: Never.self) { try client.makeRequest() }
    }

    @Test("a file for another installation is refused, and one that ends sooner does not replace")
    func refusals() async throws {
        _ = try await client.adopt(licenseFile: Self.file(Fixtures.claims()))
        let other = try Self.file(Fixtures.claims(domain: "example.net"))
        await #expect { _ = try await client.adopt(licenseFile: other) } throws: { error in
            (error as? LicenseTokenError)?.code == .wrongDomain
        }
        await #expect(throws: LicenseTokenError.self) { _ = try await client.adopt(licenseFile: "hello") }
        let shorter = try Self.file(Fixtures.claims(expiresAt: Fixtures.now + Fixtures.day))
        #expect(try await client.adopt(licenseFile: shorter) == .kept)
        let changed = try Self.file(Fixtures.claims(expiresAt: Fixtures.now + Fixtures.day, version: 2))
        #expect(try await client.adopt(licenseFile: changed) == .updated)
    }

    @Test("a request says who the installation is, and never the key")
    func request() throws {
        let request = try client.makeRequest(keyLast4: "3MXE")
        #expect(request.domain == "example.com")
        #expect(request.product == "whm-panel")
        #expect(request.madeAt == Fixtures.now)
        #expect(try LicenseRequest(request.text) == request)
        #expect(try client.makeRequest().nonce != request.nonce)
    }
}
