import HTTPTypes
import Licensing

extension TransitionRefusal: ProblemConvertible {
    /// What a revoked license still allows, in words.
    private static let legalWhenRevoked = LicenseTransition.Kind.allCases
        .filter { $0.isLegalWhenRevoked && $0 != .revoke }.map(\.rawValue).joined(separator: ", ")

    var problem: Problem {
        switch self {
        case .revoked:
            Problem(
                .conflict, "license_revoked", "The license is revoked, and that is final.",
                detail: "Possible now: \(Self.legalWhenRevoked). For a customer who comes back, issue a new license.")
        case .neverExpires:
            Problem(
                .conflict, "license_never_expires", "The license never expires, so there is nothing to renew.",
                detail: "To give it an end, say expires.")
        case .notStarted:
            Problem(
                .conflict, "license_not_started", "The license counts its days from the first activation.",
                detail: "To give it an end now, say expires with a date; or change its duration_days.")
        case .endsEarlier(let day):
            Problem(
                .conflict, "renewal_shortens", "The license is valid for longer than this renewal would make it.",
                detail: "It is valid through \(day). Count from the expiry, or say expires for an earlier end.")
        case .endsInPast(let day):
            Problem(
                .conflict, "renewal_in_past", "The license would have expired again already.",
                detail: "It would have ended on \(day). Count from now, or from now_if_expired.")
        case .endsBeforeStart(let start):
            Problem(
                .conflict, "renewal_before_start", "The license would end before its first instant.",
                detail: "It begins at \(start).")
        case .tooFarAhead(let day):
            Problem(
                .conflict, "renewal_too_far", "The license would end more than a century ahead.",
                detail: "It would end on \(day). Say expires never for a license without an end.")
        }
    }
}
