import HTTPTypes
import Hummingbird
import Licensing
import Primitives
import TestSupport
import Testing

@testable import HTTPAPI

@Suite("The limit on guesses, over HTTP")
struct GuessLimitRouteTests {
    private let house: TestHouse
    private static let unknown = #"{"license_key":"0000-0000-0000-0000","domain":"example.com"}"#
    private static let malformed = #"{"license_key":"nonsense","domain":"example.com"}"#

    init() async throws { house = try await TestHouse() }

    @Test("answers a key that opens nothing 20 times with 200, then with 429 and Retry-After")
    func limit() async throws {
        let face = ClientFace(of: house)
        for _ in 0..<10 {
            #expect(try await face.validate(Self.unknown).code == "NOT_FOUND")
            #expect(try await face.validate(Self.malformed).code == "KEY_MALFORMED")
        }
        let unknown = try await face.validate(Self.unknown)
        #expect(unknown.status == 429)
        #expect(unknown.code == "too_many_guesses")
        #expect(unknown.headers[.retryAfter] == "11")
        #expect(unknown.headers[.contentType] == "application/problem+json")
        #expect(try await face.validate(Self.malformed).body == unknown.body, "both are refused in the same words")
        house.clock.advance(by: .seconds(11))
        #expect(try await face.validate(Self.unknown).code == "NOT_FOUND")
        #expect(try await face.validate(Self.unknown).status == 429)
    }

    @Test("keeps no good key waiting, whatever else comes from its address, and no refused one")
    func goodKey() async throws {
        let face = ClientFace(of: house)
        let acme = try await house.acme()
        let lapsed = try await house.lapsed()
        for _ in 0..<30 { _ = try await face.validate(Self.unknown) }
        #expect(try await face.validate(Self.unknown).status == 429)
        for _ in 0..<30 {
            #expect(try await face.validate(acme, "example.com").code == "VALID")
            #expect(try await face.validate(lapsed, "example.com").code == "EXPIRED")
        }
    }

    @Test("counts the client that the trusted proxy saw, not the address that the request claims")
    func proxies() async throws {
        let face = ClientFace(of: house, peer: "10.0.0.1", proxies: ["10.0.0.0/8"])
        func ask(from client: String, claiming address: String) async throws -> Int {
            let body = #"{"license_key":"nonsense","domain":"example.com","ip_address":"\#(address)"}"#
            var headers = HTTPFields()
            headers[try #require(HTTPField.Name("X-Forwarded-For"))] = client
            return try await face.validate(body, headers).status
        }
        for number in 1...25 {
            #expect(try await ask(from: "198.51.100.9", claiming: "192.0.2.\(number)") == (number <= 20 ? 200 : 429))
        }
        #expect(try await ask(from: "198.51.100.10", claiming: "192.0.2.1") == 200)
        for number in 1...25 {
            #expect(
                try await ask(from: "2001:db8:0:1::\(number)", claiming: "192.0.2.1") == (number <= 20 ? 200 : 429))
        }
        #expect(try await ask(from: "2001:db8:0:2::1", claiming: "192.0.2.1") == 200)
    }

    @Test("leaves bad requests and operators alone")
    func others() async throws {
        let face = ClientFace(of: house)
        for _ in 0..<30 { #expect(try await face.validate("{}").status == 400) }
        #expect(try await face.validate(Self.unknown).status == 200)
        let operators = OperatorFace(of: house)
        for _ in 0..<30 {
            #expect(try await operators.post("/api/v1/licenses/validate", Self.unknown).code == "NOT_FOUND")
        }
    }

    @Test("keeps what it refused out of the log, so that a guesser cannot fill it")
    func log() async throws {
        let face = ClientFace(of: house)
        for _ in 0..<100 { _ = try await face.validate(Self.unknown) }
        let refusals = try await OperatorFace(of: house).get("/api/v1/refusals?unknown=true&per_page=500")
        #expect(refusals.json["meta"]?.objectValue?["total"]?.integerValue == 20)
    }
}

@Suite("The route of explanations")
struct ExplainRouteTests {
    private let house: TestHouse
    private static let path = "/api/v1/installer/explain"

    init() async throws { house = try await TestHouse() }

