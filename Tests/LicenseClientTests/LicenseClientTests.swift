import LicenseToken
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import LicenseClient

@Suite("A client and its service")
struct LicenseClientTests {
    private let site: Site
    private var client: LicenseClient { site.client() }

    /// Without a root, so that nothing but checks is asked for.
    init() throws {
        var site = try Site()
        site.configuration.pinnedRoot = nil
        self.site = site
    }

    /// Licensed at the fixtures' time.
    private func licensed() async {
        #expect(await client.refreshIfDue() == .updated)
        _ = site.service.takePaths()
    }

    @Test("a first check stores a token, and says what the service says")
    func first() async throws {
        await licensed()
        let status = client.status()
        #expect(status.state == .licensed)
        #expect(status.code == "VALID")
        #expect(status.license?.features == ["whm", "billing"])
        #expect(status.usableUntil == Fixtures.now + 14 * Fixtures.day)
        #expect(status.nextCheckAt == Fixtures.now + Fixtures.day)
    }

    @Test("a check asks what the format says, and no more")
    func question() async throws {
        _ = await client.refreshIfDue()
        let request = try #require(site.service.requests.first)
        #expect(request.url == "https://license.example.com/api/v1/installer/validate")
        let nonce = try #require(ScriptedService.nonce(in: request))
        #expect(nonce.count == 22)
        let expected =
            #"{"license_key":"7C4Q-PTV1-0YKB-3MXE","domain":"example.com","ip_address":"192.0.2.10","#
            + #""product":"whm-panel","nonce":"\#(nonce)"}"#
        #expect(String(decoding: request.body ?? [], as: UTF8.self) == expected)
    }

    @Test("each question with a nonce has a nonce of its own")
    func freshNonces() async {
        for _ in 0..<20 { _ = await client.refreshIfDue(force: true) }
        #expect(Set(site.service.requests.compactMap(ScriptedService.nonce)).count == 20)
    }

    @Test("identifier, version and, after a move, the token that is held are sent")
    func optionalMembers() async throws {
        var moving = site
        moving.configuration.installationID = "panel-7f3a"
        moving.configuration.applicationVersion = "4.2.0"
        _ = await moving.client().refreshIfDue()
        let first = try #require(site.service.requests.last)
        #expect(ScriptedService.member("installation_id", of: first) == .string("panel-7f3a"))
        #expect(ScriptedService.member("version", of: first) == .string("4.2.0"))
        #expect(ScriptedService.member("token", of: first) == nil)
        let held = try #require(moving.client().cache.read(.token).text)
        moving.configuration.domain = "example.org"
        _ = await moving.client().refreshIfDue()
        let second = try #require(site.service.requests.last)
        #expect(ScriptedService.member("token", of: second) == .string(held))
    }

    @Test("an outage costs one call for each waiting time, over any number of clients")
    func outage() async {
        await licensed()
        site.service.answers(ScriptedService.dead)
        site.clock.now += Fixtures.day
        for _ in 0..<10 { _ = await client.refreshIfDue() }
        #expect(site.service.takePaths() == ["validate"])
        let status = client.status()
        #expect(status.state == .outage)
        #expect(status.warnings == ["no connection to license.example.com"])
        site.clock.now = status.nextCheckAt - 1
        #expect(await client.refreshIfDue() == .notDue)
        site.clock.now += 1
        #expect(await client.refreshIfDue() == .failed)
        #expect(client.status().nextCheckAt - site.clock.now >= 1800, "the second failure waits longer")
    }

    @Test("many clients at once make one call")
    func together() async {
        let site = site
        let outcomes = await withTaskGroup(of: RefreshOutcome.self) { group in
            for _ in 0..<12 { group.addTask { await site.client().refreshIfDue() } }
            return await group.reduce(into: [RefreshOutcome: Int]()) { $0[$1, default: 0] += 1 }
        }
        #expect(outcomes == [.updated: 1, .notDue: 11])
        #expect(site.service.requests.count == 1)
    }

    @Test("a transport that never answers is given up in time, and the token goes on")
    func hanging() async {
        await licensed()
        site.service.answers { _ in
            // What is waited for never comes; only being canceled ends it.
            let (stream, _) = AsyncStream<Void>.makeStream()
            for await _ in stream {}
            throw TransportFailure("canceled")
        }
        var impatient = site
        impatient.configuration.timeout = .milliseconds(60)
        #expect(await impatient.client().refreshIfDue(force: true) == .failed)
        #expect(client.status().warnings == ["no answer in time"])
        #expect(client.isLicensed)
    }

    @Test("a transport that ignores being canceled cannot hold the client")
    func deaf() async {
        site.service.answers { _ in
            await withUnsafeContinuation { (_: UnsafeContinuation<TransportAnswer, Never>) in }
        }
        var impatient = site
        impatient.configuration.timeout = .milliseconds(40)
        #expect(await impatient.client().refreshIfDue() == .failed)
    }

