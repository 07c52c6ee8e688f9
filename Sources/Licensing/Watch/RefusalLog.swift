import Primitives
import Synchronization

/// Refusals of the last seconds, until they are stored: the last 20 of each license and the last 1,000 with keys that
/// open nothing. A crash loses them, and nothing else.
final class RefusalLog: Sendable {
    /// Kept for one license, in memory and in the database.
    static let perLicenseMax = 20
    /// Kept of those with malformed and unknown keys, in memory and in the database.
    static let unknownMax = 1000
    /// Waiting in memory over all licenses: what a flood may make one flush cost. Further ones are dropped.
    static let pendingMax = 2048

    /// Refusals of one license, or of unknown keys, oldest first.
    struct Group: Sendable {
        let license: LicenseID?
        let refusals: [Refusal]
    }

    private struct State: Sendable {
        var ofLicenses: [LicenseID: Ring<Refusal>] = [:]
        /// In all of those rings.
        var count = 0
        var unknown = Ring<Refusal>(capacity: unknownMax)
    }

    /// Refusals that found no room.
    let dropped = Counter()
    private let state = Mutex(State())

    /// Remembers a refusal of `license`, or of an unknown key.
    func append(_ refusal: Refusal, of license: LicenseID?) {
        let isKept = state.withLock { Self.append(refusal, of: license, to: &$0) }
        if !isKept { dropped.add() }
    }

    private static func append(_ refusal: Refusal, of license: LicenseID?, to state: inout State) -> Bool {
        guard let license else {
            state.unknown.append(refusal)
            return true
        }
        let isFull = state.ofLicenses[license]?.isFull ?? false
        if !isFull {
            guard state.count < pendingMax else { return false }
            state.count += 1
        }
        state.ofLicenses[license, default: Ring(capacity: perLicenseMax)].append(refusal)
        return true
    }

    /// Everything that waits, which the caller stores or gives back.
    func take() -> [Group] {
        let state = state.withLock { state in
            defer { state = State() }
            return state
        }
        let ofLicenses = state.ofLicenses.map { Group(license: $0, refusals: $1.elements) }
        return state.unknown.count == 0
            ? ofLicenses : ofLicenses + [Group(license: nil, refusals: state.unknown.elements)]
    }

    /// Takes back what could not be stored, before what came since.
    func giveBack(_ groups: [Group]) {
        let newer = take()
        for group in groups + newer { for refusal in group.refusals { append(refusal, of: group.license) } }
    }
}
