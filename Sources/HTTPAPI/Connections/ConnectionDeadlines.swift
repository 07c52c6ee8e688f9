import NIOCore

/// Until when a connection may stay in the state it is in: the reading and the answering side each have a deadline.
/// A plain value; the handlers that feed it are in `ConnectionHandlers.swift`.
struct ConnectionDeadlines {
    private enum Reading {
        /// Nothing of a request has come; `since` an answer, or since the accept.
        case waiting(since: NIODeadline)
        case header(since: NIODeadline)
        case body(since: NIODeadline)
        /// The client has ended its side.
        case ended
    }

    private enum Answering {
        case nothing
        case working(since: NIODeadline)
        case writing(since: NIODeadline)
    }

    private let limits: ConnectionLimits
    private var reading: Reading
    private var answering = Answering.nothing
    /// Whole requests without a whole answer.
    private var unanswered = 0
    /// Whether the request that is still being read has its whole answer: it was refused before its body came.
    private var isAnsweredAhead = false
    private var answers = 0
    private var closingSince: NIODeadline?
    /// Whether the request that is being read is an operator's.
    private var isReadingOperators = false
    /// Whether one of those without a whole answer is: then all of them have an operator's time.
    private var owesOperators = false

    init(limits: ConnectionLimits, at now: NIODeadline) {
        self.limits = limits
        // The first request of a connection is expected at once.
        reading = .header(since: now)
    }

    mutating func bytesArrived(at now: NIODeadline) {
        if case .waiting = reading { reading = .header(since: now) }
    }

    mutating func headArrived(isOperators: Bool = false, at now: NIODeadline) {
        reading = .body(since: now)
        isReadingOperators = isOperators
    }

    mutating func requestEnded(at now: NIODeadline) {
        reading = .waiting(since: now)
        guard !isAnsweredAhead else {
            isAnsweredAhead = false
            return
        }
        unanswered += 1
        owesOperators = owesOperators || isReadingOperators
        if case .nothing = answering { answering = .working(since: now) }
    }

    mutating func inputEnded() { reading = .ended }

    mutating func answerBegan(at now: NIODeadline) {
        answers += 1
        answering = .writing(since: now)
    }

    /// The last byte of an answer is with the kernel.
    mutating func answerEnded(at now: NIODeadline) {
        isAnsweredAhead = unanswered == 0
        unanswered = max(0, unanswered - 1)
        if unanswered == 0 { owesOperators = false }
        answering = unanswered > 0 ? .working(since: now) : .nothing
        if case .waiting = reading { reading = .waiting(since: now) }
    }

    mutating func closeBegan(at now: NIODeadline) { closingSince = closingSince ?? now }

    /// Whether the answer that just began is the connection's last.
    var isLastAnswer: Bool { answers >= limits.requestsMax }

    /// What has outstayed its time.
    enum Overdue {
        /// Whole request, no answer begun: it can still be told.
        case answer
        /// Anything else: the client is too slow.
        case connection
    }

    /// What has outstayed its time by now, or nil.
    func overdue(at now: NIODeadline) -> Overdue? {
        if let closingSince { return now >= closingSince + limits.lingerTime ? .connection : nil }
        if case .working = answering, now >= answeringDeadline { return .answer }
        return now >= readingDeadline || now >= answeringDeadline ? .connection : nil
    }

    private var readingDeadline: NIODeadline {
        switch reading {
        // While an answer is owed, the client may wait in silence.
        case .waiting(let since): unanswered > 0 ? .distantFuture : since + limits.idleTime
        case .header(let since): since + limits.headerTime
        case .body(let since): since + limits.bodyTime
        case .ended: unanswered > 0 ? .distantFuture : .distantPast
        }
    }

    private var answeringDeadline: NIODeadline {
        switch answering {
        case .nothing: .distantFuture
        case .working(let since): since + (owesOperators ? limits.operatorHandlerTime : limits.handlerTime)
        case .writing(let since): since + (owesOperators ? limits.operatorWriteTime : limits.writeTime)
        }
    }
}
