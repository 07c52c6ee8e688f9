package import Primitives

/// How long things about a seat last (DESIGN D7), and what follows from that: functions over plain values.
package enum SeatRules {
    /// A seat that was not seen for so long may be given to a newcomer.
    package static let dormantDays = 60
    /// A deactivated installation does not come back by itself for so long.
    package static let returnBarDays = 30
    /// The time over which self-made moves and deactivations are counted.
    package static let budgetDays = 30
    /// What seats above a lowered limit have at least.
    package static let overLimitDays = 30
    /// For how long sketches of networks are kept.
    package static let spreadDays = 30

    /// Whether a seat that was last seen at `lastSeen` has freed itself.
    package static func hasLapsed(lastSeen: Timestamp, lease: Duration?, at now: Timestamp) -> Bool {
        lease.map { now - lastSeen > $0 } ?? false
    }

    /// Until when seats above the limit stay; nil when none are. A date once told stays.
    package static func overLimitUntil(of license: License, at now: Timestamp) -> Timestamp? {
        guard license.isOverLimit else { return nil }
        if let told = license.overLimitUntil { return told }
        return max((now + .days(overLimitDays)).wholeSeconds, license.expiresAt ?? .distantPast)
    }

    /// The first and last instant of a license whose first seat is taken at `now`; nil unless a duration counts from
    /// then.
    package static func term(of license: License, startingAt now: Timestamp) -> (start: Timestamp, end: Timestamp)? {
        guard let days = license.policy.durationDays, license.startedAt == nil, license.expiresAt == nil else {
            return nil
        }
        return (now.wholeSeconds, now.date.adding(days: days).end)
    }
}

extension License {
    /// Whether more seats are taken than it has.
    package var isOverLimit: Bool { policy.maxActivations > 0 && used > policy.maxActivations }
}
