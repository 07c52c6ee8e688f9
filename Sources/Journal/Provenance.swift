package import Primitives

/// Who changes something, through which request, when, and why: recorded with every event.
package struct Provenance: Sendable {
    /// `uid:0/login:1000` over the Unix socket, `installation` for a validate call, `signet` for the program itself.
    package let actor: String
    /// The request's identifier, which the log carries too.
    package let requestID: String
    package let at: Timestamp
    /// What the operator gave as `--reason`.
    package let reason: String?

    package init(actor: String, requestID: String, at: Timestamp, reason: String? = nil) {
        self.actor = actor
        self.requestID = requestID
        self.at = at
        self.reason = reason
    }
}
