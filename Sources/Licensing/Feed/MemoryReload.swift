import Database
import Primitives
import Secrets

/// Reads licenses again out of turn, for an answer that cannot wait for the follower.
struct MemoryReload: Sendable {
    let database: Database
    let products: ProductStore
    let reader: LicenseReader
    let catalog: Catalog
    let index: LicenseIndex
    let feed: FeedProgress

    /// Brings memory up to date about `ids`, and about places that are gone, from one view of the database. Throws
    /// `DatabaseError`.
    func refresh(_ ids: Set<LicenseID>) async throws {
        let (products, reader, index, position) = (products, reader, index, feed.position)
        let fresh = try await database.read(patience: .claimPatience) { transaction in
            (
                products: try products.all(in: transaction),
                licenses: try reader.rows(
                    of: ids.sorted(), in: transaction, policy: index.policyID(of:choosing:)),
                gone: try transaction.all(Self.gone, position) { $0.keyedHash(0) }
            )
        }
        // Not beside the follower: of two views memory keeps the later, license by license.
        database.follow(before: .none) {
            fresh.products.forEach(catalog.apply)
            index.apply(fresh.products.map(IndexChange.product) + fresh.gone.map(IndexChange.placeGone))
            for rows in fresh.licenses { index.apply(rows) }
        }
    }

    /// A place that was gone and came back stays: memory may know it already.
    private static let gone = """
        SELECT r.place_key FROM memory_removals r WHERE r.xid >= ?
            AND NOT EXISTS (SELECT 1 FROM seat_addresses s WHERE s.place_key = r.place_key)
        """
}
