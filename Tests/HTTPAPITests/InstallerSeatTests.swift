import HTTPTypes
import Licensing
import Primitives
import TestSupport
import Testing

@testable import HTTPAPI

@Suite("An installation's own seat")
struct InstallerSeatTests {
    private let house: TestHouse
    private let face: ClientFace

    init() async throws {
        house = try await TestHouse()
        face = ClientFace(of: house)
    }

    private func ask(_ action: String, _ license: IssuedLicense, _ members: String) async throws -> Reply {
        let body = #"{"license_key":"\#(license.key.text)",\#(members)}"#
        return try await face.reply(to: .post("/api/v1/installer/\(action)", Array(body.utf8)))
    }

    @Test("is taken by activate, given back by deactivate with its token, and taken again")
    func story() async throws {
        let solo = try await house.solo()
        let taken = try await ask("activate", solo, #""domain":"example.com""#)
        #expect(taken.status == 200 && taken.code == "VALID")
        #expect(taken.headers[.cacheControl] == "no-store")
        #expect(taken.json["released"] == nil)
        let token = try #require(taken.json["token"]?.stringValue)
        let left = try await ask("deactivate", solo, #""domain":"example.com","token":"\#(token)""#)
        #expect(left.status == 200 && left.code == "NOT_ACTIVATED")
        #expect(left.headers[.cacheControl] == "no-store")
        #expect(left.json["released"]?.arrayValue == [taken.json["activation"]?.objectValue?["id"] ?? .null])
        #expect(left.json["current_activations"]?.integerValue == 0)
        for member in taken.json.members.map(\.name) { #expect(left.json[member] != nil, "\(member)") }
        #expect(try await ask("validate", solo, #""domain":"example.com""#).code == "NOT_ACTIVATED")
        #expect(try await ask("activate", solo, #""domain":"example.com""#).code == "VALID")
    }

    @Test("is not given back without a token, or with that of another")
    func refusals() async throws {
        let (solo, other) = (try await house.solo(), try await house.solo())
        _ = try await ask("activate", solo, #""domain":"example.com""#)
        let missing = try await ask("deactivate", solo, #""domain":"example.com""#)
        #expect(missing.status == 400 && missing.violations == ["token"])
        let foreign = try await ask("activate", other, #""domain":"example.com""#).json["token"]?.stringValue ?? ""
        let refused = try await ask("deactivate", solo, #""domain":"example.com","token":"\#(foreign)""#)
        #expect(refused.status == 403 && refused.code == "token_refused")
        #expect(!refused.text.contains(solo.id.description))
        let unknown = try await ask("deactivate", solo, #""token":"x""#)
        #expect(unknown.status == 400 && unknown.violations == ["domain"])
        #expect(try await house.used(solo) == 1)
    }

    @Test("that a license file holds is not given back before it ends")
    func held() async throws {
        let solo = try await house.solo()
        let token = try await ask("activate", solo, #""domain":"example.com""#).json["token"]?.stringValue ?? ""
        let until = house.clock.now() + .days(9)
        try await house.execute("UPDATE activations SET held_until = \(until.milliseconds)")
        let refused = try await ask("deactivate", solo, #""domain":"example.com","token":"\#(token)""#)
        #expect(refused.status == 409 && refused.code == "seat_held")
        house.clock.advance(by: .days(10))
        #expect(
            try await ask("deactivate", solo, #""domain":"example.com","token":"\#(token)""#).code == "NOT_ACTIVATED")
    }

    @Test("of a staging host says so")
    func staging() async throws {
        let solo = try await house.solo()
        let reply = try await ask("validate", solo, #""domain":"staging.example.com""#)
        #expect(reply.json["activation"]?.objectValue?["kind"]?.stringValue == "staging")
        #expect(reply.json["current_activations"]?.integerValue == 0)
        let operators = OperatorFace(of: house)
        let shown = try await operators.get("/api/v1/licenses/\(solo.id)")
        let seat = try #require(shown.json["activations"]?.arrayValue?.first?.objectValue)
        #expect(seat["kind"]?.stringValue == "staging")
    }

    @Test("by address is released by an operator who names the address")
    func byAddress() async throws {
        var policy = PolicySettings()
        policy.countedBy = .ip
        let license = try await house.issue(seats: 2, choosing: policy)
        for last in 1...2 {
            _ = try await ask("validate", license, #""domain":"example.com","ip_address":"198.51.100.\#(last)""#)
        }
        let operators = OperatorFace(of: house)
        let path = "/api/v1/licenses/\(license.id)/deactivate"
        let reply = try await operators.post(path, #"{"ip_address":"198.51.100.2"}"#)
        #expect(reply.status == 200)
        let seats = try #require(reply.json["released"]?.arrayValue)
        #expect(seats.compactMap { $0.objectValue?["network"]?.stringValue } == ["198.51.100.2/32"])
        #expect(try await operators.post(path, #"{"ip_address":"198.51.100.2","all":true}"#).status == 400)
        #expect(try await operators.post(path, "{}").status == 400)
    }

    @Test("used from many networks is ranked first for operators who ask for the spread")
    func spread() async throws {
        let (cloned, honest, unused) = (try await house.solo(), try await house.solo(), try await house.solo())
        for number in 1...20 {
            for (license, peer) in [(cloned, "198.51.\(number).1"), (honest, "192.0.2.1")] {
                _ = try await house.validate(license.key, domain: "example.com", peer: peer)
            }
            house.clock.advance(by: .seconds(1))
        }
        let operators = OperatorFace(of: house)
        let data = try await operators.get("/api/v1/licenses?spread=true").json["data"]?.arrayValue ?? []
        let ids = data.compactMap { $0.objectValue?["id"]?.stringValue }
        #expect(ids == [cloned.id.description, honest.id.description])
        #expect((data.first?.objectValue?["networks"]?.integerValue ?? 0) > 10)
        #expect(data.last?.objectValue?["networks"]?.integerValue == 1)
        let all = try await operators.get("/api/v1/licenses").text
        #expect(all.contains(unused.id.description) && !all.contains("\"networks\""))
        #expect(try await operators.get("/api/v1/licenses?spread=yes").status == 400)
    }
}
