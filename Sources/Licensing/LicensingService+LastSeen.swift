import Database

extension LicensingService {
    /// Places stored in one transaction.
    private static let lastSeenBatchMax = 1000

    /// Stores when places were last used. Called every few seconds and before a clean end: losing the last seconds of
    /// these times is allowed, losing an activation is not (DESIGN D4).
    package func storeLastSeen() async throws {
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
}
