import Database
package import Journal
import Primitives

/// Does what time does to seats: leases that run out, license files that end, seats above a lowered limit whose time is
/// over. Each license is a transaction of its own, and nothing is done twice.
package struct SeatKeeper: Sendable {
    /// Licenses looked after in one round.
    static let batchMax = 200
    /// Rounds of one call: what is left waits for the next.
    static let roundsMax = 50

    private let licensing: LicensingService

    package init(_ licensing: LicensingService) { self.licensing = licensing }

    /// Does everything that is due at the time of `provenance`; the number of seats that became free. Throws
    /// `DatabaseError`; what was done until then stays.
    @discardableResult
    package func keep(by provenance: Provenance) async throws -> Int {
        try await licensing.storeLastSeen()
        var (released, seen) = (0, Set<LicenseID>())
        for _ in 0..<Self.roundsMax {
            let due = try await due(at: provenance.at).filter { seen.insert($0).inserted }
            if due.isEmpty { break }
            for license in due { released += try await keep(license, by: provenance) }
        }
        try await forgetSpread(at: provenance.at)
        return released
    }

    private func due(at now: Timestamp) async throws -> [LicenseID] {
        let seats = licensing.seats
        return try await licensing.database.read {
            try seats.licensesToKeep(at: now, limit: Self.batchMax, in: $0)
        }
    }

    private func keep(_ license: LicenseID, by provenance: Provenance) async throws -> Int {
        let (seats, index) = (licensing.seats, licensing.index)
        return try await licensing.database.write { transaction in
            try seats.keep(
                license, by: provenance, lastSeen: { index.place($0)?.lastSeen }, in: transaction)
        } committed: {
            index.apply($0.changes)
        }.released
    }

    private func forgetSpread(at now: Timestamp) async throws {
        let seats = licensing.seats
        try await licensing.database.write {
            try seats.forgetSpread(before: now.date.adding(days: -Int64(SeatRules.spreadDays)), in: $0)
        }
    }
}
