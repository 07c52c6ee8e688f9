import Database
import HTTPTypes
import Licensing
import Primitives
import TestSupport
import Testing

@testable import HTTPAPI

/// Rows of docs/behaviors.md whose edges show in requests and answers; those with a number are of its first table.
@Suite("Behavior, over HTTP")
struct BehaviorTests {
    private static let unknown = "0000-0000-0000-0000"

    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private func ask(_ face: ClientFace, _ key: String, _ members: String) async throws -> Reply {
        try await face.validate(#"{"license_key":"\#(key)",\#(members)}"#)
    }

    /// Behind a trusted proxy, so that a request says which client it is from.
    private func ask(_ face: ClientFace, _ key: String, from client: String) async throws -> Reply {
        let name = try #require(HTTPField.Name("X-Forwarded-For"))
        return try await face.validate(#"{"license_key":"\#(key)","domain":"example.com"}"#, [name: client])
    }

    private func proxied() -> ClientFace { ClientFace(of: house, peer: "10.0.0.1", proxies: ["10.0.0.0/8"]) }

    @Test("8: an unknown key is answered as 200, not valid, without a word of any license, and costs no statement")
    func unknownKey() async throws {
        let acme = try await house.acme()
        let face = ClientFace(of: house)
        #expect(try await face.validate(acme, "example.com").code == "VALID")
        _ = house.statements.take()
        #expect(try await face.validate(acme, "example.com").code == "VALID")
        let reply = try await ask(face, Self.unknown, #""domain":"example.com","product":"whm-panel""#)
        #expect(house.statements.takeWhereAlone() == [], "neither the hit nor the miss")
        #expect(reply.status == 200 && reply.code == "NOT_FOUND")
        #expect(reply.json["valid"] == .bool(false))
        for member in [
            "license_type", "expires_at", "max_activations", "action_url", "license_id", "product", "activation",
            "expires_at_time", "grace_until", "token",
        ] {
            #expect(reply.json[member] == .null, "\(member)")
        }
        #expect(reply.json["current_activations"]?.integerValue == 0)
        #expect(reply.json["features"]?.arrayValue?.isEmpty == true)
    }

    @Test("18: the spellings of an address are one activation, and one with padded zeros is refused by name")
    func addresses() async throws {
        let solo = try await house.solo()
        let face = ClientFace(of: house)
        var seats: Set<String?> = []
        for (text, canonical) in [
            ("2001:DB8:0:0::1", "2001:db8::1"), ("2001:db8::1", "2001:db8::1"), ("[2001:db8::1]", "2001:db8::1"),
            ("::ffff:203.0.113.7", "203.0.113.7"), ("203.0.113.7", "203.0.113.7"),
        ] {
            let reply = try await ask(face, solo.key.text, #""domain":"example.com","ip_address":"\#(text)""#)
            let activation = try #require(reply.json["activation"]?.objectValue, "\(text)")
            #expect(activation["ip"]?.stringValue == canonical)
            seats.insert(activation["id"]?.stringValue)
        }
        #expect(seats.count == 1 && !seats.contains(nil))
        let padded = try await ask(face, solo.key.text, #""domain":"example.com","ip_address":"203.000.113.007""#)
        #expect(padded.status == 400 && padded.violations == ["ip_address"])
    }

    @Test("25: of 10,000 guesses from one address 20 are answered, others get 429; a good key from there always is")
    func guesses() async throws {
        let acme = try await house.acme()
        let face = ClientFace(of: house)
        #expect(try await face.validate(acme, "example.com").code == "VALID")
        _ = house.statements.take()
        var statuses: [Int: Int] = [:]
        for number in 1...10_000 {
            let key = number.isMultiple(of: 2) ? Self.unknown : "nonsense"
            let guess = try await ask(face, key, #""domain":"example.com""#)
            statuses[guess.status, default: 0] += 1
            try #require(guess.status == 200 || guess.headers[.retryAfter] != nil)
            if number.isMultiple(of: 1000) { #expect(try await face.validate(acme, "example.com").code == "VALID") }
        }
        #expect(statuses == [200: 20, 429: 9_980])
        #expect(house.statements.takeWhereAlone() == [])
    }

    @Test("25: guesses from 1,000 addresses of one IPv6 /64 are those of one client, and its neighbor has its own")
    func guessesOfOneNetwork() async throws {
        let face = proxied()
        var statuses: [Int: Int] = [:]
        for number in 1...1000 {
            let guess = try await ask(face, Self.unknown, from: "2001:db8:0:1::\(String(number, radix: 16))")
            statuses[guess.status, default: 0] += 1
        }
        #expect(statuses == [200: 20, 429: 980])
        #expect(try await ask(face, Self.unknown, from: "2001:db8:0:2::1").status == 200)
    }

    @Test("25: one unknown key from 1,000 addresses is NOT_FOUND each time, and costs no statement")
    func oneGuessFromEverywhere() async throws {
        let face = proxied()
        _ = house.statements.take()
        for number in 0..<1000 {
            let client = "198.51.\(number / 250).\(number % 250 + 1)"
            let reply = try await ask(face, Self.unknown, from: client)
            try #require(reply.status == 200 && reply.code == "NOT_FOUND", "\(client)")
        }
        #expect(house.statements.takeWhereAlone() == [])
    }

    @Test("25: a key that leaked to 1,000 addresses fills its seats, then newcomers wait; who is in and others do not")
    func leakedKey() async throws {
        let (leaked, other) = (try await house.acme(), try await house.acme())
        let face = ClientFace(of: house)
        func call(_ number: Int) async throws -> Reply {
            let address = "198.51.\(number / 250).\(number % 250 + 1)"
            return try await ask(
                face, leaked.key.text, #""domain":"s\#(number).example.com","ip_address":"\#(address)""#)
        }
        var codes: [String: Int] = [:]
        for number in 0..<1000 {
            let reply = try await call(number)
            codes[reply.code ?? "none", default: 0] += 1
            try #require(reply.status == 200 || reply.headers[.retryAfter] != nil)
        }
        #expect(codes == ["VALID": 3, "ACTIVATION_LIMIT": 61, "too_many_activations": 936])
        for number in 0..<3 { #expect(try await call(number).code == "VALID") }
        #expect(try await face.validate(other, "example.com").code == "VALID")
        #expect(try await house.used(leaked) == 3)
    }

    @Test("a refusal has a code, a message, the vendor's action_url and a time to ask again")
    func remedy() async throws {
        let made = try await OperatorFace(of: house).post(
            "/api/v1/products", #"{"code":"panel","action_url":"https://example.com/renew"}"#)
        #expect(made.status == 201, "\(made.text)")
        let yesterday = house.clock.now().date.adding(days: -1)
        let lapsed = try await house.issue(expires: .through(yesterday), product: "panel")
        let reply = try await ClientFace(of: house).validate(lapsed, "example.com")
        #expect(reply.code == "EXPIRED")
        #expect(reply.json["message"]?.stringValue == "This license has expired.")
        #expect(reply.json["action_url"]?.stringValue == "https://example.com/renew")
        #expect(reply.json["next_check_at"]?.stringValue != nil)
    }

    @Test("a license key is in no line of the log, whatever becomes of the request")
    func logs() async throws {
        let acme = try await house.acme()
        let face = ClientFace(of: house)
        let key = acme.key.text
        #expect(try await face.validate(acme, "example.com").status == 200)
        #expect(try await ask(face, String(key.dropLast()), #""domain":"example.com""#).code == "KEY_MALFORMED")
        #expect(try await ask(face, key, #""domain":"exa mple.com""#).status == 400)
        house.faults.fail(at: .statement(1), with: DatabaseError.statement(detail: "no such table"))
        #expect(try await face.validate(acme, "new.example.com").status == 500)
        #expect(!face.log.complaints.isEmpty)
        for line in face.log.lines {
            for spelling in [key.dropLast(), key.replacing("-", with: "").dropLast()] {
                #expect(!line.text.contains(spelling), "\(line.message)")
            }
        }
    }

    @Test("no operation takes a license key in its path or its query")
    func addressesOfOperations() async throws {
        let document = try await ClientFace(of: house).reply(to: .get("/openapi.yaml")).text
        #expect(document.contains("license_key: {"), "it is in bodies")
        for parameter in ["name: license_key", "name: key,", "name: key\n", "{key}", "{license_key}"] {
            #expect(!document.contains(parameter), "\(parameter)")
        }
    }
}
