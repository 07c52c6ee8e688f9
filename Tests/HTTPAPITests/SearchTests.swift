import Access
import Foundation
import HTTPTypes
import Licensing
import Primitives
import TestSupport
import Testing

@testable import HTTPAPI

@Suite("Looking for licenses")
struct SearchTests {
    private let house: TestHouse
    private let face: OperatorFace
    private let acme: IssuedLicense
    private let solo: IssuedLicense
    private let ending: IssuedLicense

    init() async throws {
        house = try await TestHouse()
        face = OperatorFace(of: house)
        acme = try await house.acme()
        solo = try await house.solo()
        ending = try await house.issue(expires: .through(house.clock.now().date.adding(days: 10)))
        #expect(try await house.verdict(acme, "shop.example.com") == .valid)
        #expect(try await house.verdict(acme, "blog.example.com") == .valid)
        #expect(try await house.verdict(solo, "shop.example.com") == .valid)
    }

    private func found(_ query: String) async throws -> [String] {
        let reply = try await face.get("/api/v1/licenses?\(query)")
        #expect(reply.status == 200, "\(reply.text)")
        return reply.json["data"]?.arrayValue?.compactMap { $0.objectValue?["id"]?.stringValue } ?? []
    }

    @Test("finds those whose installations have a domain, in any spelling of it")
    func domain() async throws {
        for spelling in ["shop.example.com", "SHOP.example.com.", "https%3A%2F%2Fshop.example.com%2Fx"] {
            #expect(try await found("domain=\(spelling)") == [solo.id.description, acme.id.description], "\(spelling)")
        }
        #expect(try await found("domain=blog.example.com") == [acme.id.description])
        #expect(try await found("domain=nobody.example.com") == [])
        let path = "/api/v1/licenses/\(acme.id)/deactivate"
        #expect(try await face.post(path, #"{"domain":"blog.example.com"}"#).status == 200)
        #expect(try await found("domain=blog.example.com") == [], "a released seat is none")
    }

    @Test("finds by the last symbols of the key, as people type them")
    func last4() async throws {
        #expect(try await found("last4=\(acme.key.last4)").contains(acme.id.description))
        #expect(try await found("last4=\(acme.key.last4.lowercased())").contains(acme.id.description))
        for bad in ["", "12", "12345", "12-4", "%C3%A9ab"] {
            #expect(try await face.get("/api/v1/licenses?last4=\(bad)").violations == ["last4"], "\(bad)")
        }
    }

    @Test("finds those that expire soon")
    func expiring() async throws {
        #expect(try await found("expiring_in=30") == [ending.id.description])
        #expect(try await found("expiring_in=5") == [])
        house.clock.advance(by: .days(20))
        #expect(try await found("expiring_in=30") == [], "what has expired does not expire")
        for bad in ["0", "-1", "x", "999999"] {
            #expect(try await face.get("/api/v1/licenses?expiring_in=\(bad)").violations == ["expiring_in"])
        }
    }

    @Test("takes all filters together and keeps them in its links")
    func together() async throws {
        let query = "status=active&product=whm-panel&customer=123&domain=shop.example.com&last4=\(acme.key.last4)"
        let reply = try await face.get("/api/v1/licenses?\(query)&per_page=1")
        #expect(reply.json["links"]?.objectValue?["self"] == .string("/api/v1/licenses?\(query)&page=1&per_page=1"))
        #expect(try await found(query) == [acme.id.description])
    }

    @Test("lists the installations of one license by pages")
    func activations() async throws {
        let path = "/api/v1/licenses/\(acme.id)/activations"
        let first = try await face.get("\(path)?per_page=1")
        #expect(first.json["meta"]?.objectValue?["total"] == .integer(2))
        let seat = try #require(first.json["data"]?.arrayValue?.first?.objectValue)
        #expect(seat["addresses"]?.arrayValue?.count == 1)
        let second = try await face.get("\(path)?per_page=1&page=2")
        let domains = [first, second].flatMap { $0.json["data"]?.arrayValue ?? [] }
            .compactMap { $0.objectValue?["domain"]?.stringValue }
        #expect(Set(domains) == ["shop.example.com", "blog.example.com"])
        #expect(try await face.get("/api/v1/licenses/lic_0000000000000/activations").code == "license_unknown")
    }
}

@Suite("The export")
struct ExportTests {
    @Test("has every license once, newest first, in slices")
    func all() async throws {
        let house = try await TestHouse()
        var ids: [String] = []
        for _ in 0..<501 { ids.append(try await house.solo().id.description) }
        let face = OperatorFace(of: house)
        _ = house.statements.take()
        let reply = try await face.get("/api/v1/licenses.csv")
        #expect(reply.status == 200)
        #expect(reply.headers[.contentType] == "text/csv; charset=utf-8; header=present")
        let lines = reply.text.components(separatedBy: "\r\n")
        #expect(lines.last?.isEmpty == true)
        #expect(lines[0].hasPrefix("id,last4,customer_id,product,batch,license_type,features,status,"))
        #expect(lines.dropFirst().dropLast().map { String($0.prefix { $0 != "," }) } == ids.reversed())
        #expect(house.statements.take().count == 2)
    }

