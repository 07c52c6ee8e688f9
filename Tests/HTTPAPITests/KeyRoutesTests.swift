import Access
import HTTPTypes
import LicenseToken
import Primitives
import TestSupport
import Testing

@testable import HTTPAPI

@Suite("The operators' routes for signing keys")
struct KeyRoutesTests {
    private static let signedPath = "/api/v1/installer/keys"

    private func keys(_ reply: Reply) -> [JSONObject] {
        (reply.json["data"]?.arrayValue ?? []).compactMap(\.objectValue)
    }

    private func states(_ reply: Reply) -> [String?] { keys(reply).map { $0["state"]?.stringValue } }

    @Test("tell each key with what it is for and until when")
    func list() async throws {
        let house = try await TestHouse()
        let face = OperatorFace(of: house)
        let reply = try await face.get("/api/v1/keys")
        #expect(states(reply) == ["current", "next"])
        #expect(
            keys(reply)[0].members.map(\.name) == [
                "kid", "state", "published_at", "listed_at", "signs_from", "signs_until", "verifies_until",
                "revoked_at", "destroyed_at", "missing_on", "created_at",
            ])
        #expect(reply.json["signed_key_set"] == .null)
        #expect(reply.json["warnings"]?.arrayValue?.isEmpty == true)
    }

    @Test("make one key for one Idempotency-Key, however often it is sent")
    func onceOnly() async throws {
        let house = try await TestHouse()
        let client = ClientFace(of: house)
        let token = try await house.adminToken("ci", .keysWrite)
        let headers: HTTPFields = [.idempotencyKey: "key-1"]
        let first = try await client.post("/api/v1/keys", "{}", token: token, headers)
        let second = try await client.post("/api/v1/keys", "{}", token: token, headers)
        #expect(first.status == 201 && second.status == 201 && first.body == second.body)
        #expect(try await house.count("SELECT count(*) FROM signing_keys") == 3)
        let other = try await client.post("/api/v1/keys", #"{"reason":"another"}"#, token: token, headers)
        #expect(other.code == "idempotency_key_reused")
        let third = try await client.post("/api/v1/keys", "{}", token: token, [.idempotencyKey: "key-2"])
        #expect(third.json["kid"] != first.json["kid"])
        #expect(try await house.count("SELECT count(*) FROM signing_keys") == 4)
    }

    @Test("rotate ahead, refuse to do it twice, and do it now when forced")
    func rotate() async throws {
        let house = try await TestHouse()
        let face = OperatorFace(of: house)
        let ahead = try await face.post("/api/v1/keys/rotate", "{}")
        #expect(states(ahead) == ["current", "next", "next"])
        #expect(keys(ahead)[1]["signs_from"]?.stringValue == "2026-12-07T12:00:00Z")
        let twice = try await face.post("/api/v1/keys/rotate", "{}")
        #expect(twice.status == 409 && twice.code == "rotation_pending")
        let past = try await face.post("/api/v1/keys/rotate", #"{"at":"2026-11-01T00:00:00Z"}"#)
        #expect(past.status == 422 && past.code == "rotation_time")
        let early = try await face.post("/api/v1/keys/rotate", #"{"at":"2026-12-01T00:00:00Z"}"#)
        #expect(early.status == 409 && early.code == "signing_key_too_new")
        let wrong = try await face.post("/api/v1/keys/rotate", #"{"at":"tomorrow","force":1}"#)
        #expect(wrong.status == 400 && wrong.violations == ["at", "force"])
        house.clock.advance(by: .seconds(1))
        let forced = try await face.post("/api/v1/keys/rotate", #"{"force":true}"#)
        #expect(states(forced) == ["current", "next", "verifying"])
    }

    @Test("revoke a key with a reason, out of the public key set at once, whose tag changes")
    func revoke() async throws {
        let house = try await TestHouse()
        let (face, clients) = (OperatorFace(of: house), ClientFace(of: house))
        let path = "/.well-known/jwks.json"
        let before = try await clients.reply(to: .get(path))
        let kid = try #require(keys(try await face.get("/api/v1/keys"))[1]["kid"]?.stringValue)
        let silent = try await face.post("/api/v1/keys/\(kid)/revoke", "{}")
        #expect(silent.status == 400 && silent.violations == ["reason"])
        let revoked = try await face.post("/api/v1/keys/\(kid)/revoke", #"{"reason":"stolen"}"#)
        #expect(states(revoked) == ["current", "next", "revoked"])
        let tag = try #require(before.headers[.eTag])
        let after = try await clients.reply(to: .get(path, [.ifNoneMatch: tag]))
        #expect(after.status == 200 && !after.text.contains(kid))
        #expect(try await face.post("/api/v1/keys/\(kid)/revoke", #"{"reason":"again"}"#).code == "signing_key_revoked")
        #expect(try await face.post("/api/v1/keys/AAAAAAAA/revoke", #"{"reason":"x"}"#).status == 404)
    }

    @Test("the public key set has another tag once a key takes over or is retired, with no request in between")
    func tagFollowsTime() async throws {
        let house = try await TestHouse()
        let clients = ClientFace(of: house)
        _ = try await OperatorFace(of: house).post("/api/v1/keys/rotate", "{}")
        var tags: [String?] = []
        for days in [0, 13, 1, 119, 1] {
            house.clock.advance(by: .days(days))
            tags.append(try await clients.reply(to: .get("/.well-known/jwks.json")).headers[.eTag])
        }
        #expect(tags[0] == tags[1] && tags[1] != tags[2])
        #expect(tags[2] == tags[3] && tags[3] != tags[4])
    }

    @Test("destroy what may be destroyed and refuse the rest")
    func destroy() async throws {
        let house = try await TestHouse()
        let face = OperatorFace(of: house)
        let kid = try #require(keys(try await face.get("/api/v1/keys"))[1]["kid"]?.stringValue)
        let needed = try await face.post("/api/v1/keys/destroy", #"{"kid":"\#(kid)"}"#)
        #expect(needed.status == 409 && needed.code == "signing_key_needed")
        for body in ["{}", #"{"kid":"\#(kid)","all":true}"#] {
            #expect(try await face.post("/api/v1/keys/destroy", body).violations == ["kid"])
        }
        _ = try await face.post("/api/v1/keys/\(kid)/revoke", #"{"reason":"stolen"}"#)
        let destroyed = try await face.post("/api/v1/keys/destroy", #"{"all":true}"#)
        #expect(keys(destroyed).last?["destroyed_at"]?.stringValue == "2026-11-23T12:00:00Z")
        let sealing = try await face.post("/api/v1/keys/seal", "{}")
        #expect(sealing.status == 409 && sealing.code == "keys_passphrase_missing")
    }

    @Test("a signed key set is served with a tag, and 404 says that there is none")
    func signedKeySet() async throws {
        let house = try await TestHouse()
        let (face, clients) = (OperatorFace(of: house), ClientFace(of: house))
        let none = try await clients.reply(to: .get(Self.signedPath))
        #expect(none.status == 404 && none.code == "key_set_not_signed")
        #expect(try await face.get("/api/v1/keys/root").code == "key_set_not_signed")
        let request = try await face.get("/api/v1/keys/root/request?days=30")
        #expect(try await face.get("/api/v1/keys/root/request?days=401").violations == ["days"])
        var generator = SeededGenerator(seed: 1)
        let root = try SigningKey(using: &generator)
        let document = try KeySetSigner(root: root).sign(KeySetClaims(json: request.body))
        let body = #"{"document":"\#(document)","root":"\#(Base64URL.encode(root.publicKey))"}"#
        let published = try await face.post("/api/v1/keys/root/publish", body)
        #expect(published.status == 201)
        let reply = try await clients.reply(to: .get(Self.signedPath))
        #expect(reply.status == 200 && reply.text == document)
        #expect(reply.headers[.contentType] == "application/jwt")
        #expect(reply.headers[.cacheControl] == "public, max-age=3600, stale-if-error=604800")
        let tag = try #require(reply.headers[.eTag])
        #expect(tag == "\"\(root.keyID).1\"")
        let held = try await clients.reply(to: .get(Self.signedPath, [.ifNoneMatch: tag]))
        #expect(held.status == 304 && held.body.isEmpty)
        #expect(try await face.post("/api/v1/keys/root/publish", body).code == "key_set_outdated")
        let bad = try await face.post("/api/v1/keys/root/publish", #"{"document":"a.b.c","root":"AA"}"#)
        #expect(bad.violations == ["root"])
        let list = try await face.get("/api/v1/keys")
        #expect(list.json["signed_key_set"]?.objectValue?["sequence"]?.integerValue == 1)
    }
}