    private func explain(_ face: ClientFace, _ key: String) async throws -> Reply {
        try await face.reply(
            to: .post(Self.path, Array(#"{"license_key":"\#(key)","domain":"WWW.Example.com"}"#.utf8)))
    }

    @Test("tells the holder of a key each rule in order")
    func rules() async throws {
        let lapsed = try await house.lapsed()
        let reply = try await explain(ClientFace(of: house), lapsed.key.text)
        #expect(reply.status == 200)
        #expect(reply.headers[.cacheControl] == "no-store")
        #expect(reply.json["valid"] == .bool(false))
        #expect(reply.json["code"]?.stringValue == "EXPIRED")
        #expect(reply.json["domain"]?.stringValue == "example.com")
        #expect(reply.json["ip_address"]?.stringValue == TestHouse.address)
        #expect(reply.json["counted_by"]?.stringValue == "domain")
        #expect(reply.json["network"]?.stringValue == "203.0.113.7/32")
        let rules = (reply.json["rules"]?.arrayValue ?? []).compactMap(\.objectValue)
        #expect(
            rules.map { $0["rule"]?.stringValue ?? "" } == [
                "key_well_formed", "key_known", "not_revoked", "not_suspended", "begun", "product", "version",
                "not_expired", "domain_allowed", "address_allowed", "newcomer_admitted", "activated", "address_fits",
                "seat_free",
            ])
        let failed = rules.filter { $0["outcome"]?.stringValue == "failed" }
        #expect(failed.map { $0["rule"]?.stringValue } == ["not_expired"])
        #expect(failed.first?["values"]?.objectValue?["expires_at_time"]?.stringValue == "2026-11-23T00:00:00Z")
        #expect(try await house.used(lapsed) == 0)
    }

    @Test("tells nobody else anything, and counts guesses with those of checks")
    func guesses() async throws {
        let face = ClientFace(of: house)
        let acme = try await house.acme()
        for _ in 0..<10 {
            #expect(try await explain(face, "0000-0000-0000-0000").code == "NOT_FOUND")
            #expect(try await face.validate(#"{"license_key":"nonsense","domain":"example.com"}"#).status == 200)
        }
        #expect(try await explain(face, "0000-0000-0000-0000").code == "too_many_guesses")
        #expect(try await explain(face, "nonsense").status == 429)
        #expect(try await explain(face, acme.key.text).code == "VALID")
        #expect(try await face.reply(to: .post(Self.path, Array("{}".utf8))).violations == ["license_key", "domain"])
    }

    @Test("has a twin for operators, who may ask about the license alone")
    func operators() async throws {
        let acme = try await house.acme()
        let reply = try await OperatorFace(of: house).post(
            "/api/v1/licenses/explain", #"{"license_key":"\#(acme.key.text)"}"#)
        #expect(reply.code == "VALID")
        #expect(reply.json["counted_by"] == .null)
    }
}

@Suite("The routes of refusals")
struct RefusalRouteTests {
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    @Test("tell an operator what a license's installations were refused for")
    func ofLicense() async throws {
        let face = ClientFace(of: house, peer: "192.0.2.7")
        let lapsed = try await house.lapsed()
        let body = #"{"license_key":"\#(lapsed.key.text)","domain":"example.com","ip_address":"198.51.100.1"}"#
        #expect(try await face.validate(body).code == "EXPIRED")
        _ = try await face.validate(#"{"license_key":"nonsense","installation_id":"installation-1"}"#)
        let operators = OperatorFace(of: house)
        let reply = try await operators.get("/api/v1/licenses/\(lapsed.id)/refusals")
        #expect(reply.status == 200)
        let refusal = reply.json["data"]?.arrayValue?.first?.objectValue
        let expected = [
            "at": "2026-11-23T12:00:00Z", "code": "EXPIRED", "license_id": lapsed.id.description,
            "domain": "example.com", "address": "198.51.100.1", "peer": "192.0.2.7",
        ]
        for (name, value) in expected { #expect(refusal?[name]?.stringValue == value, "\(name)") }
        #expect(refusal?["installation_id"] == .null)
        let all = try await operators.get("/api/v1/refusals")
        #expect(all.json["data"]?.arrayValue?.count == 2)
        let unknown = try await operators.get("/api/v1/refusals?unknown=true&per_page=1")
        #expect(
            unknown.json["data"]?.arrayValue?.first?.objectValue?["installation_id"]?.stringValue == "installation-1")
        #expect(
            unknown.json["links"]?.objectValue?["self"]?.stringValue
                == "/api/v1/refusals?unknown=true&page=1&per_page=1")
    }

    @Test("refuse what they do not know")
    func unknown() async throws {
        let operators = OperatorFace(of: house)
        #expect(try await operators.get("/api/v1/licenses/lic_0000000000000/refusals").code == "license_unknown")
        #expect(try await operators.get("/api/v1/licenses/7/refusals").code == "license_unknown")
        #expect(try await operators.get("/api/v1/refusals?unknown=perhaps").violations == ["unknown"])
        #expect(try await operators.get("/api/v1/refusals?per_page=0").status == 400)
        #expect(try await ClientFace(of: house).reply(to: .get("/api/v1/refusals")).status == 401)
    }
}

@Suite("The monitors' listener")
struct AdminTests {
    private let house: TestHouse
    private let face: ClientFace

    init() async throws {
        let house = try await TestHouse()
        self.house = house
        let census = ConnectionCensus()
        face = ClientFace(
            AdminAPI(licensing: house.licensing) { census.metrics + ProcessMetrics.current }.router())
    }

    /// The samples of a scrape, by name and label.
    private func scrape() async throws -> [String: Double] {
        let reply = try await face.reply(to: .get("/metrics"))
        #expect(reply.status == 200)
        #expect(reply.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
        var samples: [String: Double] = [:]
        for line in reply.text.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: " ")
            try #require(parts.count == 2)
            #expect(samples.updateValue(try #require(Double(parts[1])), forKey: String(parts[0])) == nil)
        }
        return samples
    }

    @Test("tells what was answered, written and signed")
    func numbers() async throws {
        let clients = ClientFace(of: house)
        let acme = try await house.acme()
        let before = try await scrape()
        for _ in 0..<3 { #expect(try await clients.validate(acme, "example.com").code == "VALID") }
        for _ in 0..<25 { _ = try await clients.validate(#"{"license_key":"nonsense","domain":"example.com"}"#) }
        let after = try await scrape()
        func grown(_ name: String) -> Double? { after[name].map { $0 - (before[name] ?? 0) } }
        #expect(grown(#"signet_validations_total{code="VALID"}"#) == 3)
        #expect(grown(#"signet_validations_total{code="KEY_MALFORMED"}"#) == 20)
        #expect(grown("signet_unknown_keys_total") == 25)
        #expect(grown("signet_guesses_limited_total") == 5)
        #expect(grown("signet_activations_total") == 1)
        #expect(grown("signet_write_transactions_total") == 1)
        #expect(grown("signet_journal_sequence") == 1)
        #expect(grown("signet_token_signatures_total") == 1)
        #expect(grown("signet_token_cache_hits_total") == 2)
        #expect(after["signet_index_licenses"] == 1)
        #expect(after["signet_index_places"] == 1)
        #expect(after["signet_unexplained_invalid_total"] == 0)
        #expect(after["signet_write_queue_depth"] == 0)
        for name in ["process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"] {
            #expect(try #require(after[name]) > 0, "\(name)")
        }
    }

    @Test("names every verdict from the start, and each family once with its type")
    func families() async throws {
        let text = try await face.reply(to: .get("/metrics")).text
        for verdict in Verdict.allCases {
            #expect(text.contains("\nsignet_validations_total{code=\"\(verdict.rawValue)\"} 0\n"))
        }
        let lines = text.split(separator: "\n")
        let types = lines.filter { $0.hasPrefix("# TYPE ") }
        #expect(Set(types).count == types.count)
        #expect(lines.count { $0.hasPrefix("# HELP ") } == types.count)
        for type in types {
            let parts = type.split(separator: " ")
            #expect(parts[2].hasSuffix("_total") == (parts[3] == "counter"), "\(type)")
        }
    }

    @Test("has signs of life, and nothing else")
    func routes() async throws {
        #expect(try await face.reply(to: .get("/healthz")).status == 200)
        #expect(try await face.reply(to: .get("/readyz")).status == 200)
        #expect(try await face.reply(to: .get("/openapi.yaml")).status == 404)
        #expect(try await face.validate("{}").status == 404)
        #expect(try await ClientFace(of: house).reply(to: .get("/metrics")).status == 404)
        house.faults.fail(at: .commit)
        #expect(try await face.reply(to: .get("/metrics")).status == 200)
    }

    @Test("writes seconds with their fraction")
    func seconds() {
        let families = [
            MetricFamily("a_seconds_total", .counter, "A.", seconds: .milliseconds(12_034)),
            MetricFamily("b", .gauge, "B.", by: "code", [("x", 1), ("y", -2)]),
        ]
        #expect(
            families.prometheusText
                == """
                # HELP a_seconds_total A.
                # TYPE a_seconds_total counter
                a_seconds_total 12.034
                # HELP b B.
                # TYPE b gauge
                b{code="x"} 1
                b{code="y"} -2

                """)
    }
}
