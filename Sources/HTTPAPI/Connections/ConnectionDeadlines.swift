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
    private var requests = 0
    private var closingSince: NIODeadline?

    init(limits: ConnectionLimits, at now: NIODeadline) {
        self.limits = limits
        // The first request of a connection is expected at once.
        reading = .header(since: now)
    }

    mutating func bytesArrived(at now: NIODeadline) {
        if case .waiting = reading { reading = .header(since: now) }
    }

    mutating func headArrived(at now: NIODeadline) {
        requests += 1
        reading = .body(since: now)
    }

    mutating func requestEnded(at now: NIODeadline) {
        reading = .waiting(since: now)
        unanswered += 1
        if case .nothing = answering { answering = .working(since: now) }
    }

    mutating func inputEnded() { reading = .ended }

    mutating func answerBegan(at now: NIODeadline) { answering = .writing(since: now) }

    /// The last byte of an answer is with the kernel.
    mutating func answerEnded(at now: NIODeadline) {
        unanswered = max(0, unanswered - 1)
        answering = unanswered > 0 ? .working(since: now) : .nothing
        if case .waiting = reading { reading = .waiting(since: now) }
    }

    mutating func closeBegan(at now: NIODeadline) { closingSince = closingSince ?? now }

    /// Whether the answer about to be written is the connection's last.
    var isLastAnswer: Bool { requests >= limits.requestsMax }

    /// Whether the connection has outstayed its time.
    func isOverdue(at now: NIODeadline) -> Bool {
        if let closingSince { return now >= closingSince + limits.lingerTime }
        return now >= readingDeadline || now >= answeringDeadline
    }

    private var readingDeadline: NIODeadline {
        switch reading {
        // While an answer is owed, the client may wait in silence.
        case .waiting(let since): unanswered > 0 ? .distantFuture : since + limits.idleTime
        case .header(let since): since + limits.headerTime
        case .body(let since): since + limits.bodyTime
        case .ended: unanswered > 0 ? .distantFuture : .now()
        }
    }

    private var answeringDeadline: NIODeadline {
        switch answering {
        case .nothing: .distantFuture
        case .working(let since): since + limits.handlerTime
        case .writing(let since): since + limits.writeTime
        }
    }
}
