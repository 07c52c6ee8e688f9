import Database
import HTTPTypes
import Licensing
import Primitives
import TestSupport
import Testing

@testable import HTTPAPI

/// A COMMIT that was lost, or whose answer was: whoever sent the request sends it again with the same key.
@Suite("A request whose outcome nobody knows")
struct UnknownOutcomeTests {
    private let directory: TemporaryDirectory
    private let house: TestHouse
    /// Where the request is sent again: another node, where there can be one.
    private let other: TestHouse

    init() async throws {
        directory = try TemporaryDirectory()
        house = try await TestHouse(path: directory.path(of: "signet.db"))
        other =
            TestDatabase.isShared
            ? try await TestHouse(
                path: directory.path(of: "signet.db"), keys: house.secretsDirectory, clock: house.clock) : house
        try await house.product()
        try await house.customer()
    }

    private func post(_ path: String, _ body: String, to house: TestHouse) async throws -> Reply {
        try await OperatorFace(of: house).reply(
            to: .post("/api/v1/\(path)", Array(body.utf8), [.idempotencyKey: "k"]))
    }

    private static let requests: [(path: String, body: String, event: String)] = [
        ("products", #"{"code":"other"}"#, "product.created"), ("customers", "{}", "customer.created"),
        ("licenses", #"{"customer_id":123,"product":"whm-panel"}"#, "license.created"),
        ("admin-tokens", #"{"name":"ci","scopes":["products:read"]}"#, "admin_token.created"),
    ]

    @Test(
        "is answered 503, and with the same key again it is done once and answered the same from then on, on any node",
        arguments: [FaultyDriver.Point.lostCommit, .lostAnswer], Array(Self.requests.indices))
    func once(point: FaultyDriver.Point, number: Int) async throws {
        let (path, body, event) = Self.requests[number]
        let events = "SELECT count(*) FROM journal WHERE type = '\(event)'"
        let before = try await house.count(events)
        house.faults.lose(point)
        let lost = try await post(path, body, to: house)
        #expect(lost.status == 503)
        #expect(lost.code == "outcome_unknown")
        #expect(try await house.count(events) - before == (point == .lostAnswer ? 1 : 0))
        let second = try await post(path, body, to: other)
        #expect(second.status == 201)
        #expect((second.headers[.init("Idempotency-Replayed")!] == "true") == (point == .lostAnswer))
        for node in [house, other, house] {
            let again = try await post(path, body, to: node)
            #expect(again.status == 201)
            #expect(again.body == second.body, "license keys and tokens too")
        }
        #expect(try await house.count(events) - before == 1)
    }

    @Test(
        "and that lost it again and again is still one license, whose key works",
        arguments: [FaultyDriver.Point.lostCommit, .lostAnswer])
    func again(point: FaultyDriver.Point) async throws {
        let (path, body, event) = Self.requests[2]
        house.faults.lose(point, times: 3)
        var replies: [Reply] = []
        for _ in 0..<5 { replies.append(try await post(path, body, to: house)) }
        let done = replies.filter { $0.status == 201 }
        #expect(done.count >= 2)
        #expect(replies.filter { $0.status != 201 }.allSatisfy { $0.code == "outcome_unknown" })
        #expect(Set(done.map(\.body)).count == 1)
        #expect(try await house.count("SELECT count(*) FROM journal WHERE type = '\(event)'") == 1)
        let key = try #require(done.last?.json["license_key"]?.stringValue)
        house.faults.mend()
        // Memory was not told of a commit that nobody heard of: another node asks the database, or a start does.
        let service = TestDatabase.isShared ? other.licensing : try await house.secondService()
        let request = ValidationRequest(
            licenseKey: key, installation: try house.installation(domain: "example.com"), product: nil, nonce: nil,
            activates: true)
        let told = try await service.validator.answer(request, by: house.provenance())
        #expect(told.verdict == .valid)
    }

    @Test(
        "sent by many at once is done once", arguments: [FaultyDriver.Point.lostCommit, .lostAnswer])
    func atOnce(point: FaultyDriver.Point) async throws {
        let (path, body, event) = Self.requests[2]
        house.faults.lose(point)
        _ = try await post(path, body, to: house)
        let replies = try await Crowd.run(24) { number in
            try await post(path, body, to: number.isMultiple(of: 2) ? house : other)
        }.map { try $0.get() }
        let done = replies.filter { $0.status == 201 }
        #expect(!done.isEmpty && Set(done.map(\.body)).count == 1)
        #expect(replies.filter { $0.status != 201 }.allSatisfy { $0.status == 409 }, "the first is being worked on")
        #expect(try await house.count("SELECT count(*) FROM journal WHERE type = '\(event)'") == 1)
    }
}