    @Test("takes the filters of the list, and tells what is wrong with them instead of a file")
    func filters() async throws {
        let house = try await TestHouse()
        let (acme, _) = (try await house.acme(), try await house.lapsed())
        let face = OperatorFace(of: house)
        let reply = try await face.get("/api/v1/licenses.csv?status=active&customer=123")
        #expect(reply.text.components(separatedBy: "\r\n").count == 3)
        #expect(
            reply.text.contains("\(acme.id),\(acme.key.last4),123,whm-panel,,professional,whm billing support,active,"))
        let bad = try await face.get("/api/v1/licenses.csv?status=x")
        #expect(bad.status == 400)
        #expect(bad.violations == ["status"])
    }

    @Test(
        "holds fields that are what they are in RFC 4180 and nothing to run in a spreadsheet",
        arguments: [
            ("plain", "plain"), ("", ""), ("a,b", "\"a,b\""), ("a\"b", "\"a\"\"b\""), ("a\r\nb", "\"a\r\nb\""),
            ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@x", "'@x"), ("\tx", "'\tx"), ("\rx", "\"'\rx\""),
            ("\0x", "'\0x"), ("=a,\"b\"", "\"'=a,\"\"b\"\"\""), ("a=1", "a=1"), ("é", "é"),
        ])
    func fields(field: String, written: String) {
        var csv = CSVWriter()
        csv.row([field, nil, "end"])
        #expect(csv.bytes == Array("\(written),,end\r\n".utf8))
    }
}

@Suite("The journal over HTTP")
struct AuditTests {
    private static let path = "/api/v1/audit"
    private let house: TestHouse

    init() async throws { house = try await TestHouse() }

    private func types(_ query: String) async throws -> [String] {
        let reply = try await OperatorFace(of: house).get("\(Self.path)?\(query)")
        return reply.json["data"]?.arrayValue?.compactMap { $0.objectValue?["type"]?.stringValue } ?? []
    }

    @Test("lists what happened, newest first, by subject, type, actor and time")
    func filters() async throws {
        let acme = try await house.acme()
        house.clock.advance(by: .hours(1))
        let later = house.clock.now()
        _ = try await house.verdict(acme, "example.com")
        #expect(try await types("subject=\(acme.id)") == ["activation.created", "license.created"])
        #expect(try await types("type=license.created") == ["license.created"])
        #expect(try await types("actor=installation") == ["activation.created"])
        #expect(try await types("since=\(later)") == ["activation.created"])
        #expect(try await types("subject=\(acme.id)&until=\(later)") == ["license.created"])
        #expect(try await types("since=2027-01-01") == [])
        #expect(try await types("subject=\(acme.id)&per_page=1&page=2") == ["license.created"])
        for bad in ["since=yesterday", "until=2027-02-30", "subject=", "type="] {
            let reply = try await OperatorFace(of: house).get("\(Self.path)?\(bad)")
            #expect(reply.violations == [String(bad.prefix { $0 != "=" })], "\(bad)")
        }
    }

    @Test("tells of persons only to those who may know")
    func personal() async throws {
        let acme = try await house.acme()
        _ = try await house.verdict(acme, "private.example.com")
        let face = ClientFace(of: house)
        let reader = try await house.adminToken("reader", .auditRead)
        let path = "\(Self.path)?type=activation.created"
        let open = try await face.get(path, token: reader)
        #expect(open.status == 200)
        #expect(!open.text.contains("private.example.com"))
        #expect(!open.text.contains("sealed"))
        let event = try #require(open.json["data"]?.arrayValue?.first?.objectValue)
        #expect(event["has_personal"] == .bool(true))
        #expect(event["personal"] == .null)
        #expect(event["data"]?.objectValue?["used"] == .integer(1))
        let officer = try await house.adminToken("officer", .auditRead, .auditReadPersonal)
        for reply in [try await face.get(path, token: officer), try await OperatorFace(of: house).get(path)] {
            let event = try #require(reply.json["data"]?.arrayValue?.first?.objectValue)
            #expect(event["personal"]?.objectValue?["domain"]?.stringValue == "private.example.com")
        }
        try await house.execute("DELETE FROM customer_keys")
        let erased = try await OperatorFace(of: house).get(path)
        #expect(erased.json["data"]?.arrayValue?.first?.objectValue?["personal"] == .null, "an erased person is gone")
    }
}