    @Test(
        "an answer that is none changes nothing",
        arguments: [
            (500, "oops"), (200, ""), (200, "<html>"), (200, "null"), (200, #"[{"valid":false,"code":"REVOKED"}]"#),
            (200, #"{"valid":"no","code":"REVOKED"}"#), (200, #"{"valid":0,"code":"REVOKED"}"#),
            (200, #"{"valid":false}"#),
            (200, #"{"valid":true,"valid":false,"code":"REVOKED"}"#), (403, #"{"valid":false,"code":"REVOKED"}"#),
            (201, #"{"valid":false,"code":"REVOKED"}"#), (302, #"{"valid":false,"code":"REVOKED"}"#), (429, "{}"),
            (200, String(repeating: " ", count: 65_536) + #"{"valid":false,"code":"REVOKED"}"#),
        ])
    func unreadable(status: Int, text: String) async {
        await licensed()
        site.service.answers(ScriptedService.raw(status, text))
        #expect(await client.refreshIfDue(force: true) == .failed)
        #expect(client.status().state == .outage)
        #expect(client.isLicensed)
    }

    @Test("an end survives an outage and ends with the next valid answer")
    func ended() async {
        await licensed()
        site.service.answers(ScriptedService.refusal("SUSPENDED"))
        #expect(await client.refreshIfDue(force: true) == .ended)
        let status = client.status()
        #expect(status.state == .ended)
        #expect(status.message == "Refused: SUSPENDED.")
        #expect(status.actionURL == "https://example.com/renew")
        #expect(client.cache.read(.token) == .absent)
        site.service.answers(ScriptedService.dead)
        #expect(await client.refreshIfDue(force: true) == .failed)
        #expect(client.status().state == .ended)
        site.service.answers(ScriptedService.valid())
        #expect(await client.refreshIfDue(force: true) == .updated)
        #expect(client.isLicensed)
    }

    @Test("an answer to another question is none: a recorded one can neither license nor end")
    func otherQuestion() async throws {
        await licensed()
        let recorded = [
            #"{"valid":false,"code":"REVOKED","nonce":"AAAAAAAAAAAAAAAAAAAAAA"}"#, #"{"valid":false,"code":"REVOKED"}"#,
        ]
        for text in recorded {
            site.service.answers(ScriptedService.raw(200, text))
            #expect(await client.refreshIfDue(force: true) == .failed)
            #expect(client.status().warnings == ["this is the answer to another question"])
        }
        #expect(client.isLicensed)
    }

    @Test("a token for another domain, product or key is never stored")
    func strangers() async throws {
        await licensed()
        let held = client.cache.read(.token)
        let tokens: [@Sendable (String?) throws -> String?] = [
            { try Fixtures.token(Fixtures.claims(domain: "example.net", nonce: $0)) },
            { try Fixtures.token(Fixtures.claims(product: "dns-panel", nonce: $0)) },
            { try Fixtures.token(Fixtures.claims(nonce: $0), by: Fixtures.stranger()) },
            { try Fixtures.token(Fixtures.claims(issuedAt: Fixtures.now + Fixtures.day, nonce: $0)) },
            { _ in try Fixtures.token() }, { _ in "x" }, { _ in nil },
        ]
        for token in tokens {
            site.service.answers(ScriptedService.valid(token: token))
            #expect(await client.refreshIfDue(force: true) == .failed)
            #expect(client.cache.read(.token) == held)
        }
        #expect(client.isLicensed)
    }

    @Test("an attempt that cannot be written down is not made")
    func notRecorded() async throws {
        var broken = site
        try site.directory.write("", to: "file")
        broken.configuration.cacheDirectory = site.directory.path(of: "file")
        #expect(await broken.client().refreshIfDue() == .notRecorded)
        #expect(site.service.requests.isEmpty)
    }

    @Test("unusable pins are named, nothing is asked, and it says nothing about the license")
    func unusablePins() async {
        for (keys, root) in [("{", nil), (site.configuration.pinnedKeys, "{}")] as [(String?, String?)] {
            var broken = site
            broken.configuration.pinnedKeys = keys
            broken.configuration.pinnedRoot = root
            #expect(await broken.client().refreshIfDue(force: true) == .unverifiable)
            let status = broken.client().status()
            #expect(status.state == .unverifiable)
            #expect(status.code == "key_set_unusable")
            #expect(status.isUsable)
        }
        #expect(site.service.requests.isEmpty)
    }

    @Test("a clock that ran ahead is corrected by an answer, and the token from its time is replaced")
    func corrected() async {
        site.clock.now += 2 * Fixtures.day
        site.service.answers(
            ScriptedService.valid { [site] in try Fixtures.token(Fixtures.claims(issuedAt: site.clock.now, nonce: $0)) }
        )
        #expect(await client.refreshIfDue() == .updated)
        site.clock.now = Fixtures.now
        #expect(client.status().warnings == ["clock_set_back"])
        #expect(await client.refreshIfDue(force: true) == .updated, "it ends sooner, but what is held has not begun")
        #expect(client.status().state == .licensed)
        #expect(client.status().warnings == [])
    }

    @Test("a loop checks when due and ends when its task is canceled")
    func loop() async {
        await client.run(every: .seconds(900), clock: CountingClock(endsAfter: 3))
        #expect(site.service.takePaths() == ["validate"], "three looks, one of them due")
    }

    @Test("the license key is in no description of a configuration")
    func silence() {
        #expect(!"\(site.configuration)".contains("7C4Q"))
        #expect(!String(reflecting: site.configuration).contains("7C4Q"))
        var text = ""
        dump(site.configuration, to: &text)
        #expect(!text.contains("7C4Q"))
    }
}

/// A clock on which no time passes; it cancels whoever sleeps once too often.
private final class CountingClock: Clock, Sendable {
    typealias Instant = ContinuousClock.Instant
    typealias Duration = Swift.Duration

    private let sleeps: Mutex<Int>
    let now = ContinuousClock.now
    let minimumResolution = Swift.Duration.zero

    init(endsAfter count: Int) { sleeps = Mutex(count) }

    // tidy:allow waiting no time passes on this clock
    func sleep(until deadline: Instant, tolerance: Swift.Duration?) async throws {
        let isLast = sleeps.withLock { left in
            left -= 1
            return left == 0
        }
        if isLast { throw CancellationError() }
    }
}
