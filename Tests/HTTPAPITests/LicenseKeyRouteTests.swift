import Access
import HTTPTypes
import Licensing
import Primitives
import TestSupport
import Testing

@testable import HTTPAPI

@Suite("The keys of licenses, over the API")
struct LicenseKeyRouteTests {
    private let house: TestHouse
    private let license: IssuedLicense
    private let face: OperatorFace

    init() async throws {
        house = try await TestHouse()
        license = try await house.acme()
        face = OperatorFace(of: house)
    }

    private var path: String { "/api/v1/licenses/\(license.id)" }

    private func keys(_ reply: Reply) -> [String] {
        (reply.json["keys"]?.arrayValue ?? []).compactMap(\.objectValue).map { key in
            "\(key["last4"]?.stringValue ?? "") \(key["kind"]?.stringValue ?? "") \(key["state"]?.stringValue ?? "")"
                + " \(key["valid_until"]?.stringValue ?? "-")"
        }
    }

    @Test("a new key is told once, with all keys of the license by their last symbols")
    func rekey() async throws {
        let reply = try await face.post("\(path)/rekey", #"{"overlap":"36h","reason":"leaked"}"#)
        #expect(reply.status == 201)
        let text = try #require(reply.json["license_key"]?.stringValue)
        let end = (house.clock.now().wholeSeconds + .hours(36)).description
        let (old, new) = (license.key.last4, String(text.suffix(4)))
        #expect(reply.json["last4"]?.stringValue == new)
        #expect(keys(reply) == ["\(new) native live -", "\(old) native ending \(end)"])
        let shown = try await face.get(path)
        #expect(keys(shown) == keys(reply))
        for secret in [text, license.key.text] {
            #expect(!shown.text.contains(secret))
            #expect(!(try await face.get("/api/v1/licenses")).text.contains(secret))
        }
    }

    @Test("an overlap is 30 days unless something else is said")
    func standard() async throws {
        for (body, days) in [("{}", 30), (#"{"overlap_days":7}"#, 7), (#"{"overlap_days":0}"#, 0)] {
            let solo = try await house.solo()
            let reply = try await face.post("/api/v1/licenses/\(solo.id)/rekey", body)
            let end = (house.clock.now().wholeSeconds + .days(days)).description
            #expect(keys(reply).last?.hasSuffix(" \(end)") == true, "\(body)")
        }
    }

    @Test(
        "what cannot be taken is named",
        arguments: [
            (#"{"overlap":"367d"}"#, "overlap"), (#"{"overlap":"soon"}"#, "overlap"), (#"{"overlap":30}"#, "overlap"),
            (#"{"overlap_days":-1}"#, "overlap_days"), (#"{"overlap_days":367}"#, "overlap_days"),
            (#"{"overlap_days":"30"}"#, "overlap_days"), (#"{"overlap":"1d","overlap_days":1}"#, "overlap_days"),
            (#"{"all_keys":"yes"}"#, "all_keys"),
        ])
    func refused(body: String, member: String) async throws {
        let reply = try await face.post("\(path)/rekey", body)
        #expect(reply.status == 400)
        #expect(reply.violations == [member])
        #expect(try await house.count("SELECT count(*) FROM license_keys") == 1)
    }

    @Test("the same request twice under one Idempotency-Key makes one key and tells it twice")
    func idempotent() async throws {
        let token = try await house.adminToken("ci", .licensesWrite)
        let client = ClientFace(of: house)
        let headers: HTTPFields = [.idempotencyKey: "ticket-7"]
        let first = try await client.post("\(path)/rekey", "{}", token: token, headers)
        let second = try await client.post("\(path)/rekey", "{}", token: token, headers)
        #expect(first.status == 201 && second.status == 201)
        #expect(first.json["license_key"] == second.json["license_key"])
        #expect(try await house.count("SELECT count(*) FROM license_keys") == 2)
    }

    @Test("many licenses are issued alike and told once, each with its key")
    func many() async throws {
        let body = #"{"customer_id":123,"product":"whm-panel","expires":"+30 days","count":25,"batch":"reseller-7"}"#
        let reply = try await face.post("/api/v1/licenses", body)
        #expect(reply.status == 201)
        #expect(reply.json["count"] == .integer(25) && reply.json["batch"] == .string("reseller-7"))
        let issued = (reply.json["data"]?.arrayValue ?? []).compactMap(\.objectValue)
        #expect(Set(issued.compactMap { $0["id"]?.stringValue }).count == 25)
        let keys = issued.compactMap { $0["license_key"]?.stringValue }
        #expect(Set(keys).count == 25)
        for key in keys {
            let answer = try await ClientFace(of: house).validate(
                #"{"license_key":"\#(key)","domain":"example.com"}"#)
            #expect(answer.json["code"]?.stringValue == "VALID")
        }
        let listed = try await face.get("/api/v1/licenses?batch=reseller-7&per_page=500")
        #expect(listed.json["meta"]?.objectValue?["total"] == .integer(25))
        #expect(!keys.contains(where: listed.text.contains))
        let events = "SELECT count(*) FROM journal WHERE type = 'license.created' AND data LIKE '%reseller-7%'"
        #expect(try await house.count(events) == 25)
        #expect(try await house.inconsistencies() == [])
    }

    @Test("a list of one is a list, a license without a count is itself, and both have their batch")
    func one() async throws {
        let list = try await face.post("/api/v1/licenses", #"{"customer_id":123,"product":"whm-panel","count":1}"#)
        #expect(list.json["data"]?.arrayValue?.count == 1 && list.json["batch"] == .null)
        let one = try await face.post("/api/v1/licenses", #"{"customer_id":123,"product":"whm-panel","batch":"b"}"#)
        #expect(one.json["license_key"] != nil && one.json["batch"] == .string("b") && one.json["data"] == nil)
    }

    @Test(
        "a number or batch that cannot be taken is named, and nothing is issued",
        arguments: [
            (#""count":0"#, "count"), (#""count":1001"#, "count"), (#""count":-1"#, "count"),
            (#""count":"2""#, "count"),
            (#""batch":"Not A Name""#, "batch"), (#""batch":7"#, "batch"),
        ])
    func badNumber(member: String, name: String) async throws {
        let body = #"{"customer_id":123,"product":"whm-panel",\#(member)}"#
        let reply = try await face.post("/api/v1/licenses", body)
        #expect(reply.status == 400 && reply.violations == [name])
        #expect(try await house.count("SELECT count(*) FROM licenses") == 1)
    }

    @Test("a thousand come at once, once: the same Idempotency-Key gets the same keys")
    func thousand() async throws {
        let token = try await house.adminToken("shop", .licensesWrite)
        let client = ClientFace(of: house)
        let body = #"{"customer_id":123,"product":"whm-panel","count":1000}"#
        let headers: HTTPFields = [.idempotencyKey: "order-9"]
        let first = try await client.post("/api/v1/licenses", body, token: token, headers)
        let second = try await client.post("/api/v1/licenses", body, token: token, headers)
        #expect(first.status == 201 && first.body == second.body)
        #expect(first.json["data"]?.arrayValue?.count == 1000)
        #expect(try await house.count("SELECT count(*) FROM licenses") == 1001)
    }

    @Test("an operator who looks a key up is told that it ends, or has ended, and which license it was of")
    func lookUp() async throws {
        func state() async throws -> String? {
            let reply = try await face.post(
                "/api/v1/licenses/lookup", #"{"license_key":"\#(license.key.text)"}"#)
            #expect(reply.json["id"]?.stringValue == license.id.description)
            return reply.json["looked_up"]?.objectValue?["state"]?.stringValue
        }
        #expect(try await state() == "live")
        _ = try await face.post("\(path)/rekey", #"{"overlap":"1d"}"#)
        #expect(try await state() == "ending")
        house.clock.advance(by: .days(1))
        #expect(try await state() == "ended")
        let offline = try await face.post("\(path)/offline-keys", #"{"unbound":true}"#)
        let key = try #require(offline.json["license_key"]?.stringValue)
        let found = try await face.post("/api/v1/licenses/lookup", #"{"license_key":"\#(key)"}"#)
        #expect(found.json["looked_up"]?.objectValue?["kind"]?.stringValue == "offline")
        #expect(try await face.get(path).json["looked_up"] == nil)
    }

    @Test("an installation learns from its answer that its key ends")
    func warned() async throws {
        _ = try await face.post("\(path)/rekey", "{}")
        let answer = try await ClientFace(of: house).validate(license, "example.com")
        let warning = answer.json["warnings"]?.arrayValue?.first?.objectValue
        #expect(warning?["code"]?.stringValue == "KEY_ENDING")
        #expect(warning?["at"]?.stringValue == (house.clock.now().wholeSeconds + .days(30)).description)
    }

    @Test("keys are told again to whoever may see them, uncached, unlogged and recorded")
    func reveal() async throws {
        let client = ClientFace(of: house)
        let writer = try await house.adminToken("writer", .licensesRead, .licensesWrite)
        #expect(try await client.post("\(path)/reveal", "{}", token: writer).code == "insufficient_scope")
        let token = try await house.adminToken("support", .licensesReveal)
        let reply = try await client.post("\(path)/reveal", #"{"reason":"lost"}"#, token: token)
        #expect(reply.status == 200)
        #expect(reply.headers[.cacheControl] == "no-store")
        let key = try #require(reply.json["keys"]?.arrayValue?.first?.objectValue)
        #expect(key["license_key"]?.stringValue == license.key.text)
        #expect(key["state"]?.stringValue == "live")
        #expect(client.log.complaints.isEmpty)
        let last = "SELECT type || ' ' || actor FROM journal ORDER BY sequence DESC LIMIT 1"
        #expect(try await house.texts(last) == ["license.key_revealed token:support"])
    }

    @Test("keys are not told to try it, nor of a license that is not there")
    func notRevealed() async throws {
        #expect(try await face.post("\(path)/reveal", #"{"dry_run":true}"#).violations == ["dry_run"])
        #expect(try await face.post("/api/v1/licenses/lic_0000000000000/reveal", "{}").code == "license_unknown")
        #expect(try await house.count("SELECT count(*) FROM journal WHERE type = 'license.key_revealed'") == 0)
    }
}
