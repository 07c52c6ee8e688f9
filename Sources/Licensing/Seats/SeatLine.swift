import DequeModule

/// A claim in the queue, and whoever waits for its outcome.
struct WaitingClaim: Sendable {
    let claim: SeatClaim
    /// When its client will have given up.
    let until: ContinuousClock.Instant
    let answer: CheckedContinuation<SeatOutcome, any Error>
}

/// Claims in the order of their coming. Where several are settled at once, those of one license stand behind each other
/// instead: in the database they would wait for the same row, and keep connections from all others meanwhile.
struct SeatLine: Sendable {
    private let keepsLicensesApart: Bool
    /// Claims that may be settled now.
    private var ready = Deque<WaitingClaim>()
    /// Claims that wait for one of their license; a license of which one is ready or being settled has an entry.
    private var behind: [LicenseID: Deque<WaitingClaim>] = [:]
    /// Claims in the line.
    private(set) var count = 0

    init(keepsLicensesApart: Bool) { self.keepsLicensesApart = keepsLicensesApart }

    var isReady: Bool { !ready.isEmpty }

    mutating func append(_ waiting: WaitingClaim) {
        count += 1
        guard keepsLicensesApart else { return ready.append(waiting) }
        if behind[waiting.claim.license]?.append(waiting) != nil { return }
        behind[waiting.claim.license] = []
        ready.append(waiting)
    }

    /// Takes the next claims out, at most `max`; whoever takes them says when they are settled.
    mutating func take(_ max: Int) -> [WaitingClaim] {
        let taken = Array(ready.prefix(max))
        ready.removeFirst(taken.count)
        count -= taken.count
        return taken
    }

    /// These were settled: the next of their licenses are ready, behind those that are already.
    mutating func finish(_ settled: [WaitingClaim]) {
        guard keepsLicensesApart else { return }
        for license in settled.lazy.map(\.claim.license) {
            if let next = behind[license]?.popFirst() { ready.append(next) } else { behind[license] = nil }
        }
    }
}
