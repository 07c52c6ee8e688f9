import Primitives
import Secrets

/// The keys that end, and when. They are few of all there are, so they stand beside the table of keys, whose records
/// carry nothing of it.
final class EndingKeys: Sendable {
    /// How long after its end a key stays in memory: a clock that is set back by less finds it as it was.
    static let keptAfterEnd = Duration.hours(24)

    private let ends = Striped { [KeyedHash: Timestamp]() }

    /// When the key ends; nil for one that does not. A look at an empty table costs no hash.
    func end(of key: KeyedHash) -> Timestamp? {
        ends.withTable(of: key.high) { $0.isEmpty ? nil : $0[key] }
    }

    /// Of two ends the earlier stays: a key's end is never put off.
    func set(_ end: Timestamp, of key: KeyedHash) {
        ends.withTable(of: key.high) { $0[key] = min($0[key] ?? end, end) }
    }

    func take(over other: EndingKeys) { ends.exchange(with: other.ends) }

    func forget(_ key: KeyedHash) { ends.withTable(of: key.high) { _ = $0.removeValue(forKey: key) } }

    /// Those that ended before `instant`.
    func ended(before instant: Timestamp) -> [KeyedHash] {
        var ended: [KeyedHash] = []
        ends.forEachTable { table in
            for (key, end) in table where end < instant { ended.append(key) }
        }
        return ended
    }
}

extension LicenseIndex {
    /// A license as a key opens it.
    struct Opened: Sendable {
        let facts: LicenseFacts
        /// Nil for a key that does not end.
        let keyEndsAt: Timestamp?
    }

    /// The license that a key opens at `now`: none from the instant of its end.
    func license(forKey hash: KeyedHash, at now: Timestamp) -> Opened? {
        let end = endingKeys.end(of: hash)
        if let end, now >= end { return nil }
        return license(forKey: hash).map { Opened(facts: $0, keyEndsAt: end) }
    }

    /// Forgets keys whose end is long over.
    func forgetEndedKeys(at now: Timestamp) {
        apply(endingKeys.ended(before: now - EndingKeys.keptAfterEnd).map { .keyGone($0) })
    }
}
