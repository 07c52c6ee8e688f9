import Database
import Primitives

/// Reads licenses again out of turn, for an answer that cannot wait for the follower.
struct MemoryReload: Sendable {
    let database: Database
    let products: ProductStore
    let reader: LicenseReader
    let catalog: Catalog
    let index: LicenseIndex
    let feed: FeedProgress

    /// Brings memory up to date about `ids`, and about places that they have lost, from one view of the database.
    /// Throws `DatabaseError`.
    func refresh(_ ids: Set<LicenseID>) async throws {
        let (products, reader, index, position) = (products, reader, index, feed.position)
        let fresh = try await database.read(patience: .claimPatience) { transaction in
            (
                products: try products.all(in: transaction),
                licenses: try reader.rows(
                    of: ids.sorted(), in: transaction, policy: index.policyID(of:choosing:)),
                gone: try reader.removed(from: ids.sorted(), since: position, in: transaction)
            )
        }
        // Not beside the follower: of two views memory keeps the later, license by license and seat by seat.
        database.follow(before: .none) {
            fresh.products.forEach(catalog.apply)
            index.apply(fresh.products.map(IndexChange.product) + fresh.gone)
            for rows in fresh.licenses { index.apply(rows) }
        }
    }
}
