/// A rule that holds between rows at any time and that no constraint of the schema can keep alone. Each part of the
/// program lists its own; `signet db check` and the tests ask all of them.
package struct ConsistencyRule: Sendable {
    /// Stable, in lower case with dashes: `seats-are-counted`.
    package let name: String
    /// What is the case where the rule is broken.
    package let whenBroken: String
    private let violations: @Sendable (ReadTransaction) throws -> Int64

    /// A rule that `violations` counts the breaks of.
    package init(
        _ name: String, whenBroken: String, violations: @escaping @Sendable (ReadTransaction) throws -> Int64
    ) {
        self.name = name
        self.whenBroken = whenBroken
        self.violations = violations
    }

    /// A rule whose breaks one query counts.
    package init(_ name: String, whenBroken: String, sql: String) {
        self.init(name, whenBroken: whenBroken) { try $0.count(sql) }
    }

    /// How often the rule is broken.
    package func countViolations(in transaction: ReadTransaction) throws -> Int64 { try violations(transaction) }
}
