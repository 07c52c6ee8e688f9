import Database
import HTTPTypes
import Hummingbird
import Licensing
import Logging
import Primitives
import TestSupport
import Testing

@testable import HTTPAPI

@Suite("When it cannot be done")
struct FailureTests {
    private static let secret = "no such column: licenses.pepper"

    private static func newcomer(_ license: IssuedLicense, _ number: Int) -> String {
        #"{"license_key":"\#(license.key.text)","domain":"site-\#(number).com"}"#
    }

    @Test("a full queue of newcomers is a 503 that says when to come again")
    func queueFull() async throws {
        let settings = LicensingService.Settings(
            issuer: "signet", defaultProduct: nil, writeQueueMax: 0, writeWaitMax: TestHouse.patience)
        let house = try await TestHouse(settings: settings)
        let acme = try await house.acme()
        let face = ClientFace(of: house)
        let reply = try await face.validate(acme, "example.com")
        #expect(reply.status == 503)
        #expect(reply.code == "overloaded")
        #expect(reply.headers[.retryAfter] == "1")
        #expect(reply.json["valid"] == nil)
        #expect(try await house.used(acme) == 0)
        #expect(try await face.validate(acme, "localhost").json["valid"] == .bool(true), "needs no seat")
    }

    @Test("too many newcomers of one license are a 429 that says when to come again, and only they")
    func newcomersLimited() async throws {
        let house = try await TestHouse()
        let crowd = try await house.issue(seats: 0)
        let other = try await house.acme()
        let face = ClientFace(of: house)
        for number in 1...64 { #expect(try await face.validate(Self.newcomer(crowd, number)).status == 200) }
        _ = house.statements.take()
        let reply = try await face.validate(Self.newcomer(crowd, 65))
        #expect(reply.status == 429)
        #expect(reply.code == "too_many_activations")
        #expect(house.statements.take().isEmpty)
        let seconds = try #require(reply.headers[.retryAfter].flatMap { Int($0) })
        #expect((1...3).contains(seconds))
        #expect(try await face.validate(Self.newcomer(crowd, 1)).status == 200, "it is in already")
        #expect(try await face.validate(other, "example.com").status == 200)
        house.clock.advance(by: .seconds(seconds))
        #expect(try await face.validate(Self.newcomer(crowd, 65)).status == 200)
    }

    @Test(
        "a database that is away is a 503 for newcomers and nothing to those who are in",
        arguments: [
            DatabaseError.unavailable(detail: secret), .failed(detail: secret), .corrupt(detail: secret),
        ])
    func databaseAway(error: DatabaseError) async throws {
        let house = try await TestHouse()
        let acme = try await house.acme()
        let face = ClientFace(of: house)
        #expect(try await face.validate(acme, "known.com").status == 200)
        for point in [FaultyDriver.Point.statement(1), .statement(3), .commit] {
            house.faults.fail(at: point, with: error)
            let reply = try await face.validate(acme, "new.com")
            #expect(reply.status == 503)
            #expect(reply.code == "unavailable")
            #expect(reply.headers[.retryAfter] == "5")
            #expect(!reply.text.contains("pepper"))
            #expect(try await face.validate(acme, "known.com").json["valid"] == .bool(true))
        }
        #expect(face.log.complaints.count == 3)
        #expect(
            face.log.complaints.allSatisfy { $0.text.contains(Self.secret) && $0.text.contains(ClientFace.requestID) })
        house.faults.mend()
        // A write that failed in an unknown state is the last of its process, where the file is its own; the others may
        // be tried again.
        let isLast = error == .failed(detail: Self.secret) && !TestDatabase.isShared
        #expect(try await face.validate(acme, "new.com").status == (isLast ? 503 : 200))
        #expect(try await house.used(acme) == (isLast ? 1 : 2))
    }

    @Test(
        "a defect in a statement is a 500 without detail, logged once with the request's id",
        arguments: [
            DatabaseError.statement(detail: secret), .foreign(detail: secret), .newer(required: 900, known: 5),
        ])
    func databaseDefect(error: DatabaseError) async throws {
        let house = try await TestHouse()
        let acme = try await house.acme()
        let face = ClientFace(of: house)
        house.faults.fail(at: .statement(1), with: error)
        Self.expectOpaque(try await face.validate(acme, "new.com"), face.log)
    }

    @Test(
        "readiness follows the database, liveness does not",
        .enabled(if: !TestDatabase.isShared, "beside other nodes it follows memory"))
    func readiness() async throws {
        let house = try await TestHouse()
        let face = ClientFace(of: house)
        #expect(try await face.reply(to: .get("/readyz")).json["status"] == .string("ready"))
        house.faults.fail(at: .commit)
        #expect(try await face.reply(to: .get("/readyz")).status == 503)
        #expect(try await face.reply(to: .get("/healthz")).status == 200)
    }

    @Test("an error that nobody foresaw is a 500 without detail, logged once with the request's id")
    func unmappedError() async throws {
        struct Unforeseen: Error, CustomStringConvertible {
            var description: String { FailureTests.secret }
        }
        var routes = Routes()
        routes.add(.get, "/boom") { _, _ in throw Unforeseen() }
        let face = ClientFace(routes.router(.local))
        Self.expectOpaque(try await face.reply(to: .get("/boom")), face.log)
    }

    @Test("what a client did wrong is no line in the log of errors")
    func clientErrorsAreNotLogged() async throws {
        let house = try await TestHouse()
        let face = ClientFace(of: house)
        for body in ["", "{", "{}"] { _ = try await face.validate(body) }
        _ = try await face.reply(to: .get("/nope"))
        #expect(face.log.complaints.isEmpty)
    }

    private static func expectOpaque(_ reply: Reply, _ log: LogRecorder) {
        #expect(reply.status == 500)
        #expect(
            reply.text == #"{"type":"urn:signet:problem:internal","title":"The service failed.","status":500,"#
                + #""detail":null,"instance":"urn:signet:request:req-7","code":"internal","violations":[]}"#)
        #expect(reply.headers[.retryAfter] == nil)
        #expect(log.complaints.count == 1)
        #expect(log.complaints.first?.level == .error)
        #expect(log.complaints.first?.metadata["hb.request.id"] == "req-7")
        #expect(log.complaints.first?.metadata["error"] != nil)
    }
}
