import Primitives
import Synchronization
import TestSupport
import Testing

@testable import Licensing

/// Explanations on a second node that has not followed what the first did.
@Suite("An explanation on a node that is behind", .onSharedDatabase)
struct SharedExplanationTests {
    private let houses: SharedHouses
    private let solo: IssuedLicense

    init() async throws {
        houses = try await SharedHouses(2)
        solo = try await houses[0].solo()
        _ = try await houses[1].verdict(solo, "known.example.com", activates: false)
    }

    private func explained(
        _ domain: String, ip: String = TestHouse.address, in service: LicensingService? = nil
    ) async throws -> Explanation {
        let request = ValidationRequest(
            licenseKey: solo.key.text, installation: try houses[1].installation(domain: domain, ip: ip), product: nil,
            nonce: nil, activates: false)
        return try await (service ?? houses[1].licensing).validator.explain(request, by: houses[1].provenance())
    }

    private func change(_ transition: LicenseTransition) async throws {
        _ = try await houses[0].licensing.change(
            transition, of: solo.id, dryRun: false, by: houses[0].provenance(reason: "test"))
    }

    @Test("says that its license was suspended elsewhere", arguments: [Verdict.suspended, .revoked])
    func state(verdict: Verdict) async throws {
        try await change(verdict == .suspended ? .suspend : .revoke)
        let told = try await explained("a.example.com")
        #expect(told.verdict == verdict)
        #expect(told.failed?.refusal == verdict)
        #expect(told.failed?.values.first?.value == verdict.rawValue.lowercased())
    }

    @Test("counts seats as they are counted since")
    func recounted() async throws {
        var (settings, change) = (PolicySettings(), LicenseChange())
        settings.countedBy = .ip
        change.patch = PolicyPatch(settings)
        change.recounts = true
        _ = try await houses[0].licensing.updateLicense(solo.id, change, dryRun: false, by: houses[0].provenance())
        let told = try await explained("a.example.com", ip: "198.51.100.9")
        #expect(told.verdict == .valid)
        #expect(told.counting?.countedBy == .ip)
        #expect(told.counting?.identity == "198.51.100.9/32")
    }

    @Test("knows the seats that were taken and the limit that was set elsewhere")
    func seats() async throws {
        #expect(try await houses[0].verdict(solo, "a.example.com") == .valid)
        let full = try await explained("b.example.com")
        #expect(full.verdict == .activationLimit)
        #expect(full.failed?.values.map(\.value) == ["1", "1"])
        #expect(try await explained("a.example.com").verdict == .valid)
        var (settings, change) = (PolicySettings(), LicenseChange())
        settings.maxActivations = 5
        change.patch = PolicyPatch(settings)
        _ = try await houses[0].licensing.updateLicense(solo.id, change, dryRun: false, by: houses[0].provenance())
        let roomy = try await explained("b.example.com")
        #expect(roomy.verdict == .valid)
        #expect(roomy.license?.policy.maxActivations == 5)
        #expect(try await houses[0].used(solo) == 1, "it takes none")
    }

    @Test("of a node far behind is of what is so, and none at all while the database cannot be asked")
    func stale() async throws {
        #expect(try await houses[0].verdict(solo, "a.example.com") == .valid)
        let start = ContinuousClock.now
        let age = Mutex(Duration.zero)
        let node = try await houses[1].secondService(
            feed: FeedProgress(now: { start.advanced(by: age.withLock { $0 }) }))
        #expect(try await explained("a.example.com", in: node).verdict == .valid)
        try await change(.suspend)
        #expect(try await explained("a.example.com", in: node).verdict == .valid, "as a check says within a second")
        age.withLock { $0 = .seconds(11) }
        #expect(try await explained("a.example.com", in: node).verdict == .suspended)
        houses[1].faults.failReads()
        await #expect(throws: (any Error).self) { try await explained("a.example.com", in: node) }
        houses[1].faults.mend()
    }

    @Test("is limited as before, however often it has to look again")
    func limited() async throws {
        var told = 0
        await #expect(throws: Validator.NewcomersLimited.self) {
            while told < 10_000 {
                _ = try await explained("s\(told).example.com")
                told += 1
            }
        }
        #expect(told > 0)
    }
}
