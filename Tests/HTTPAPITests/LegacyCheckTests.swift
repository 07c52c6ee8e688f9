import HTTPTypes
import Licensing
import Primitives
import TestSupport
import Testing

@testable import HTTPAPI

@Suite("The endpoint for clients of WHMCS's licensing addon")
struct LegacyCheckTests {
    private static let key = "Leased-0a1b2c3d4e"
    private static let formType = "application/x-www-form-urlencoded"

    /// A form as such clients send it; `changes` with nil leave a field out.
    private static func form(_ changes: [String: String?] = [:]) -> [(name: String, value: String)] {
        let fields: [String: String?] = [
            "licensekey": key, "domain": "example.com", "ip": "203.0.113.7", "dir": "/var/www/html/panel",
            "check_token": "1795435200d41d8cd98f00b204e9800998ecf8427e",
        ]
        return fields.merging(changes) { $1 }.compactMap { name, value in value.map { (name, $0) } }.sorted { $0 < $1 }
    }

    private static func encoded(_ form: [(name: String, value: String)]) -> [UInt8] {
        func escaped(_ text: String) -> String {
            text.utf8.map { byte in
                byte.isUnreserved ? String(UnicodeScalar(byte)) : "%" + Hexadecimal.encode([byte]).uppercased()
            }.joined()
        }
        // The clients leave an ampersand at the end.
        return Array(form.map { "\($0.name)=\(escaped($0.value))&" }.joined().utf8)
    }

    private static func multipart(_ form: [(name: String, value: String)]) -> [UInt8] {
        let parts = form.map { "--b0und\r\nContent-Disposition: form-data; name=\"\($0.name)\"\r\n\r\n\($0.value)\r\n" }
        return Array((parts.joined() + "--b0und--\r\n").utf8)
    }

    private func ask(
        _ house: TestHouse, _ changes: [String: String?] = [:], peer: String = TestHouse.address
    ) async throws -> Reply {
        try await ClientFace(of: house, peer: peer).reply(
            to: .post(PublicAPI.legacyPath, Self.encoded(Self.form(changes)), contentType: Self.formType))
    }

