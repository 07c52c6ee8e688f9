import Licensing
import Primitives
import TestSupport
import Testing

/// What operators do on a node that has not followed yet: the database says what there is.
@Suite("An operator on a node that is behind", .onSharedDatabase)
struct SharedOperatorTests {
    private let houses: SharedHouses
    private let license: IssuedLicense

    init() async throws {
        houses = try await SharedHouses(2)
        license = try await houses[0].issue(seats: 2)
    }

    @Test("gives a license of a product that is new a new key")
    func rekey() async throws {
        let fresh = try await houses[1].licensing.rekey(
            license.id, overlap: .standard, allKeys: false, dryRun: false, by: houses[1].provenance(reason: "leaked"))
        for node in houses.nodes {
            #expect(try await node.validate(fresh.key, domain: "example.com").verdict == .valid)
        }
    }

    @Test("gives it an offline key")
    func offlineKey() async throws {
        let issued = try await houses[1].licensing.issueOfflineKey(
            of: license.id, bound: .unbound, dryRun: false, by: houses[1].provenance())
        #expect(issued.license == license.id)
    }

    @Test("gives it a license file, with the seat that the file holds")
    func licenseFile() async throws {
        #expect(try await houses[1].hold("example.com", of: license, days: 30) != nil)
        #expect(try await houses[0].used(license) == 1)
        #expect(try await houses[0].inconsistencies() == [])
    }
}
