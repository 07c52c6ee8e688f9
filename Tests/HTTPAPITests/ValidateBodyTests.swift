import HTTPTypes
import HummingbirdCore
import Licensing
import NIOCore
import Primitives
import TestSupport
import Testing

@testable import HTTPAPI

/// One body of a validate request that cannot be taken, or one that can. In texts, `KEY` stands for a license key.
private struct Row: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let body: [UInt8]
    /// Of the problem; nil when it is taken.
    let code: String?
    let members: [String]

    init(_ name: String, _ body: String, _ code: String? = nil, _ members: [String] = []) {
        self.init(name, bytes: Array(body.utf8), code, members)
    }

    init(_ name: String, bytes: [UInt8], _ code: String? = nil, _ members: [String] = []) {
        testDescription = name
        body = bytes
        self.code = code
        self.members = members
    }

    /// A body that is right but for the members given.
    init(with members: String, _ code: String? = nil, _ refused: [String] = []) {
        self.init(members, #"{"license_key":"KEY",\#(members)}"#, code, refused)
    }

    /// The body, with `key` in it.
    func bytes(key: String) -> [UInt8] {
        let place = Array("KEY".utf8)
        guard let start = body.indices.first(where: { body[$0...].starts(with: place) }) else { return body }
        return Array(body[..<start]) + Array(key.utf8) + Array(body[(start + place.count)...])
    }
}

private func nested(_ levels: Int) -> String {
    String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
}

private func letters(_ count: Int) -> String { String(repeating: "a", count: count) }

