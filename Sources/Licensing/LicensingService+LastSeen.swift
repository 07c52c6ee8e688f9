import Database

extension LicensingService {
    /// Places stored in one transaction, which holds as many licenses on a shared database.
    private var lastSeenBatchMax: Int { database.isShared ? 250 : 1000 }

    /// Stores when places were last used. Called every few seconds and before a clean end: losing the last seconds of
    /// these times is allowed, losing an activation is not (DESIGN D4).
    package func storeLastSeen() async throws {
        try await storeCarried()
        let places = index.takeTouchedPlaces()
        let seats = seats
        var stored = 0
        do {
            while stored < places.count {
                let batch = Array(places[stored..<min(stored + lastSeenBatchMax, places.count)])
                try await storeUse(of: batch.map(\.1.activation)) { try seats.recordLastSeen(batch, in: $0) }
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
        let seats = seats
        var stored = 0
        do {
            while stored < carried.count {
                let batch = Array(carried[stored..<min(stored + lastSeenBatchMax, carried.count)])
                try await storeUse(of: batch.map(\.0)) { try seats.recordCarried(batch, in: $0) }
                stored += batch.count
            }
        } catch {
            index.returnCarried(Array(carried[stored...]))
            throw error
        }
    }

    /// Runs `body`, which stores how `seats` are used: beside claims, and beside what other nodes store.
    private func storeUse(
        of seats: [ActivationID], _ body: @escaping @Sendable (WriteTransaction) throws -> Void
    ) async throws {
        let (store, isShared) = (self.seats, database.isShared)
        try await database.write(gate: .shared) { transaction in
            if isShared { try store.lockLicenses(of: seats, in: transaction) }
            try body(transaction)
        }
    }
}
