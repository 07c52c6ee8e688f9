import Access
import Database
import Journal
import Primitives
import TestSupport
import Testing

@Suite("Admin tokens")
struct AdminTokenTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private var tokens: AdminTokens { house.access.tokens }

    private func make(
        _ name: String = "ci", _ scopes: [Scope] = [.productsRead], days: Int? = 90, dryRun: Bool = false
    ) async throws -> AdminTokens.Made {
        let now = house.clock.now()
        let new = try NewAdminToken(
            name: name, scopes: scopes.map(\.rawValue), expiresAt: days.map { (now + .days($0)).wholeSeconds },
            now: now)
        return try await tokens.create(new, dryRun: dryRun, by: house.provenance())
    }

    private func recognize(_ made: AdminTokens.Made) -> AdminTokens.Recognition {
        tokens.recognize(made.secret.text, at: house.clock.now())
    }

    @Test("are adm_ and 26 symbols, in one spelling, and never stand in a log")
    func secret() throws {
        var generator = SeededGenerator(seed: 7)
        let secret = AdminTokenSecret(using: &generator)
        #expect(secret.text.wholeMatch(of: #/adm_([0-9A-F][0-9A-HJKMNP-TV-Z]{12}){2}/#) != nil)
        #expect(AdminTokenSecret(text: secret.text) == secret)
        #expect("\(secret)" == "adm_***")
        for text in [
            "", "adm_", String(secret.text.dropLast()), secret.text + "0", secret.text.lowercased(),
            " " + secret.text, "tok_" + secret.text.dropFirst(4), String(secret.text.dropLast()) + "é",
        ] {
            #expect(AdminTokenSecret(text: text) == nil, "\(text)")
        }
    }

    @Test("are recognized with their scopes, and the database holds no part of the secret")
    func recognized() async throws {
        let made = try await make("ci", [.licensesRead, .productsRead])
        guard case .valid(let token) = recognize(made) else {
            Issue.record("not recognized")
            return
        }
        #expect(token.scopes == [.licensesRead, .productsRead])
        #expect(token.actor == "token:ci")
        #expect(try await house.texts("SELECT scopes FROM admin_tokens") == ["products:read licenses:read"])
        let stored = try await house.texts("SELECT hex(token_hash) || scopes || name FROM admin_tokens").joined()
        #expect(!stored.contains(made.secret.text.dropFirst(4)))
        let events = try await house.texts(
            "SELECT type || ' ' || subject || ' ' || data FROM journal WHERE type LIKE 'admin%'")
        #expect(events.count == 1)
        #expect(events.first?.hasPrefix("admin_token.created admin_token:ci ") == true)
        #expect(events.first?.contains(made.secret.text.dropFirst(4)) == false)
    }

    @Test("end at the instant of their expiry")
    func expiry() async throws {
        let made = try await make(days: 1)
        house.clock.advance(by: .days(1) - .seconds(1))
        #expect(recognize(made) != .expired)
        house.clock.advance(by: .seconds(1))
        #expect(recognize(made) == .expired)
        let token = try await tokens.token(made.token.name)
        #expect(token?.status(at: house.clock.now()) == .expired)
    }

    @Test("are unknown from the moment of their revocation, and revoking again changes nothing")
    func revocation() async throws {
        let made = try await make()
        let other = try await make("other")
        let tried = try await tokens.revoke(made.token.name, dryRun: true, by: house.provenance())
        #expect(tried.status(at: house.clock.now()) == .revoked)
        #expect(recognize(made) != .unknown)
        let revoked = try await tokens.revoke(made.token.name, dryRun: false, by: house.provenance(reason: "leaked"))
        #expect(recognize(made) == .unknown)
        #expect(recognize(other) != .unknown)
        let again = try await tokens.revoke(made.token.name, dryRun: false, by: house.provenance())
        #expect(again == revoked)
        #expect(try await house.count("SELECT count(*) FROM journal WHERE type = 'admin_token.revoked'") == 1)
        await #expect(throws: AccessRefusal.tokenExists(made.token.name), "a name is one token for ever") {
            try await make()
        }
        await #expect(throws: AccessRefusal.tokenUnknown) {
            try await tokens.revoke(try #require(Slug("nobody")), dryRun: false, by: house.provenance())
        }
    }

    @Test("outlive a restart, unless they were revoked or only tried")
    func restart() async throws {
        let (kept, gone) = (try await make("kept"), try await make("gone"))
        let tried = try await make("tried", dryRun: true)
        _ = try await tokens.revoke(gone.token.name, dryRun: false, by: house.provenance())
        let fresh = try await AccessService(database: house.database, secrets: house.secrets, journal: house.journal)
        let now = house.clock.now()
        #expect(fresh.tokens.recognize(kept.secret.text, at: now) != .unknown)
        #expect(fresh.tokens.recognize(gone.secret.text, at: now) == .unknown)
        #expect(fresh.tokens.recognize(tried.secret.text, at: now) == .unknown)
    }

    @Test("cost one write a minute, however often they are used, and no statement when recognized")
    func lastUsed() async throws {
        let made = try await make()
        func writes() -> Int { house.statements.take().filter { $0.hasPrefix("UPDATE") }.count }
        _ = house.statements.take()
        for _ in 0..<100 { _ = recognize(made) }
        #expect(house.statements.take().isEmpty)
        try await tokens.storeLastUsed()
        #expect(writes() == 1)
        #expect(try await tokens.token(made.token.name)?.lastUsedAt == house.clock.now())
        house.clock.advance(by: .seconds(59))
        _ = recognize(made)
        try await tokens.storeLastUsed()
        #expect(writes() == 0)
        house.clock.advance(by: .seconds(1))
        _ = recognize(made)
        house.faults.fail(at: .commit)
        await #expect(throws: DatabaseError.self) { try await tokens.storeLastUsed() }
        house.faults.mend()
        try await tokens.storeLastUsed()
        #expect(try await tokens.token(made.token.name)?.lastUsedAt == house.clock.now(), "what failed is not lost")
    }

    @Test(
        "are refused with what is wrong",
        arguments: [
            ("", ["products:read"], 90, "name"), ("A", ["products:read"], 90, "name"), ("a", [], 90, "scopes"),
            ("a", ["products:read", "everything"], 90, "scopes"), ("a", ["products:read"], 4_000, "expires"),
        ])
    func invalid(name: String, scopes: [String], days: Int, member: String) throws {
        let now = house.clock.now()
        let error = #expect(throws: InvalidInput.self) {
            try NewAdminToken(name: name, scopes: scopes, expiresAt: now + .days(days), now: now)
        }
        #expect(error?.violations.map(\.member) == [member])
    }

    @Test("have scopes whose names are history")
    func scopes() {
        #expect(
            Set<Scope>.all.names.joined(separator: " ") == """
                products:read products:write customers:read customers:write licenses:read licenses:write \
                licenses:reveal activations:write keys:read keys:write audit:read audit:read-personal tokens:read \
                tokens:write import:write database:read database:write
                """)
        #expect(!Scope.ofTokens.contains(.databaseWrite), "a backup names a file of the machine")
    }
}
