import Database

extension LicensingService {
    /// Places stored in one transaction.
    private static let lastSeenBatchMax = 1000

    /// Stores when places were last used. Called every few seconds and before a clean end: losing the last seconds of
    /// these times is allowed, losing an activation is not (DESIGN D4).
    package func storeLastSeen() async throws {
        try await storeCarried()
        let places = index.takeTouchedPlaces()
        let seats = seats
        var stored = 0
        do {
            while stored < places.count {
                let batch = Array(places[stored..<min(stored + Self.lastSeenBatchMax, places.count)])
                try await database.write { try seats.recordLastSeen(batch, in: $0) }
                stored += batch.count
            }
        } catch {
            index.returnTouchedPlaces(Array(places[stored...]))
            throw error
        }
    }

    /// Stores what installations say besides what their seats belong to.
    private func storeCarried() async throws {
        let carried = index.takeCarried()
        guard !carried.isEmpty else { return }
        let seats = seats
        do {
            try await database.write { try seats.recordCarried(carried, in: $0) }
        } catch {
            index.returnCarried(carried)
            throw error
        }
    }
}
