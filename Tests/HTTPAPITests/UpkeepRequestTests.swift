import Primitives
import TestSupport
import Testing
import Upkeep

@testable import HTTPAPI

@Suite("Operators' requests about the whole")
struct UpkeepRequestTests {
    private let house: TestHouse
    private let face: OperatorFace

    init() async throws {
        house = try await TestHouse()
        face = OperatorFace(of: house)
        _ = try await house.verdict(try await house.acme(), "example.com")
    }

    @Test("check the hash chain, from anywhere and against an anchor")
    func verify() async throws {
        let unsealed = try await face.get("/api/v1/audit/verify")
        #expect(unsealed.status == 200)
        #expect(unsealed.json["sound"] == .bool(true))
        #expect(unsealed.json["head"] == .null)
        let anchor = try #require(try await face.get("/api/v1/audit/anchor").json["anchor"]?.stringValue)
        let sealed = try await face.get("/api/v1/audit/verify?anchor=\(anchor)")
        #expect(sealed.json["sound"] == .bool(true))
        #expect(sealed.json["head"] == .string(anchor))
        #expect(sealed.json["unsealed"] == .integer(0))
        #expect(sealed.json["next"] == .null)
        #expect(try await face.get("/api/v1/audit/verify?from=2").json["sound"] == .bool(true))
        let other = anchor.prefix { $0 != ":" } + ":" + String(repeating: "0", count: 64)
        let flaw = try await face.get("/api/v1/audit/verify?anchor=\(other)").json["flaw"]?.objectValue
        #expect(flaw?["kind"] == .string("anchor_differs"))
        for bad in ["from=0", "from=x", "anchor=x", "anchor=1:00", "from=1&from=2"] {
            let reply = try await face.get("/api/v1/audit/verify?\(bad)")
            #expect(reply.status == 400, "\(bad)")
        }
    }

    @Test("check the database and tell its schema")
    func check() async throws {
        let report = try await face.get("/api/v1/database/check")
        #expect(report.status == 200)
        #expect(report.json["sound"] == .bool(true))
        #expect(report.json["rules"]?.arrayValue?.count == TestHouse.contents.rules.count)
        let schema = try await face.get("/api/v1/database/schema")
        #expect(schema.json["pending"] == .array([]))
        #expect(schema.json["applied"]?.arrayValue?.count == TestHouse.migrations.count)
    }

    @Test(
        "make a backup where the operator says, and never over a file",
        .enabled(if: !TestDatabase.isShared, "a server is copied with its own tools"))
    func backup() async throws {
        let folder = try TemporaryDirectory()
        let body = #"{"output":"\#(folder.path(of: "b.tar"))","passphrase":"correct horse battery","reason":"weekly"}"#
        let made = try await face.post("/api/v1/database/backups", body)
        #expect(made.status == 201)
        #expect(made.json["manifest"]?.objectValue?["format"] == .string("signet-backup"))
        #expect(try folder.names == ["b.tar"])
        let again = try await face.post("/api/v1/database/backups", body)
        #expect(again.status == 409)
        #expect(again.code == "backup_exists")
        for bad in [
            "{}", #"{"output":"/x/y.tar"}"#, #"{"output":"y.tar","passphrase":"correct horse"}"#,
            #"{"output":"/x/y.tar","passphrase":"short"}"#,
        ] {
            let reply = try await face.post("/api/v1/database/backups", bad)
            #expect(reply.status == 400, "\(bad)")
            #expect(reply.code == "invalid_request")
        }
    }
}
