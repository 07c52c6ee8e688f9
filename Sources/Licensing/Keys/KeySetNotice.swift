package import Primitives

/// What an operator should know about the signed key set that is served.
package enum KeySetNotice: String, Sendable, CaseIterable {
    /// It does not list what is published and revoked now.
    case outdated = "KEY_SET_OUTDATED"
    /// It ends within `KeySetPublisher.warningPeriod`.
    case expiring = "KEY_SET_EXPIRING"
    /// Nobody accepts it any more.
    case expired = "KEY_SET_EXPIRED"

    /// For people.
    package var message: String {
        switch self {
        case .outdated:
            "The signed key set does not say what is published and revoked now; clients learn of it once you run: "
                + "signet keys root sign"
        case .expiring: "The signed key set ends soon; run: signet keys root sign"
        case .expired: "The signed key set has ended and is accepted by nobody; run: signet keys root sign"
        }
    }
}

extension KeySetPublisher {
    /// What is to be told beside `schedule`, which may be one that was only tried; nothing where no root is in use.
    package func notices(on schedule: KeySchedule, at now: Timestamp) -> [KeySetNotice] {
        guard let set = published else { return [] }
        var notices: [KeySetNotice] = says(set, what: schedule, at: now) ? [] : [.outdated]
        if now >= set.expiresAt {
            notices.append(.expired)
        } else if now + Self.warningPeriod >= set.expiresAt {
            notices.append(.expiring)
        }
        return notices
    }
}