@Suite("The body of a validate request")
struct ValidateBodyTests {
    private static let notJSON: [Row] = [
        .init("absent", "", "body_missing"),
        .init("white space only", " \r\n\t", "body_missing"),
        .init("no JSON", "license_key=KEY&domain=example.com", "body_not_json"),
        .init("cut off in a string", #"{"license_key":"KEY","domain":"exam"#, "body_not_json"),
        .init("cut off before its end", #"{"license_key":"KEY","domain":"example.com""#, "body_not_json"),
        .init("more behind it", #"{"license_key":"KEY","domain":"example.com"}x"#, "body_not_json"),
        .init("twice", #"{"license_key":"KEY","domain":"example.com"}{}"#, "body_not_json"),
        .init("a comma too many", #"{"license_key":"KEY","domain":"example.com",}"#, "body_not_json"),
        .init("a byte order mark", "\u{FEFF}{}", "body_not_json"),
        .init("a raw line feed in a string", "{\"license_key\":\"KEY\",\"domain\":\"exa\nmple.com\"}", "body_not_json"),
        .init("a raw NUL in a string", "{\"license_key\":\"KEY\",\"domain\":\"exa\0mple.com\"}", "body_not_json"),
        .init(with: #""domain":"\ud800""#, "body_not_json"),
        .init(with: #""domain":"\udc00\ud800""#, "body_not_json"),
        .init(
            "invalid UTF-8", bytes: Array(#"{"license_key":"KEY","domain":""#.utf8) + [0xFF] + Array(#""}"#.utf8),
            "body_not_utf8"),
        .init(
            "a surrogate in UTF-8",
            bytes: Array(#"{"license_key":"KEY","domain":""#.utf8) + [0xED, 0xA0, 0x80] + Array(#""}"#.utf8),
            "body_not_utf8"),
        .init(
            "an overlong NUL",
            bytes: Array(#"{"license_key":"KEY","domain":""#.utf8) + [0xC0, 0x80] + Array(#""}"#.utf8),
            "body_not_utf8"),
        .init("an array", "[]", "body_not_object"),
        .init("a string", #""KEY""#, "body_not_object"),
        .init("a number", "1", "body_not_object"),
        .init("null", "null", "body_not_object"),
        .init(
            "a member twice", #"{"license_key":"KEY","domain":"a.com","domain":"a.com"}"#, "duplicate_member",
            ["domain"]),
        .init("an unknown member twice", #"{"license_key":"KEY","x":1,"x":1}"#, "duplicate_member", ["x"]),
        .init(
            "a member twice, once escaped", #"{"license_key":"KEY","\u0064omain":"b.com","domain":"a.com"}"#,
            "duplicate_member", ["domain"]),
        .init(with: #""domain":"a.com","x":\#(nested(16))"#, "body_too_deep"),
        .init("17 levels of arrays", nested(17), "body_too_deep"),
        .init("thousands of levels", String(repeating: "[", count: 10_000), "body_too_deep"),
        .init("257 members", "{" + (1...257).map { "\"m\($0)\":0" }.joined(separator: ",") + "}", "too_many_members"),
    ]

    private static let wrongMembers: [Row] =
        ["license_key", "domain", "ip_address", "product", "installation_id", "nonce", "token"].flatMap { name in
            ["1", "1.5", "true", "[]", #"["a"]"#, "{}", #"{"a":"b"}"#].map { value -> Row in
                let others = name == "domain" ? "" : #","domain":"example.com""#
                let key = name == "license_key" ? "" : #""license_key":"KEY","#
                return Row("\(name) is \(value)", "{\(key)\"\(name)\":\(value)\(others)}", "invalid_request", [name])
            }
        } + [
            .init("an empty object", "{}", "invalid_request", ["license_key", "domain"]),
            .init("no license_key", #"{"domain":"example.com"}"#, "invalid_request", ["license_key"]),
            .init("an empty license_key", #"{"license_key":"","domain":"a.com"}"#, "invalid_request", ["license_key"]),
            .init(
                "a license_key of spaces", #"{"license_key":"   ","domain":"a.com"}"#, "invalid_request",
                ["license_key"]),
            .init("a null license_key", #"{"license_key":null,"domain":"a.com"}"#, "invalid_request", ["license_key"]),
            .init("no domain", #"{"license_key":"KEY"}"#, "invalid_request", ["domain"]),
            .init(with: #""domain":"""#, "invalid_request", ["domain"]),
            .init(with: #""domain":null,"installation_id":"""#, "invalid_request", ["domain"]),
            .init(with: #""domain":" ""#, "invalid_request", ["domain"]),
            .init(with: #""domain":"a.com","ip_address":"example.com""#, "invalid_request", ["ip_address"]),
            .init(with: #""domain":"a.com","ip_address":"""#, "invalid_request", ["ip_address"]),
            .init(with: #""domain":"a.com","ip_address":"1.2.3.256""#, "invalid_request", ["ip_address"]),
            .init(with: #""domain":"a.com","ip_address":"fe80::1%eth0""#, "invalid_request", ["ip_address"]),
            .init(with: #""domain":"a.com","ip_address":"203.0.113.7:80""#, "invalid_request", ["ip_address"]),
            .init(
                with: #""domain":"\#((1...26).map { _ in letters(9) }.joined(separator: "."))""#, "invalid_request",
                ["domain"]),
            .init(with: #""domain":"\#(letters(64)).com""#, "invalid_request", ["domain"]),
            .init(with: #""domain":"exa mple.com""#, "invalid_request", ["domain"]),
            .init(with: #""domain":"999.1.1.1""#, "invalid_request", ["domain"]),
            .init(with: #""domain":"a.com","installation_id":"short""#, "invalid_request", ["installation_id"]),
            .init(
                with: #""domain":"a.com","installation_id":"\#(letters(129))""#, "invalid_request",
                ["installation_id"]),
            .init(with: #""domain":"a.com","nonce":"\#(letters(257))""#, "invalid_request", ["nonce"]),
            .init(with: #""domain":"a.com","product":"\#(letters(1025))""#, "invalid_request", ["product"]),
            .init(with: #""domain":"a.com","token":"\#(letters(8193))""#, "invalid_request", ["token"]),
            .init(with: #""domain":"a.com","x":"\#(letters(1025))""#, "invalid_request", ["x"]),
            .init(with: #""domain":"a.com","x":[{"y":"\#(letters(1025))"}]"#, "invalid_request", ["x"]),
            .init(with: #""domain":"a.com","x":{"\#(letters(1025))":1}"#, "invalid_request", ["x"]),
            .init(
                "a key over 1 KiB", #"{"license_key":"\#(letters(1025))","domain":"a.com"}"#, "invalid_request",
                ["license_key"]),
            .init(
                "everything wrong at once, in the order of the members",
                #"{"license_key":1,"domain":2,"installation_id":3,"ip_address":4,"product":5,"nonce":6,"token":7}"#,
                "invalid_request",
                ["license_key", "domain", "installation_id", "ip_address", "product", "nonce", "token"]),
        ] + controlCharacters

    /// In every member, and wherever a person would not see it.
    private static let controlCharacters: [Row] = ["0000", "0001", "0007", "000a", "001f", "007f", "0085"].flatMap {
        hex in
        [
            Row(with: #""domain":"exa\u\#(hex)mple.com""#, "invalid_request", ["domain"]),
            Row(with: #""domain":"a.com","ip_address":"\u\#(hex)1.2.3.4""#, "invalid_request", ["ip_address"]),
            Row(with: #""domain":"a.com","product":"whm\u\#(hex)""#, "invalid_request", ["product"]),
            Row(with: #""domain":"a.com","nonce":"n\u\#(hex)""#, "invalid_request", ["nonce"]),
            Row(with: #""domain":"a.com","token":"t\u\#(hex)""#, "invalid_request", ["token"]),
            Row(with: #""installation_id":"12345678\u\#(hex)""#, "invalid_request", ["installation_id"]),
            Row(
                "a key with \(hex)", #"{"license_key":"\u\#(hex)KEY","domain":"a.com"}"#, "invalid_request",
                ["license_key"]),
        ]
    }

    private static let right: [Row] = [
        .init(with: #""domain":"example.com""#),
        .init(with: #""domain":"EXAMPLE.com.","ip_address":"203.0.113.7""#),
        .init(with: #""domain":"https://www.example.com:8443/path?x#y""#),
        .init(with: #""domain":"b\u00fccher.example.com""#),
        .init(with: #""domain":"198.51.100.9""#),
        .init(with: #""domain":"[2001:db8::1]","ip_address":"2001:db8::1""#),
        .init(with: #""domain":"\#(letters(63)).com""#),
        .init(with: #""installation_id":"9f8b1c2d-0000""#),
        .init(with: #""domain":"","installation_id":"9f8b1c2d-0000""#),
        .init(
            with: #""domain":"a.com","ip_address":null,"product":null,"installation_id":null,"nonce":null,"token":null"#
        ),
        .init(with: #""domain":"a.com","product":"","installation_id":"","nonce":"","token":"""#),
        .init(with: #""domain":"a.com","nonce":"\#(letters(256))","token":"\#(letters(8192))""#),
        .init(with: #""domain":"a.com","unknown":{"deep":[1,2.5e3,true,null,"\ud83d\ude00"]},"Domain":"b.com""#),
        .init(with: #""domain":"a.com","x":\#(nested(15))"#),
        .init("a key with the line end of a paste", #"{"license_key":"KEY\r\n","domain":"a.com"}"#),
        .init(with: #""domain":"a.com","x":"\#(letters(1024))""#),
        .init("white space around everything", " \n{ \"license_key\" : \"KEY\" ,\t\"domain\" : \"a.com\" }\r\n"),
        .init("escapes in names", #"{"license\u005fkey":"KEY","d\u006fmain":"a.com"}"#),
        .init(
            "exactly 16 KiB",
            #"{"license_key":"KEY","domain":"a.com","x":[\#(String(repeating: " ", count: 16_384 - 61))]}"#),
    ]

    @Test("is refused with its reason, and nothing is looked up or changed", arguments: notJSON + wrongMembers)
    private func refused(row: Row) async throws {
        let house = try await Self.house.value
        _ = house.house.statements.take()
        let reply = try await house.face.reply(
            to: .post(ClientFace.validatePath, row.bytes(key: house.license.key.text)))
        #expect(reply.status == 400)
        #expect(reply.code == row.code)
        #expect(reply.violations == row.members)
        #expect(reply.headers[.contentType] == "application/problem+json")
        #expect(reply.json["instance"] == .string("urn:signet:request:\(ClientFace.requestID)"))
    }

    @Test("is taken", arguments: right)
    private func taken(row: Row) async throws {
        let house = try await Self.house.value
        let reply = try await house.face.reply(
            to: .post(ClientFace.validatePath, row.bytes(key: house.license.key.text)))
        #expect(reply.status == 200, "\(reply.text)")
        #expect(reply.json["code"] == .string("VALID"), "\(reply.text)")
    }

    @Test("is of 16 KiB at most, declared or not")
    func size() async throws {
        let house = try await Self.house.value
        let body = Array(#"{"license_key":"\#(house.license.key.text)","domain":"a.com"}"#.utf8)
        let padded = body + Array(repeating: UInt8(ascii: " "), count: PublicAPI.bodyBytesMax - body.count)
        #expect(try await house.face.reply(to: .post(ClientFace.validatePath, padded)).status == 200)
        #expect(try await house.face.reply(to: .post(ClientFace.validatePath, parts: [padded])).status == 200)
        let asks: [Ask] = [
            .post(ClientFace.validatePath, padded + [0x20]), .post(ClientFace.validatePath, parts: [padded, [0x20]]),
            .post(ClientFace.validatePath, parts: Array(repeating: [0x20], count: PublicAPI.bodyBytesMax + 1)),
        ]
        for ask in asks {
            let reply = try await house.face.reply(to: ask)
            #expect(reply.status == 413)
            #expect(reply.code == "body_too_large")
            #expect(reply.headers[.connection] == "close")
        }
    }

    @Test("is refused by its declared length before a byte of it is read")
    func declaredLength() async throws {
        let house = try await Self.house.value
        for length in ["16385", "9223372036854775807"] {
            let stream = AsyncStream<ByteBuffer> { _ in }
            let ask = Ask(
                method: .post, path: ClientFace.validatePath,
                headers: [.contentType: "application/json", .contentLength: length],
                body: .init(asyncSequence: stream))
            #expect(try await house.face.reply(to: ask).status == 413)
        }
    }

    @Test(
        "is JSON in UTF-8 by its content type",
        arguments: [
            ("application/json", true), ("Application/JSON", true), ("application/json; charset=utf-8", true),
            ("application/json;charset=UTF-8", true), ("application/json ; charset=\"utf-8\"", true),
            ("application/json;charset=latin1", false), ("application/json;charset=utf-16", false),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false), ("application/jsonp", false), ("json", false), ("", false),
            (";", false), ("application/json, text/plain", false), (nil, false),
        ])
    func contentType(type: String?, isTaken: Bool) async throws {
        let house = try await Self.house.value
        let body = Array(#"{"license_key":"\#(house.license.key.text)","domain":"a.com"}"#.utf8)
        let reply = try await house.face.reply(to: .post(ClientFace.validatePath, body, contentType: type))
        #expect(reply.status == (isTaken ? 200 : 415))
        if !isTaken { #expect(reply.code == "unsupported_media_type") }
    }

    /// A house with a license of as many seats as anyone asks for, made once: no test here depends on another.
    private static let house = Task {
        let house = try await TestHouse()
        let license = try await house.issue(seats: 0)
        return (house: house, license: license, face: ClientFace(of: house))
    }
}

@Suite("Members of a validate request")
struct ValidateMembersTests {
    @Test("refused ones run no SQL and take no seat")
    func refusalsCostNothing() async throws {
        let house = try await TestHouse()
        let acme = try await house.acme()
        let face = ClientFace(of: house)
        _ = house.statements.take()
        let bodies = [
            "", "[]", "{", #"{"license_key":"\#(acme.key.text)"}"#,
            #"{"license_key":"\#(acme.key.text)","domain":"a b"}"#,
            #"{"license_key":"\#(acme.key.text)","domain":"a.com","ip_address":"x"}"#,
        ]
        for body in bodies { #expect(try await face.validate(body).status == 400) }
        #expect(house.statements.takeWhereAlone().isEmpty)
        #expect(try await house.used(acme) == 0)
    }

    @Test("without an address the peer is the installation's")
    func absentAddress() async throws {
        let house = try await TestHouse()
        let acme = try await house.acme()
        let face = ClientFace(of: house, peer: "::ffff:198.51.100.9")
        for address in ["", #","ip_address":null"#] {
            let reply = try await face.validate(#"{"license_key":"\#(acme.key.text)","domain":"a.com"\#(address)}"#)
            #expect(reply.json["activation"]?.objectValue?["ip"] == .string("198.51.100.9"))
        }
    }

    @Test(
        "an address as the domain is an installation without a name, in canonical form",
        arguments: [
            ("8.8.4.4", "8.8.4.4"), ("http://8.8.4.4:8080/", "8.8.4.4"),
            ("[2600:DB8:0::1]", "2600:db8::1"),
        ])
    func addressAsDomain(domain: String, canonical: String) async throws {
        let house = try await TestHouse()
        let acme = try await house.acme()
        let reply = try await ClientFace(of: house).validate(acme, domain)
        #expect(reply.json["activation"]?.objectValue?["domain"] == .string(canonical))
        #expect(reply.json["activation"]?.objectValue?["kind"] == .string("production"))
    }

    @Test("an installation_id alone is an installation")
    func installationID() async throws {
        let house = try await TestHouse()
        let solo = try await house.solo()
        let face = ClientFace(of: house)
        let body = #"{"license_key":"\#(solo.key.text)","installation_id":"9f8b1c2d-77"}"#
        for _ in 1...2 {
            let reply = try await face.validate(body)
            #expect(reply.json["valid"] == .bool(true))
            #expect(reply.json["activation"]?.objectValue?["domain"] == .null)
        }
        #expect(try await house.used(solo) == 1)
        #expect(try await face.validate(solo, "example.com").json["code"] == .string("ACTIVATION_LIMIT"))
    }

    @Test("a key is read as people write it")
    func keySpellings() async throws {
        let house = try await TestHouse()
        let acme = try await house.acme()
        let face = ClientFace(of: house)
        let key = acme.key.text
        let spellings = [
            key.lowercased(), key.replacing("-", with: ""), key.replacing("-", with: " "), "  \(key) ",
            key.replacing("-", with: "\u{2013}"), key.replacing("-", with: "\u{A0}"),
            key.replacing("0", with: "O").replacing("1", with: "l"),
            key.replacing("0", with: "o").replacing("1", with: "I"),
        ]
        for spelling in spellings {
            let reply = try await face.validate(#"{"license_key":"\#(spelling)","domain":"example.com"}"#)
            #expect(reply.json["code"] == .string("VALID"), "\(spelling)")
        }
        #expect(try await house.used(acme) == 1)
    }

    @Test("a key with one wrong symbol or two swapped is malformed, and nothing is looked up")
    func mistypedKey() async throws {
        let house = try await TestHouse(settings: .withoutGuessLimit)
        let acme = try await house.acme()
        let face = ClientFace(of: house)
        _ = house.statements.take()
        for key in Self.slips(of: acme.key.text) {
            let reply = try await face.validate(#"{"license_key":"\#(key)","domain":"example.com"}"#)
            #expect(reply.status == 200)
            #expect(reply.json["code"] == .string("KEY_MALFORMED"), "\(key)")
            #expect(reply.json["license_id"] == .null)
        }
        #expect(house.statements.takeWhereAlone().isEmpty)
    }

    /// Every single wrong symbol at every place, and every swap of two neighbors that differ.
    private static func slips(of key: String) -> [String] {
        let symbols = Array(key.replacing("-", with: ""))
        let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
        var slips: [[Character]] = []
        for place in symbols.indices {
            for wrong in alphabet where wrong != symbols[place] {
                var slip = symbols
                slip[place] = wrong
                slips.append(slip)
            }
        }
        for place in symbols.indices.dropLast() where symbols[place] != symbols[place + 1] {
            var slip = symbols
            slip.swapAt(place, place + 1)
            slips.append(slip)
        }
        return slips.map { String($0) } + [
            String(symbols.dropLast()), String(symbols + ["0"]), "U" + String(symbols.dropFirst()),
        ]
    }

    @Test("the answer may not be kept by caches")
    func noStore() async throws {
        let house = try await TestHouse()
        let acme = try await house.acme()
        let face = ClientFace(of: house)
        for domain in ["example.com", "localhost"] {
            let reply = try await face.validate(acme, domain)
            #expect(reply.headers[.cacheControl] == "no-store")
            #expect(reply.headers[.contentType] == "application/json")
        }
    }

    @Test("a repeat is answered without SQL")
    func warmValidation() async throws {
        let house = try await TestHouse()
        let acme = try await house.acme()
        let face = ClientFace(of: house)
        let first = try await face.validate(acme, "example.com")
        _ = house.statements.take()
        for _ in 1...10 { #expect(try await face.validate(acme, "example.com").body == first.body) }
        #expect(house.statements.take().isEmpty)
    }
}
