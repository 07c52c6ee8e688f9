import Synchronization

/// A table split over many small locks, so that two requests rarely wait for one another.
///
/// Critical sections are a lookup and a copy of plain values: no reference counting, no call out, no await.
final class Striped<Table: ~Copyable & Sendable>: Sendable {
    /// A power of two.
    static var stripeCount: Int { 64 }

    private final class Stripe: Sendable {
        let table: Mutex<Table>
        init(_ table: consuming Table) { self.table = Mutex(table) }
    }

    private let stripes: [Stripe]

    init(_ make: @Sendable () -> Table) {
        stripes = (0..<Self.stripeCount).map { _ in Stripe(make()) }
    }

    /// Runs `body` on the table that holds whatever hashes to `hash`. The highest bits choose: the others are
    /// the table's.
    func withTable<Value: Sendable>(of hash: UInt64, _ body: (inout Table) -> Value) -> Value {
        stripes[Int(truncatingIfNeeded: hash >> 58)].table.withLock { body(&$0) }
    }

    /// Exchanges the tables of two, one after another.
    func exchange(with other: Striped) {
        for (mine, others) in zip(stripes, other.stripes) {
            mine.table.withLock { mine in others.table.withLock { swap(&mine, &$0) } }
        }
    }

    /// Runs `body` on each table in turn, never on two at once.
    func forEachTable(_ body: (inout Table) -> Void) {
        for stripe in stripes { stripe.table.withLock { body(&$0) } }
    }
}
