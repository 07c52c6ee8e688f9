import Access
import Hummingbird

extension Problem {
    /// RFC 6750 §3.1: the sender is known and may not do this.
    static func insufficientScope(_ scope: Scope) -> Problem {
        Problem(
            .forbidden, "insufficient_scope", "The token does not permit this.",
            detail: "The scope \(scope.rawValue) is needed.")
    }
}
