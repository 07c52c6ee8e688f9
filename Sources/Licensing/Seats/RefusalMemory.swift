import Primitives
import Secrets
import Synchronization

/// Newcomers that the database refused a seat, so that one that keeps asking does not reach the writer again.
///
/// A refusal counts only at the versions at which it was decided, since every change of seats or policy makes a new
/// version of the license or of its product, and only for a minute, since an address also ages out of a seat without
/// any change.
final class RefusalMemory: Sendable {
    /// What a decision rests on.
    struct Version: Sendable, Equatable {
        let license: Int64
        let product: Int64
    }

    private struct Entry: Sendable {
        let verdict: Verdict
        let version: Version
        let until: Timestamp
    }

    static let lifeSeconds: Int64 = 60
    static let entriesMax = 65_536

    private let entries = Mutex([KeyedHash: Entry]())

    func refusal(of place: KeyedHash, version: Version, at now: Timestamp) -> Verdict? {
        entries.withLock { entries in
            guard let entry = entries[place], entry.version == version, now < entry.until,
                entry.until <= now + .seconds(Self.lifeSeconds)
            else { return nil }
            return entry.verdict
        }
    }

    /// Remembers a refusal. A full table forgets what has ended, and everything when nothing has.
    func remember(_ verdict: Verdict, of place: KeyedHash, version: Version, at now: Timestamp) {
        entries.withLock { entries in
            if entries.count >= Self.entriesMax { entries = entries.filter { $0.value.until > now } }
            if entries.count >= Self.entriesMax { entries.removeAll() }
            entries[place] = Entry(verdict: verdict, version: version, until: now + .seconds(Self.lifeSeconds))
        }
    }

    /// Refusals in the table.
    var count: Int { entries.withLock { $0.count } }
}
