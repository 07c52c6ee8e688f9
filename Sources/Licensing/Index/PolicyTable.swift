import Primitives
import Synchronization

/// The policies of the index: one for each product and set of choices that a license of it makes.
///
/// A product that changes changes them in place, so that all its licenses have the new policy at once.
final class PolicyTable: Sendable {
    private struct Key: Hashable, Sendable {
        let product: ProductID
        let overrides: PolicySettings
    }

    private struct Table: Sendable {
        var policies: [Policy] = []
        var keys: [Key] = []
        var positions: [Key: PolicyID] = [:]
        var products: [ProductID: (version: Int64, settings: PolicySettings)] = [:]
    }

    private let table = Mutex(Table())

    /// The policy at `id`, which this table gave.
    func policy(_ id: PolicyID) -> Policy { table.withLock { $0.policies[Int(id.position)] } }

    /// The longest life of a token under any policy that a license has or had, in seconds; 0 without one.
    var longestTokenLifeSeconds: Int64 { table.withLock { $0.policies.map(\.tokenLifeSeconds).max() ?? 0 } }

    /// Where the policy of the licenses of `product` is that choose `overrides`, made at first use; of a product that
    /// is not known yet it is `policy`.
    func intern(
        _ product: ProductID, choosing overrides: PolicySettings, otherwise policy: @autoclosure () -> Policy
    ) -> PolicyID {
        let key = Key(product: product, overrides: overrides)
        return table.withLock { table in
            if let known = table.positions[key] { return known }
            let id = PolicyID(position: UInt32(table.policies.count))
            table.policies.append(table.products[product].map { Policy($0.settings, overrides) } ?? policy())
            table.keys.append(key)
            table.positions[key] = id
            return id
        }
    }

    /// Takes in a product's choices; of two versions the higher stays.
    func apply(_ product: Product) {
        table.withLock { table in
            if let known = table.products[product.id], known.version > product.version { return }
            table.products[product.id] = (product.version, product.settings)
            for (position, key) in table.keys.enumerated() where key.product == product.id {
                table.policies[position] = Policy(product.settings, key.overrides)
            }
        }
    }
}
