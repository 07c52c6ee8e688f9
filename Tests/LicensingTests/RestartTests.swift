import Database
import Foundation
import LicenseToken
import Licensing
import Primitives
import TestSupport
import Testing

@Suite("After a restart")
struct RestartTests {
    private let directory: TemporaryDirectory
    private let keys: TemporaryDirectory
    private let clock = ManualClock()

    init() throws {
        directory = try TemporaryDirectory()
        keys = try TemporaryDirectory()
    }

    private func open(_ name: String = "signet.db") async throws -> TestHouse {
        try await TestHouse(path: directory.path(of: name), keys: keys, clock: clock)
    }

    @Test("every activation, key and time of last use is there")
    func cleanEnd() async throws {
        let house = try await open()
        let acme = try await house.acme()
        let before = try await house.validate(acme.key, domain: "example.com")
        let token = try #require(before.token)
        _ = try await house.validate(acme.key, domain: "example.com", ip: "2001:db8::1")
        clock.advance(by: .minutes(30))
        _ = try await house.validate(acme.key, domain: "example.com")
        try await house.licensing.storeLastSeen()
        try house.database.close()

        let again = try await open()
        _ = again.statements.take()
        let after = try await again.validate(acme.key, domain: "example.com")
        #expect(after.verdict == .valid)
        #expect(after.seat?.place?.activation == before.seat?.place?.activation)
        #expect(after.seat?.place?.firstSeen == ManualClock.start)
        #expect(try await again.verdict(acme, "example.com", ip: "2001:db8::1") == .valid)
        #expect(again.statements.take() == [], "they are known, not asked for")
        let seats = try await again.licensing.activations(of: acme.id)
        #expect(seats.map(\.lastSeen) == [ManualClock.start + .minutes(30)])
        #expect(try again.verify(token, domain: "example.com").licenseID == acme.id.description)
    }

    @Test("a second start changes nothing in the database")
    func idempotent() async throws {
        let house = try await open()
        let acme = try await house.acme()
        #expect(try await house.verdict(acme, "example.com") == .valid)
        let events = try await house.count("SELECT count(*) FROM journal")
        try house.database.close()
        let again = try await open()
        #expect(try await again.count("SELECT count(*) FROM journal") == events)
        #expect(try await again.count("SELECT count(*) FROM signing_keys") == 2)
    }

    /// The files as they are at one moment, with the service still running: what a kill, or a lost machine, leaves.
    @Test(
        "without an end, every activation that was answered is there",
        .enabled(if: !TestDatabase.isShared, "copies SQLite's files"))
    func killed() async throws {
        let house = try await open()
        let acme = try await house.issue(seats: 0)
        let answers = try await Crowd.run(40) {
            try await house.validate(acme.key, domain: "s\($0).example.com")
        }.map { try $0.get() }
        #expect(try await house.verdict(acme, "s0.example.com") == .valid)
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(
                atPath: directory.path(of: "signet.db\(suffix)"), toPath: directory.path(of: "copy.db\(suffix)"))
        }
        let survivor = try await open("copy.db")
        #expect(try await survivor.used(acme) == 40)
        for (number, answer) in answers.enumerated() {
            let again = try await survivor.validate(acme.key, domain: "s\(number).example.com", activates: false)
            #expect(again.seat?.place?.activation == answer.seat?.place?.activation)
        }
        #expect(try await survivor.inconsistencies() == [])
        withExtendedLifetime(house) {}
    }
}
