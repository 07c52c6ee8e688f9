import Access
import Hummingbird

extension AccessRefusal: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .tokenExists(let name):
            Problem(
                .conflict, "token_exists", "A token with this name exists, or existed.",
                detail: "\(name) is or was the name of a token; names are not used again.")
        case .tokenUnknown: Problem(.notFound, "token_unknown", "There is no such admin token.")
        }
    }
}

extension IdempotencyRefusal: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .keyReused:
            Problem(
                .unprocessableContent, "idempotency_key_reused", "The Idempotency-Key came with another request before."
            )
        case .inFlight:
            Problem(
                .conflict, "idempotency_key_in_flight", "The request with this Idempotency-Key is being worked on.",
                retryAfterSeconds: 1)
        }
    }
}

/// What a request without sufficient credentials is told, in the words of RFC 6750 §3.
extension Problem {
    private static let realm = "Bearer realm=\"signet\""

    static var tokenMissing: Problem {
        var problem = Problem(.unauthorized, "token_missing", "This needs an admin token.")
        problem.detail = "Send Authorization: Bearer adm_…; signet admin-token create makes one."
        problem.challenge = realm
        return problem
    }

    static func tokenInvalid(_ detail: String) -> Problem {
        var problem = Problem(.unauthorized, "token_invalid", "The admin token is not valid.", detail: detail)
        problem.challenge = "\(realm), error=\"invalid_token\", error_description=\"\(detail)\""
        return problem
    }

    static func insufficientScope(_ scope: Scope) -> Problem {
        var problem = Problem(
            .forbidden, "insufficient_scope", "The admin token does not permit this.",
            detail: "The scope \(scope.rawValue) is needed.")
        problem.challenge = "\(realm), error=\"insufficient_scope\", scope=\"\(scope.rawValue)\""
        return problem
    }

    static func tooManyFailures(retryAfterSeconds: Int64) -> Problem {
        Problem(
            .tooManyRequests, "too_many_failures", "Too many requests with wrong tokens from this address.",
            retryAfterSeconds: retryAfterSeconds)
    }
}
