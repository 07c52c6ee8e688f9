import LicenseToken
import Primitives
import Testing

@testable import LicenseClient

@Suite("Keys that change and licenses that are taken back")
struct TrustTests {
    private let site: Site
    private var client: LicenseClient { site.client() }

    init() throws { site = try Site() }

    private func licensed() async {
        #expect(await client.refreshIfDue() == .updated)
        _ = site.service.takePaths()
    }

    private static func signed(by key: SigningKey) -> ScriptedService.Answer {
        ScriptedService.valid { try Fixtures.token(Fixtures.claims(nonce: $0), by: key) }
    }

    // MARK: The list of revoked licenses

    @Test("a newer list is fetched when an answer names it, kept, and honored without a network")
    func list() async throws {
        await licensed()
        site.service.publishes(list: try Fixtures.list(3, revoking: [17]))
        site.service.answers(ScriptedService.refusal("ACTIVATION_LIMIT"))
        _ = await client.refreshIfDue(force: true)
        #expect(site.service.takePaths() == ["validate"], "a refusal that names no list fetches none")
        site.service.answers(ScriptedService.valid(sequence: 3))
        #expect(await client.refreshIfDue(force: true) == .failed, "the answer's token is on the list it named")
        #expect(site.service.takePaths() == ["validate", "revocations"])
        #expect(client.status().state == .ended)
        #expect(client.status().code == "revoked")
        site.clock.now += 1000 * Fixtures.day
        #expect(!client.isLicensed)
    }

    @Test("a list that does not name the license leaves it alone, and is not fetched again")
    func otherLicenses() async throws {
        site.service.publishes(list: try Fixtures.list(3, revoking: [16, 18]))
        site.service.answers(ScriptedService.valid(sequence: 3))
        #expect(await client.refreshIfDue() == .updated)
        #expect(site.service.takePaths().filter { $0 == "revocations" }.count == 1)
        _ = await client.refreshIfDue(force: true)
        #expect(!site.service.takePaths().contains("revocations"))
        #expect(client.isLicensed)
    }

    @Test("an old list does not bring a license back")
    func oldList() async throws {
        await licensed()
        #expect(try await client.adopt(revocationList: Fixtures.list(5, revoking: [17])) == .updated)
        #expect(!client.isLicensed)
        #expect(try await client.adopt(revocationList: Fixtures.list(5, revoking: [])) == .kept)
        let old = try Fixtures.list(4, revoking: [])
        #expect(await Self.code { try await client.adopt(revocationList: old) } == "outdated")
        #expect(!client.isLicensed)
        #expect(try await client.adopt(revocationList: Fixtures.list(6, revoking: [])) == .updated)
        #expect(client.isLicensed, "reinstated: the token was kept")
    }

    @Test("a list of a stranger or of another time is refused")
    func strangeList() async throws {
        await licensed()
        let refusals: [(String, LicenseTokenError.Code)] = [
            (try Fixtures.list(9, revoking: [17], by: Fixtures.stranger()), .unknownKey),
            (try Fixtures.list(9, revoking: [17], issuedAt: Fixtures.now + 301), .notYetValid),
            (try Fixtures.list(9, revoking: [17], issuedAt: Fixtures.now - 400 * Fixtures.day), .expired),
            ("x", .malformed),
        ]
        for (list, code) in refusals {
            #expect(await Self.code { try await client.adopt(revocationList: list) } == code.rawValue)
        }
        #expect(client.isLicensed)
    }

    @Test("a damaged list counts as none, and the next answer brings another")
    func damagedList() async throws {
        await licensed()
        _ = try await client.adopt(revocationList: Fixtures.list(5, revoking: [17]))
        #expect(client.cache.replace(.revocations, with: "damaged"))
        #expect(client.isLicensed)
        site.service.publishes(list: try Fixtures.list(5, revoking: [17]))
        site.service.answers(ScriptedService.valid(sequence: 5))
        _ = await client.refreshIfDue(force: true)
        #expect(!client.isLicensed)
    }

    // MARK: The signed key set

    @Test("a token of an unknown key refreshes the keys once, then is accepted")
    func unknownKey() async throws {
        await licensed()
        let next = try Fixtures.nextKey()
        site.service.publishes(keySet: try Fixtures.keySet(1, keys: [Fixtures.signingKey(), next]))
        site.clock.now += Fixtures.hour
        site.service.answers(Self.signed(by: next))
        #expect(await client.refreshIfDue(force: true) == .updated)
        #expect(site.service.takePaths() == ["validate", "keys"])
        _ = await client.refreshIfDue(force: true)
        #expect(site.service.takePaths() == ["validate"])
    }

