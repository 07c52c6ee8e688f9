import HTTPTypes
import LicenseToken
import Licensing
import Primitives
import TestSupport
import Testing

@testable import HTTPAPI

@Suite("What works without a network, over the API")
struct OfflineRouteTests {
    private let house: TestHouse
    private let license: IssuedLicense
    private let face: OperatorFace

    init() async throws {
        house = try await TestHouse()
        license = try await house.acme()
        face = OperatorFace(of: house)
    }

    private var path: String { "/api/v1/licenses/\(license.id)" }

    private func request(last4: String?, product: String = "whm-panel") throws -> String {
        try LicenseRequest(
            product: product, keyLast4: last4, installation: .init(domain: "shop.example.com"), nonce: "n-1",
            madeAt: house.clock.now().seconds
        ).text
    }

    @Test("a request is answered with a file that carries its nonce and binds its domain")
    func file() async throws {
        let text = try request(last4: license.key.last4)
        let reply = try await face.post("\(path)/files", #"{"request":"\#(text)","days":90}"#)
        #expect(reply.status == 201)
        let file = try LicenseFile(reply.json["file"]?.stringValue ?? "")
        let verifier = LicenseTokenVerifier(
            keys: try LicenseKeySet(jwks: house.licensing.keys.document(at: house.clock.now()).json))
        let verified = try verifier.verify(
            file.token, for: .init(domain: "shop.example.com"), at: house.clock.now().seconds)
        #expect(verified.nonce == "n-1")
        #expect(reply.json["domain"] == .string("shop.example.com"))
        #expect(reply.json["activation_id"]?.stringValue == verified.activationID)
        #expect(reply.json["ends_at"] == .string((house.clock.now() + .days(90)).description))
    }

    @Test("a request is answered under a key that was replaced as long as that works, and not after it")
    func replacedKey() async throws {
        let text = try request(last4: license.key.last4)
        let new = try await house.licensing.rekey(
            license.id, overlap: .standard, allKeys: false, dryRun: false, by: house.provenance()
        ).key
        let body = #"{"request":"\#(text)","days":90}"#
        #expect(try await face.post("\(path)/files", body).status == 201)
        house.clock.advance(by: .days(30))
        #expect(try await face.post("\(path)/files", body).code == "request_of_other_key")
        let other = try request(last4: new.last4)
        #expect(try await face.post("\(path)/files", #"{"request":"\#(other)","days":90}"#).status == 201)
    }

    @Test("a request of another key or product, or one that was cut, is refused and takes no seat")
    func mixUp() async throws {
        let refusals: [(String, String?)] = [
            (try request(last4: "0000"), "request_of_other_key"),
            (try request(last4: nil, product: "other"), "request_of_other_product"),
            (String(try request(last4: nil).dropLast()), "invalid_request"), ("SIGNET", "invalid_request"),
        ]
        for (text, code) in refusals {
            let reply = try await face.post("\(path)/files", #"{"request":"\#(text)","days":90}"#)
            #expect(reply.code == code, "\(reply.text)")
        }
        #expect(try await house.count("SELECT count(*) FROM activations") == 0)
    }

    @Test(
        "a file needs days and a place; what is missing is named",
        arguments: [
            (#"{"domain":"example.com"}"#, "days"), (#"{"days":30}"#, "domain"),
            (#"{"domain":"exa mple","days":30}"#, "domain"), (#"{"domain":"example.com","days":367}"#, "days"),
            (#"{"installation_id":"x","days":30}"#, "installation_id"),
        ])
    func missing(body: String, member: String) async throws {
        let reply = try await face.post("\(path)/files", body)
        #expect(reply.status == 400)
        #expect(reply.violations == [member])
    }

    @Test("an offline key is bound to exactly one thing, or to nothing on purpose")
    func offlineKey() async throws {
        for body in ["{}", #"{"domain":"example.com","unbound":true}"#, #"{"unbound":false}"#] {
            #expect(try await face.post("\(path)/offline-keys", body).violations == ["domain"])
        }
        let reply = try await face.post("\(path)/offline-keys", #"{"domain":"example.com"}"#)
        #expect(reply.status == 201)
        #expect(reply.json["binding"] == .string("domain"))
        let key = try #require(reply.json["license_key"]?.stringValue)
        let answer = try await ClientFace(of: house).validate(
            #"{"license_key":"\#(key)","domain":"example.com"}"#)
        #expect(answer.code == "VALID")
        let codes = try await face.get("/api/v1/products/whm-panel/codes")
        #expect(codes.json["types"]?.objectValue?["professional"] == .integer(1))
        #expect(try await face.get("/api/v1/products/nope/codes").status == 404)
    }

    @Test("a file sent as license key is refused in words that say what it is", arguments: ["", " ", #"\n"#])
    func fileAsKey(space: String) async throws {
        let text = #"\#(space)-----BEGIN SIGNET LICENSE-----\nProduct: x\n\nabc\n-----END SIGNET LICENSE-----\n"#
        let reply = try await ClientFace(of: house).validate(#"{"license_key":"\#(text)","domain":"example.com"}"#)
        #expect(reply.status == 400)
        #expect(reply.violations == ["license_key"])
        #expect(reply.text.contains("is a license file"))
    }

    @Test("the list of revoked licenses comes with type, tag and age, and is not sent twice")
    func list() async throws {
        let clients = ClientFace(of: house)
        let reply = try await clients.reply(to: .get(RevocationPublisher.path))
        #expect(reply.status == 200)
        #expect(reply.headers[.contentType] == "application/statuslist+jwt")
        #expect(reply.headers[.cacheControl] == "public, max-age=300, stale-if-error=604800")
        let tag = try #require(reply.headers[.eTag])
        let list = try RevocationList(
            received: reply.text, keys: LicenseKeySet(jwks: house.licensing.keys.document(at: house.clock.now()).json),
            issuer: "signet",
            at: house.clock.now().seconds)
        #expect(list.address == RevocationPublisher.path)
        let again = try await clients.reply(to: .get(RevocationPublisher.path, [.ifNoneMatch: tag]))
        #expect(again.status == 304)
        #expect(again.body.isEmpty)
        #expect(again.headers[.eTag] == tag)
        house.clock.advance(by: .days(1))
        try await house.licensing.revocations.publish(by: house.provenance())
        #expect(try await clients.reply(to: .get(RevocationPublisher.path, [.ifNoneMatch: tag])).status == 200)
    }

    @Test("every answer names the newest list")
    func named() async throws {
        for reply in [
            try await ClientFace(of: house).validate(license, "example.com"),
            try await ClientFace(of: house).validate(#"{"license_key":"x","domain":"example.com"}"#),
            try await face.post("/api/v1/licenses/validate", #"{"license_key":"\#(license.key.text)"}"#),
        ] {
            let member = reply.json["revocations"]?.objectValue
            #expect(member?["sequence"] == .integer(0))
            #expect(member?["url"] == .string(RevocationPublisher.path))
        }
    }
}
