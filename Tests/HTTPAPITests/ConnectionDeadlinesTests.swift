import NIOCore
import Testing

@testable import HTTPAPI

/// What happens on a connection, as the handlers tell it.
private enum Event: Sendable {
    case bytes
    case head
    case operatorHead
    case requestEnd
    case inputEnd
    case answerBegin
    case answerEnd
    case closeBegin
}

/// A connection's life in seconds since the accept, and when its time is up.
private struct Story: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let steps: [(second: Int64, event: Event)]
    /// The first second at which it is overdue, and what is; nil for never.
    let end: (second: Int64, what: ConnectionDeadlines.Overdue)?

    init(
        _ name: String, _ steps: [(second: Int64, event: Event)],
        _ end: (second: Int64, what: ConnectionDeadlines.Overdue)?
    ) {
        testDescription = name
        self.steps = steps
        self.end = end
    }
}

/// A request read whole at one moment, and one answered so.
extension [(second: Int64, event: Event)] {
    fileprivate static func request(at second: Int64) -> Self {
        [(second, .bytes), (second, .head), (second, .requestEnd)]
    }

    fileprivate static func operatorRequest(at second: Int64) -> Self {
        [(second, .bytes), (second, .operatorHead), (second, .requestEnd)]
    }

    fileprivate static func answer(at second: Int64) -> Self { [(second, .answerBegin), (second, .answerEnd)] }
}

@Suite("The deadlines of a connection")
struct ConnectionDeadlinesTests {
    /// Header 5 s, body 10 s, handler 2 s, write 10 s, idle 60 s, closing 2 s.
    private static let stories: [Story] = [
        .init("nothing comes after the accept", [], (5, .connection)),
        .init("a late first byte wins no time", [(4, .bytes)], (5, .connection)),
        .init("nor do bytes that trickle", [(1, .bytes), (3, .bytes), (4, .bytes)], (5, .connection)),
        .init("a body has its time from the end of the header", [(3, .bytes), (3, .head)], (13, .connection)),
        .init(
            "bytes of a body that trickle win no time", [(0, .bytes), (0, .head), (5, .bytes), (9, .bytes)],
            (10, .connection)),
        .init("a handler that thinks too long loses its answer", .request(at: 4), (6, .answer)),
        .init(
            "a client that takes no answer", .request(at: 4) + [(5, .answerBegin)], (15, .connection)),
        .init("a connection that is idle", .request(at: 4) + .answer(at: 5), (65, .connection)),
        .init(
            "the header of the next request has its time from its first byte",
            .request(at: 4) + .answer(at: 5) + [(60, .bytes)], (65, .connection)),
        .init(
            "idling ends with the first byte, not with the head",
            .request(at: 0) + .answer(at: 1) + [(60, .bytes), (64, .head)], (74, .connection)),
        .init(
            "a second request in one piece with the first waits for it",
            .request(at: 1) + .request(at: 1)
                + [(2, .answerBegin)], (12, .connection)),
        .init(
            "and its handler's time begins when the first is answered",
            .request(at: 1) + .request(at: 1)
                + .answer(at: 2), (4, .answer)),
        .init(
            "both answered, the connection is idle",
            .request(at: 1) + .request(at: 1) + .answer(at: 2) + .answer(at: 3),
            (63, .connection)),
        .init(
            "a request that comes while an answer is written does not prolong the writing",
            .request(at: 1) + [(1, .answerBegin)] + .request(at: 5), (11, .connection)),
        .init(
            "the body of the next request must come although an answer is being written",
            .request(at: 1) + [(1, .answerBegin), (1, .bytes), (1, .head), (9, .answerEnd)], (11, .connection)),
        .init(
            "a refusal before the body leaves the body its time",
            [(1, .bytes), (1, .head)] + .answer(at: 2), (11, .connection)),
        .init(
            "and when the body has come nothing is owed",
            [(1, .bytes), (1, .head)] + .answer(at: 2) + [(4, .requestEnd)], (64, .connection)),
        .init(
            "and the request after it is timed as any",
            [(1, .bytes), (1, .head)] + .answer(at: 2)
                + [(4, .requestEnd)] + .request(at: 5), (7, .answer)),
        .init("an operator's handler may think for five minutes", .operatorRequest(at: 4), (304, .answer)),
        .init(
            "and the operator may take as long to take the answer",
            .operatorRequest(at: 4) + [(100, .answerBegin)], (400, .connection)),
        .init(
            "the header and the body of an operator's request have no more time than others'",
            [(1, .bytes), (1, .operatorHead)], (11, .connection)),
        .init(
            "the next request of anyone has its own time again",
            .operatorRequest(at: 1) + .answer(at: 100) + .request(at: 101), (103, .answer)),
        .init(
            "an operator's request that comes while another is answered has its time then",
            .request(at: 1) + .operatorRequest(at: 1) + .answer(at: 2), (302, .answer)),
        .init(
            "also when its head came before that answer and its end after it",
            .request(at: 1) + [(1, .bytes), (1, .operatorHead)] + .answer(at: 2) + [(3, .requestEnd)],
            (303, .answer)),
        .init("a client that ends its side with nothing owed", [(1, .inputEnd)], (1, .connection)),
        .init("or in the middle of a request", [(1, .bytes), (1, .head), (2, .inputEnd)], (2, .connection)),
        .init("may wait for the answer it is owed", .request(at: 1) + [(1, .inputEnd)], (3, .answer)),
        .init(
            "and take it", .request(at: 1) + [(1, .inputEnd), (2, .answerBegin)], (12, .connection)),
        .init("and is gone when it has it", .request(at: 1) + [(1, .inputEnd)] + .answer(at: 2), (2, .connection)),
        .init(
            "of two owed answers it may wait for the second",
            .request(at: 1) + .request(at: 1) + [(1, .inputEnd)] + .answer(at: 2), (4, .answer)),
        .init(
            "after a close the client has time to fetch what is under way",
            .request(at: 1) + .answer(at: 2) + [(2, .closeBegin)], (4, .connection)),
        .init(
            "which neither bytes nor a second close prolong",
            .request(at: 1) + .answer(at: 2) + [(2, .closeBegin), (3, .bytes), (3, .head), (3, .closeBegin)],
            (4, .connection)),
    ]

