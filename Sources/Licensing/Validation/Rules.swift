package import Primitives

/// How an installation stands to the seats of a license.
package enum SeatStanding: String, Sendable, CaseIterable {
    /// Nobody asked: an operator looks at the license itself.
    case notAsked = "not_asked"
    /// A development host: free, and stored nowhere.
    case development
    /// It holds a seat, and held it before this call.
    case holds
    /// It holds none and did not ask for one.
    case newcomer
    /// It just got one.
    case granted
    /// Its domain has seats, but no room in them for this address, and no further seat is free.
    case addressRefused = "address_refused"
    /// No seat is free.
    case seatRefused = "seat_refused"
}

/// What a license is asked about.
package struct Question: Sendable {
    /// The product that asks; nil for any.
    package let product: ProductID?
    /// False when the product that asks does not exist.
    package let isProductKnown: Bool
    /// The version of the software that asks, if it says so.
    package let version: SoftwareVersion?
    /// Nil when an operator looks at the license itself.
    package let installation: Installation?

    package init(
        product: ProductID?, isProductKnown: Bool = true, version: SoftwareVersion? = nil,
        installation: Installation? = nil
    ) {
        self.product = product
        self.isProductKnown = isProductKnown
        self.version = version
        self.installation = installation
    }
}

/// What the rules say together: functions over plain values, no clock, no database, no memory. `Explanation` asks the
/// same rules one by one.
package enum Rules {
    /// What the license itself says, before any seat is looked at; nil when nothing stands in the way.
    package static func objection(
        to license: LicenseFacts, under policy: Policy, _ question: Question, at now: Timestamp
    ) -> Verdict? {
        for rule in LicenseRule.inOrder where !rule.holds(for: license, under: policy, question, at: now) {
            return rule.refusal
        }
        return nil
    }

    /// The verdict on an installation of a license to which there is no objection.
    package static func verdict(on license: LicenseFacts, for seat: SeatStanding, at now: Timestamp) -> Verdict {
        for rule in SeatRule.inOrder where !rule.holds(for: license, seat, at: now) { return rule.refusal }
        return now >= license.expiresAt ? .expiredGrace : .valid
    }

    /// What the holder of a valid license should know before it becomes a refusal.
    package static func warnings(
        on license: LicenseFacts, under policy: Policy, _ verdict: Verdict, at now: Timestamp
    ) -> [LicenseWarning] {
        guard verdict.isValid else { return [] }
        var warnings: [LicenseWarning] = []
        if verdict == .expiredGrace { warnings.append(.expiredGrace(until: license.graceEnd(under: policy))) }
        if now < license.overLimitUntil { warnings.append(.overLimit(until: license.overLimitUntil)) }
        if now >= policy.maintenanceEnd { warnings.append(.maintenanceEnded(at: policy.maintenanceEnd)) }
        return warnings
    }
}
