package import Primitives

/// By how much a license is renewed. Days are whole UTC days, and the license is valid through the last (DESIGN D9).
package enum Renewal: Sendable, Equatable {
    /// Days of one renewal.
    package static let daysRange = 1...Expiry.daysAheadMax

    /// From where days are counted.
    package enum Basis: String, Sendable, CaseIterable {
        /// The last valid day, so that nothing paid for is lost: also when that day has passed.
        case expiry
        case now
        /// The last valid day, or today when the license has expired; grace is after the expiry.
        case nowIfExpired = "now_if_expired"
    }

    /// So many days more. It never shortens a license.
    case days(Int64, from: Basis)
    /// Valid until then, whatever it was before: the one way to an earlier end.
    case until(Expiry)

    /// Reads `+365 days`, `365 days` and `365d`. Throws `InvalidInput` naming `member`.
    package static func days(_ text: String, member: String) throws(InvalidInput) -> Int64 {
        let digits = text.drop { $0 == "+" }.prefix { ("0"..."9").contains($0) }
        let unit = text[digits.endIndex...]
        guard text.count(where: { $0 == "+" }) <= 1, ["d", " day", " days"].contains(unit), let days = Int64(digits),
            daysRange.contains(days)
        else {
            throw InvalidInput(
                member,
                "must be \"+N days\" or Nd (\(daysRange.lowerBound) to \(daysRange.upperBound)), "
                    + "not \"\(text.prefix(40))\"")
        }
        return days
    }

    /// The instant at which `license` expires after it; nil for never.
    func end(of license: License, at now: Timestamp) throws(TransitionRefusal) -> Timestamp? {
        let end =
            switch self {
            case .days(let days, let basis): try Self.end(of: license, days: days, from: basis, at: now)
            case .until(let expiry): expiry.instant
            }
        guard let end else {
            // Its days would still count from the first activation.
            if license.countsFromFirstActivation { throw .notStarted }
            return nil
        }
        if let start = license.notBefore, end <= start { throw .endsBeforeStart(start) }
        guard end.lastValidDay <= now.date.adding(days: Expiry.daysAheadMax) else {
            throw .tooFarAhead(end.lastValidDay)
        }
        return end
    }

    private static func end(
        of license: License, days: Int64, from basis: Basis, at now: Timestamp
    ) throws(TransitionRefusal) -> Timestamp {
        guard let current = license.expiresAt else {
            throw license.countsFromFirstActivation ? .notStarted : .neverExpires
        }
        let countsFromNow =
            switch basis {
            case .expiry: false
            case .now: true
            case .nowIfExpired: now >= current
            }
        let end = (countsFromNow ? now.date : current.lastValidDay).adding(days: days).end
        guard end >= current else { throw .endsEarlier(current.lastValidDay) }
        guard end > now else { throw .endsInPast(end.lastValidDay) }
        return end
    }
}

extension License {
    /// Whether its end is not known because its days count from the first activation.
    var countsFromFirstActivation: Bool { policy.durationDays != nil && startedAt == nil && expiresAt == nil }

    /// Puts its end where `renewal` says. What billing allowed while it awaited a payment ends with it, unless that
    /// lasts longer.
    mutating func renew(_ renewal: Renewal, at now: Timestamp) throws(TransitionRefusal) {
        expiresAt = try renewal.end(of: self, at: now)
        if let grace = paymentGraceUntil, grace <= expiresAt ?? .distantFuture { paymentGraceUntil = nil }
    }
}