    @Test("a key that stays unknown fails, and the keys are asked for every 15 minutes at most")
    func stillUnknown() async throws {
        await licensed()
        site.clock.now += Fixtures.hour
        site.service.answers(Self.signed(by: try Fixtures.stranger()))
        #expect(await client.refreshIfDue(force: true) == .failed)
        #expect(site.service.takePaths() == ["validate", "keys"])
        site.clock.now += 899
        #expect(await client.refreshIfDue(force: true) == .failed)
        #expect(site.service.takePaths() == ["validate"])
        site.clock.now += 1
        #expect(await client.refreshIfDue(force: true) == .failed)
        #expect(site.service.takePaths() == ["validate", "keys"])
        #expect(client.isLicensed, "the token that is held is none of this")
    }

    @Test("without a pinned root no keys are asked for")
    func noRoot() async throws {
        var rootless = site
        rootless.configuration.pinnedRoot = nil
        site.service.answers(Self.signed(by: try Fixtures.nextKey()))
        #expect(await rootless.client().refreshIfDue() == .failed)
        #expect(site.service.takePaths() == ["validate"])
    }

    @Test("a revoked key ends the tokens it signed, and the client asks for another at once")
    func revokedKey() async throws {
        await licensed()
        let (old, next) = (try Fixtures.signingKey(), try Fixtures.nextKey())
        #expect(try await client.adopt(keySet: Fixtures.keySet(2, keys: [next], revoked: [old])) == .updated)
        site.clock.now += 73 * Fixtures.hour
        let status = client.status()
        #expect(!status.isUsable)
        #expect(status.code == "revoked_key")
        site.service.answers(
            ScriptedService.valid { [site] in
                try Fixtures.token(Fixtures.claims(issuedAt: site.clock.now, nonce: $0), by: next)
            })
        #expect(await client.refreshIfDue() == .updated)
        #expect(client.isLicensed)
    }

    @Test("a key set of a stranger, of the signing key, older, or of another time is refused")
    func strangeSets() async throws {
        await licensed()
        let next = try Fixtures.nextKey()
        _ = try await client.adopt(keySet: Fixtures.keySet(5, keys: [Fixtures.signingKey()]))
        let refusals: [(String, LicenseTokenError.Code)] = [
            (try Fixtures.keySet(9, keys: [next], by: Fixtures.stranger()), .unknownKey),
            (try Fixtures.keySet(9, keys: [next], by: Fixtures.signingKey()), .unknownKey),
            (try Fixtures.keySet(4, keys: [next]), .outdated),
            (try Fixtures.keySet(5, keys: [next]), .outdated),
            (try Fixtures.keySet(9, keys: [next], issuedAt: Fixtures.now + 301), .notYetValid),
            (try Fixtures.keySet(9, keys: [next], issuedAt: Fixtures.now - 200 * Fixtures.day), .expired),
        ]
        for (set, code) in refusals {
            #expect(await Self.code { try await client.adopt(keySet: set) } == code.rawValue)
        }
        #expect(client.isLicensed)
    }

    @Test("an accepted set does not run out; a damaged one falls back to the pins")
    func sets() async throws {
        let next = try Fixtures.nextKey()
        _ = try await client.adopt(keySet: Fixtures.keySet(5, keys: [next], lifeDays: 1))
        site.clock.now += 30 * Fixtures.day
        let soon = Fixtures.claims(issuedAt: site.clock.now)
        #expect(client.verify(LicenseToken(try Fixtures.token(soon, by: next)), at: site.clock.now).license != nil)
        #expect(client.verify(LicenseToken(try Fixtures.token(soon)), at: site.clock.now) == .refused(.unknownKey))
        #expect(client.cache.replace(.keySet, with: "damaged"))
        #expect(client.verify(LicenseToken(try Fixtures.token(soon)), at: site.clock.now).license != nil)
    }

    @Test("a set taken from a plain JWKS changes nothing")
    func plainSet() async throws {
        site.service.publishes(
            keySet: String(decoding: JSONWebKeySet.encode([try Fixtures.nextKey().publicRecord]), as: UTF8.self))
        site.service.answers(Self.signed(by: try Fixtures.nextKey()))
        #expect(await client.refreshIfDue() == .failed)
        #expect(site.service.takePaths() == ["validate", "keys"])
        #expect(client.cache.read(.keySet) == .absent)
        #expect(client.status().warnings.contains("the answer holds no token for us: unknown_key"))
    }

