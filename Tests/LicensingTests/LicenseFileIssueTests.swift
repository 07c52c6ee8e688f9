import LicenseToken
import Licensing
import Primitives
import TestSupport
import Testing

// Licensing has an Installation of its own, which is meant here.
import struct Licensing.Installation

@Suite("License files under a license")
struct LicenseFileIssueTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private func issue(
        _ license: IssuedLicense, _ domain: String = "example.com", days: Int = 100, nonce: String? = nil,
        dryRun: Bool = false
    ) async throws -> IssuedLicenseFile {
        let new = try NewLicenseFile(
            license: license.id, installation: try house.installation(domain: domain, ip: "0.0.0.0"),
            isAddressKnown: false, days: days, nonce: nonce)
        return try await house.licensing.issueFile(new, dryRun: dryRun, by: house.provenance())
    }

    @Test("a file holds a token until its end, bound to the installation, and a seat for as long")
    func holds() async throws {
        let license = try await house.acme()
        let issued = try await issue(license, days: 366, nonce: "n-1")
        let file = try #require(issued.file)
        let read = try LicenseFile(file.text)
        let token = try house.verify(Array(read.token.text.utf8), domain: "example.com", product: "whm-panel")
        #expect(token.nonce == "n-1")
        #expect(token.address == nil)
        #expect(token.activationID == issued.activation.description)
        #expect(token.expiresAt == (house.clock.now() + .days(366)).seconds)
        #expect(token.nextCheckAt == token.expiresAt)
        #expect(token.activationsUsed == 1)
        #expect(read.headers.map(\.name) == ["Product", "License", "Domain", "Valid-Until"])
        #expect(
            try await house.count(
                """
                SELECT count(*) FROM license_files f JOIN activations a ON a.id = f.activation_id
                WHERE a.released_at IS NULL AND f.ends_at > f.issued_at
                """) == 1)
        #expect(try await house.licensing.license(license.id)?.license.used == 1)
        #expect(try await house.verdict(license, "example.com") == .valid)
    }

    @Test("a second file for the same installation takes no second seat")
    func again() async throws {
        let license = try await house.solo()
        let (first, second) = (try await issue(license), try await issue(license, days: 10))
        #expect(first.activation == second.activation)
        #expect(try await house.licensing.license(license.id)?.license.used == 1)
        #expect(try await house.count("SELECT count(*) FROM license_files") == 2)
    }

    @Test("a file never outlives the license and its grace")
    func end() async throws {
        let today = house.clock.now().date
        let plain = try await house.issue(seats: 3, expires: .through(today.adding(days: 9)))
        let graced = try await house.issue(seats: 3, expires: .through(today.adding(days: 9)), graceDays: 7)
        let midnight = Timestamp(seconds: today.adding(days: 10).daysSinceEpoch * CivilDate.secondsPerDay)
        #expect(try await issue(plain).endsAt == midnight)
        #expect(try await issue(graced).endsAt == midnight + .days(7))
        #expect(try await issue(graced, "other.example.com", days: 5).endsAt == house.clock.now() + .days(5))
    }

    @Test("its holder cannot give the seat back while the file lasts; an operator can take it, for another")
    func deactivated() async throws {
        let license = try await house.solo()
        let issued = try await issue(license, days: 30)
        let answer = try await house.validate(license.key, domain: "example.com")
        #expect(answer.verdict == .valid && answer.seat?.place?.activation == issued.activation)
        await #expect(throws: SeatHeld(until: issued.endsAt)) {
            try await house.deactivate(license.key, domain: "example.com", token: answer.token)
        }
        #expect(try await house.release(.all, of: license).map(\.id) == [issued.activation])
        #expect(try await house.verdict(license, "example.com") == .notActivated)
        #expect(try await house.verdict(license, "other.example.com") == .valid)
        // The file itself says yes until it ends; the list of revoked licenses is what can tell its software.
        try await house.licensing.revocations.publish(by: house.provenance())
        #expect(house.licensing.revocations.sequence == 1)
        house.clock.set(to: issued.endsAt)
        #expect(try await house.keepSeats() == 0, "freed once, not twice")
        #expect(try await house.used(license) == 1)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("without a free seat there is no file, no row and no event")
    func noSeat() async throws {
        let license = try await house.solo()
        #expect(try await house.verdict(license, "example.com") == .valid)
        await #expect(throws: OfflineRefusal.noSeat(.activationLimit)) { try await issue(license, "example.net") }
        #expect(try await house.count("SELECT count(*) FROM license_files") == 0)
        #expect(try await house.count("SELECT count(*) FROM journal WHERE type = 'license.file_issued'") == 0)
    }

    @Test("a license that is not in force, a development host and days out of range are refused; a try changes nothing")
    func refused() async throws {
        let license = try await house.acme()
        let lapsed = try await house.lapsed()
        await #expect(throws: OfflineRefusal.notInForce(.expired)) { try await issue(lapsed) }
        await #expect(throws: OfflineRefusal.developmentHost) { try await issue(license, "localhost") }
        for days in [0, -1, 367] {
            await #expect(throws: InvalidInput.self) { try await issue(license, days: days) }
        }
        let tried = try await issue(license, dryRun: true)
        #expect(tried.file == nil)
        #expect(try await house.count("SELECT count(*) FROM license_files") == 0)
        #expect(try await house.licensing.license(license.id)?.license.used == 0)
    }
}