    @Test("end it in time and not before", arguments: stories)
    private func overdue(story: Story) throws {
        // Any instant will do: a deadline is counted from what happened, never from the machine's clock.
        let accept = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
        var deadlines = ConnectionDeadlines(limits: .init(), at: accept)
        for (second, event) in story.steps { deadlines.take(event, at: accept + .seconds(second)) }
        let last = story.steps.last?.second ?? 0
        let end = try #require(story.end)
        if end.second > last {
            #expect(deadlines.overdue(at: accept + .seconds(last)) == nil)
            #expect(deadlines.overdue(at: accept + .seconds(end.second) - .nanoseconds(1)) == nil)
        }
        #expect(deadlines.overdue(at: accept + .seconds(end.second)) == end.what)
        #expect(deadlines.overdue(at: accept + .seconds(end.second + 1)) == end.what)
    }

    @Test(
        "are an operator's on operators' routes alone",
        arguments: [
            ("/api/v1/licenses.csv", true), ("/api/v1/audit/verify?from=1", true), ("/api/v1/database/backups", true),
            ("/api/v1/installer/validate", false), ("/api/v1/installer/revocations", false), ("/healthz", false),
            ("/openapi.yaml", false), ("/", false), ("", false), ("/API/V1/licenses", false),
        ])
    func operators(path: String, expected: Bool) {
        #expect(ConnectionLimits.isOperators(path: path) == expected)
    }

    @Test("let no silence end a connection that is owed an answer")
    func owedAnswer() {
        var limits = ConnectionLimits()
        limits.handlerTime = .hours(1)
        let accept = NIODeadline.uptimeNanoseconds(0)
        var deadlines = ConnectionDeadlines(limits: limits, at: accept)
        for (second, event) in [(second: Int64, event: Event)].request(at: 1) {
            deadlines.take(event, at: accept + .seconds(second))
        }
        #expect(deadlines.overdue(at: accept + .minutes(59)) == nil)
        #expect(deadlines.overdue(at: accept + .minutes(61)) == .answer)
    }

    @Test("are those of the reliability notes")
    func values() {
        let limits = ConnectionLimits()
        #expect(limits.headerTime == .seconds(5))
        #expect(limits.bodyTime == .seconds(10))
        #expect(limits.idleTime == .seconds(60))
        #expect(limits.handlerTime == .seconds(2))
        #expect(limits.writeTime == .seconds(10))
        #expect(limits.requestsMax == 10_000)
        #expect(limits.headerListBytesMax == 16_384)
        #expect(limits.headerFieldsMax == 100)
        #expect(limits.requestLineBytesMax == 8192)
        #expect(ConnectionLimits.operators.handlerTime == .minutes(30))
        #expect(PublicAPI.bodyBytesMax == 16_384)
        #expect(ConnectionCensus.perClientMaxDefault == 256)
        #expect(ConnectionCensus.perProxyMaxDefault == 2048)
    }

    @Test("count answers: the last one allowed is the last, also when more requests were sent ahead")
    func requestCount() {
        var limits = ConnectionLimits()
        limits.requestsMax = 3
        let now = NIODeadline.uptimeNanoseconds(0)
        var deadlines = ConnectionDeadlines(limits: limits, at: now)
        for _ in 1...5 {
            for step in [(second: Int64, event: Event)].request(at: 0) { deadlines.take(step.event, at: now) }
        }
        var lasts: [Bool] = []
        for _ in 1...4 {
            deadlines.answerBegan(at: now)
            lasts.append(deadlines.isLastAnswer)
            deadlines.answerEnded(at: now)
        }
        #expect(lasts == [false, false, true, true])
    }
}

extension ConnectionDeadlines {
    fileprivate mutating func take(_ event: Event, at now: NIODeadline) {
        switch event {
        case .bytes: bytesArrived(at: now)
        case .head: headArrived(at: now)
        case .operatorHead: headArrived(isOperators: true, at: now)
        case .requestEnd: requestEnded(at: now)
        case .inputEnd: inputEnded()
        case .answerBegin: answerBegan(at: now)
        case .answerEnd: answerEnded(at: now)
        case .closeBegin: closeBegan(at: now)
        }
    }
}