    @Test("a program that pins a root alone learns its keys at the first check")
    func rootAlone() async throws {
        var rooted = site
        rooted.configuration.pinnedKeys = nil
        site.service.publishes(keySet: try Fixtures.keySet(3, keys: [Fixtures.signingKey()]))
        #expect(await rooted.client().refreshIfDue() == .updated)
        #expect(rooted.client().status().keySetSequence == 3)
        rooted.configuration.pinnedRoot = nil
        #expect(rooted.client().status().code == "key_set_unusable")
    }

    // MARK: Vectors

    @Test("every published key set is taken in or refused with its code")
    func keySetVectors() async throws {
        let file = try Fixtures.vectors("signed-key-sets.json")
        let rows = (file["cases"]?.arrayValue ?? []).compactMap(\.objectValue).filter {
            $0["issuer"]?.stringValue != nil
        }
        #expect(rows.count > 50)
        for row in rows {
            var site = try Site()
            site.configuration.pinnedRoot = String(
                decoding: JSONWriter.object { json in
                    for name in ["kty", "crv", "x", "kid"] as [StaticString] {
                        json.member(name, file["root"]?.objectValue?["\(name)"]?.stringValue)
                    }
                }, as: UTF8.self)
            site.configuration.issuer = row["issuer"]?.stringValue ?? ""
            let client = site.client()
            if let held = row["held"]?.stringValue {
                _ = await client.cache.locked(before: .now + .seconds(300)) {
                    client.cache.replace(.keySet, with: held)
                }
            }
            site.clock.now = row["now"]?.integerValue ?? file["now"]?.integerValue ?? 0
            let document = row["document"]?.stringValue ?? ""
            let expected = row["expect"]?.stringValue ?? ""
            let outcome = await Self.code { try client.take(keySet: document, at: site.clock.now) }
            #expect(outcome == expected, "\(row["name"] ?? .null)")
        }
    }

    @Test("every published list of revoked licenses is taken in or refused with its code")
    func listVectors() async throws {
        let file = try Fixtures.vectors("status-lists.json")
        let rows = (file["cases"]?.arrayValue ?? []).compactMap(\.objectValue).filter {
            $0["issuer"]?.stringValue != nil
        }
        #expect(rows.count > 35)
        for row in rows {
            let site = try Self.vectorSite(issuer: row["issuer"]?.stringValue ?? "")
            site.clock.now = row["now"]?.integerValue ?? file["now"]?.integerValue ?? 0
            let list = row["list"]?.stringValue ?? ""
            let expected = row["expect"]?.stringValue == "valid" ? "accepted" : row["expect"]?.stringValue ?? ""
            let client = site.client()
            #expect(
                await Self.code { try await client.adopt(revocationList: list) } == expected, "\(row["name"] ?? .null)")
        }
    }

    @Test("every published token beside a list is worth what is published")
    func tokenVectors() async throws {
        let rows = (try Fixtures.vectors("status-lists.json")["tokens"]?.arrayValue ?? []).compactMap(\.objectValue)
        #expect(rows.count > 5)
        for row in rows {
            let site = try Self.vectorSite(issuer: "signet")
            let client = site.client()
            let list = row["list"]?.stringValue ?? ""
            _ = await client.cache.locked(before: .now + .seconds(300)) {
                client.cache.replace(.revocations, with: list)
            }
            let worth = client.verify(LicenseToken(row["token"]?.stringValue ?? ""), at: row["now"]?.integerValue ?? 0)
            #expect(worth.refusal?.rawValue ?? "valid" == row["expect"]?.stringValue, "\(row["name"] ?? .null)")
        }
    }

    private static func vectorSite(issuer: String) throws -> Site {
        var site = try Site()
        let keys = (try Fixtures.vectors("keys.json")["keys"]?.arrayValue ?? []).compactMap(\.objectValue)
        let list = keys.map { key in
            JSONWriter.object { json in
                for name in ["kty", "crv", "x", "kid"] as [StaticString] {
                    json.member(name, key["\(name)"]?.stringValue)
                }
            }
        }
        site.configuration.pinnedKeys =
            #"{"keys":["# + list.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ",") + "]}"
        site.configuration.issuer = issuer
        return site
    }

    /// `accepted`, or the code of the refusal.
    private static func code<Outcome>(_ work: () async throws -> Outcome) async -> String {
        do {
            _ = try await work()
            return "accepted"
        } catch {
            return (error as? LicenseTokenError)?.code.rawValue ?? "\(error)"
        }
    }
}
