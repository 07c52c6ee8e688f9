import Primitives
import Synchronization

/// All products, as validation needs them: few, rarely changed, replaced whole.
package final class Catalog: Sendable {
    private struct Snapshot: Sendable {
        var byID: [ProductID: Product] = [:]
        var byCode: [String: ProductID] = [:]
        /// The prefixes are those of all products, in no order.
        var keyForms = KeyForms()
    }

    private let snapshot = Mutex(Snapshot())

    package init() {}

    package func product(_ id: ProductID) -> Product? { snapshot.withLock { $0.byID[id] } }

    /// The identifier behind a code as a client wrote it.
    package func productID(code: String) -> ProductID? { snapshot.withLock { $0.byCode[code] } }

    /// The codes of all products, in order.
    package var codes: [String] { snapshot.withLock { $0.byCode.keys.sorted() } }

    /// How keys look. A prefix that a product had once stays: its keys are out there.
    package var keyForms: KeyForms { snapshot.withLock { $0.keyForms } }

    /// Takes note that licenses have keys of another system from now on.
    func admitImportedKeys() { snapshot.withLock { $0.keyForms.includesImported = true } }

    /// The longest life that a token is given today, in days; the default without a product.
    package var longestTokenDays: Int {
        snapshot.withLock { $0.byID.values.map { Int($0.policy.tokenLifeSeconds / CivilDate.secondsPerDay) }.max() }
            ?? Int(Policy().tokenLifeSeconds / CivilDate.secondsPerDay)
    }

    /// Takes in a product; of two versions the higher stays.
    package func apply(_ product: Product) {
        snapshot.withLock { snapshot in
            if let known = snapshot.byID[product.id], known.version > product.version { return }
            snapshot.byID[product.id] = product
            snapshot.byCode[product.code.text] = product.id
            if let prefix = product.keyFormat.prefix, !snapshot.keyForms.prefixes.contains(prefix) {
                snapshot.keyForms.prefixes.append(prefix)
            }
        }
    }

    /// Takes in what products once put before their keys.
    func apply(keyPrefixes: Set<String>) {
        snapshot.withLock { snapshot in
            snapshot.keyForms.prefixes += keyPrefixes.subtracting(snapshot.keyForms.prefixes).sorted()
        }
    }
}