    // The hash is what md5sum says of the product's secret and the form's token.
    @Test("tells an installation that holds a seat what it asked with, exactly as it was sent, and no person")
    func active() async throws {
        let house = try await TestHouse()
        try await house.imports([
            .license([
                "config_options": .array([option("Sites", "5")]), "addons": .array([addon("No branding", "Active")]),
            ])
        ])
        let reply = try await ask(house, ["domain": "WWW.Example.com"])
        #expect(reply.status == 200)
        #expect(reply.headers[.contentType] == "text/plain; charset=utf-8")
        #expect(reply.headers[.cacheControl] == "no-store")
        #expect(
            reply.text == """
                <status>Active</status>
                <serviceid>1077</serviceid>
                <productid>12</productid>
                <productname>Panel Pro</productname>
                <regdate>2024-03-01</regdate>
                <nextduedate>2027-03-01</nextduedate>
                <billingcycle>Annually</billingcycle>
                <configoptions>Sites=5</configoptions>
                <addons>name=No branding;nextduedate=2027-01-01;status=Active</addons>
                <validdomain>WWW.Example.com</validdomain>
                <validip>203.0.113.7</validip>
                <validdirectory>/var/www/html/panel</validdirectory>
                <md5hash>5c0c838d4eac6b598b40272f84123aa1</md5hash>

                """)
    }

    private func option(_ name: String, _ value: String) -> JSONValue {
        var object = JSONObject()
        _ = object.append("name", .string(name))
        _ = object.append("value", .string(value))
        return .object(object)
    }

    private func addon(_ name: String, _ status: String) -> JSONValue {
        var object = JSONObject()
        _ = object.append("name", .string(name))
        _ = object.append("next_due", .string("2027-01-01"))
        _ = object.append("status", .string(status))
        return .object(object)
    }

    @Test("reads both encodings that PHP's cURL sends alike")
    func encodings() async throws {
        let house = try await TestHouse()
        try await house.imports([.license()])
        let face = ClientFace(of: house)
        let form = Self.form(["dir": #"C:\Inetpub\my shop & more+;=%\ü"#])
        let pairs = try await face.reply(
            to: .post(PublicAPI.legacyPath, Self.encoded(form), contentType: Self.formType))
        let parts = try await face.reply(
            to: .post(
                PublicAPI.legacyPath, Self.multipart(form), contentType: "multipart/form-data; boundary=b0und"))
        #expect(pairs.text.contains(#"<validdirectory>C:\Inetpub\my shop & more+;=%\ü</validdirectory>"#))
        #expect(parts.text == pairs.text)
    }

    @Test("gives a new installation a seat, and refuses one too many")
    func seats() async throws {
        let house = try await TestHouse()
        try await house.imports([.license(["status": .string("Reissued")])])
        #expect(try await ask(house, ["domain": "new.example.org"]).text.hasPrefix("<status>Active</status>"))
        let other = try await ask(house, ["domain": "second.example.org"])
        #expect(other.text.hasPrefix("<status>Invalid</status>\n<message>All activations"))
        #expect(!other.text.contains("validdomain"))
        #expect(other.text.contains("<md5hash>"))
    }

    @Test("answers for licenses of ours too, and for a product without a secret without a hash")
    func native() async throws {
        let house = try await TestHouse()
        let solo = try await house.solo()
        let reply = try await ask(house, ["licensekey": solo.key.text])
        #expect(
            reply.text == """
                <status>Active</status>
                <productname>whm-panel</productname>
                <nextduedate>0000-00-00</nextduedate>
                <validdomain>example.com</validdomain>
                <validip>203.0.113.7</validip>
                <validdirectory>/var/www/html/panel</validdirectory>

                """)
        try await house.imports([])
        #expect(try await ask(house, ["licensekey": solo.key.text]).text.contains("<md5hash>"))
    }

    @Test("has the addon's word for every verdict", arguments: Verdict.allCases)
    func words(verdict: Verdict) {
        let expected: String =
            switch verdict {
            case .valid, .expiredGrace: "Active"
            case .suspended: "Suspended"
            case .expired, .revoked: "Expired"
            default: "Invalid"
            }
        #expect(verdict.legacyStatus == expected)
    }

    @Test("tells how a license stands")
    func standings() async throws {
        let house = try await TestHouse()
        let cases: [([String: JSONValue], String)] = [
            (["service_status": .string("Suspended")], "Suspended"), (["next_due": .string("2026-11-01")], "Expired"),
            (["service_status": .string("Terminated")], "Expired"), (["next_due": .string("2026-11-20")], "Active"),
        ]
        for (number, (changes, word)) in cases.enumerated() {
            try await house.imports([.license("\(number)", key: "Leased-\(number)-key", changes)])
            let reply = try await ask(house, ["licensekey": "Leased-\(number)-key"])
            #expect(reply.text.hasPrefix("<status>\(word)</status>"), "\(changes)")
        }
        #expect(try await ask(house, ["licensekey": "Leased-unknown"]).text.hasPrefix("<status>Invalid</status>"))
        #expect(try await ask(house, ["licensekey": ""]).text.hasPrefix("<status>Invalid</status>"))
    }

    @Test("takes the address that it sees for one that the client does not know")
    func withoutAddress() async throws {
        let house = try await TestHouse()
        try await house.imports([.license()])
        for changes in [["ip": String?.none], ["ip": ""]] {
            let reply = try await ask(house, changes)
            #expect(reply.text.hasPrefix("<status>Active</status>"))
            #expect(!reply.text.contains("validip"))
        }
    }

    @Test(
        "says nothing at all about a check that it cannot answer as it was sent, so that the client goes on",
        arguments: [
            ["domain": nil], ["domain": ""], ["domain": "_"], ["domain": "a b"], ["ip": "unknown"],
            ["dir": "/var/<b>"], ["dir": "/var/\n"], ["domain": "example.com<status>"],
            ["dir": String(repeating: "d", count: 1025)], ["check_token": String(repeating: "t", count: 257)],
            ["licensekey": String(repeating: "k", count: 1025)],
        ])
    func undecided(changes: [String: String?]) async throws {
        let house = try await TestHouse()
        try await house.imports([.license()])
        let reply = try await ask(house, changes)
        #expect(reply.status == 400)
        #expect(reply.body.isEmpty)
    }

    @Test(
        "takes nothing but a form",
        arguments: [
            ("application/json", "{}", 415), (nil, "a=b", 415), (Self.formType, "a=%zz", 400),
            (Self.formType, "a=%f", 400), (Self.formType, "domain=a&domain=b", 400),
            ("multipart/form-data", "--b\r\n", 400), ("multipart/form-data; boundary=b", "--b", 400),
            ("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1", 400),
            (
                "multipart/form-data; boundary=b",
                "--b\r\nContent-Disposition: form-data; name=\"x\"; filename=\"y\"\r\n\r\n1\r\n--b--", 400
            ), (Self.formType, String(repeating: "a=b&", count: 33), 400),
            (Self.formType, String(repeating: "x", count: 16 << 10 + 1), 413),
        ])
    func bodies(type: String?, body: String, status: Int) async throws {
        let house = try await TestHouse()
        let reply = try await ClientFace(of: house).reply(
            to: .post(PublicAPI.legacyPath, Array(body.utf8), contentType: type))
        #expect(reply.status == status)
        #expect(reply.body.isEmpty)
    }

    @Test("keeps those waiting who guess keys, and says nothing to them")
    func guesses() async throws {
        let house = try await TestHouse()
        try await house.imports([.license()])
        for number in 1...GuessLimit.burstDefault {
            #expect(try await ask(house, ["licensekey": "Leased-guess-\(number)"]).status == 200)
        }
        let waiting = try await ask(house, ["licensekey": "Leased-guess"])
        #expect(waiting.status == 429)
        #expect(waiting.body.isEmpty)
        #expect(waiting.headers[.retryAfter] != nil)
        #expect(try await ask(house).status == 200)
    }

    @Test("says nothing while nothing can be stored")
    func unavailable() async throws {
        let house = try await TestHouse()
        try await house.imports([.license(["status": .string("Reissued")])])
        house.faults.fail(at: .commit)
        let reply = try await ask(house, ["domain": "new.example.org"])
        #expect(reply.status == 503)
        #expect(reply.body.isEmpty)
    }

    @Test("leaves out what could begin a tag, a line or another value in what an import brought")
    func injection() async throws {
        let house = try await TestHouse()
        try await house.imports(
            [
                .license([
                    "config_options": .array([option("a|b", "</configoptions><status>x")]),
                    "addons": .array([addon("c;status=Active|name=d", "Suspended")]),
                ])
            ], product: .product(["name": .string("<b>Pro</b>")]))
        let text = try await ask(house).text
        #expect(text.contains("<productname> b Pro /b </productname>"))
        #expect(text.contains("<configoptions>a b= /configoptions  status x</configoptions>"))
        #expect(text.contains("name=c status=Active name=d;nextduedate=2027-01-01;status=Suspended"))
        #expect(text.ranges(of: "<status>").count == 1)
    }
}

extension UInt8 {
    /// What a form leaves as it is.
    fileprivate var isUnreserved: Bool {
        UnicodeScalar(self).properties.isAlphabetic && self < 0x80
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) || "-_.".utf8.contains(self)
    }
}
