import Database
package import Journal

/// What a check of the whole database found.
package struct CheckReport: Sendable, Equatable {
    /// One rule and how often it is broken.
    package struct Finding: Sendable, Equatable {
        package let rule: String
        package let violations: Int64
        /// What is the case where it is broken.
        package let whenBroken: String
    }

    /// What is wrong with the file itself and with references between rows.
    package let damages: [String]
    /// Every rule, in the order of the parts of the program.
    package let findings: [Finding]
    /// The end of the journal's hash chain, checked against the events there.
    package let chain: ChainReport

    package var isSound: Bool {
        damages.isEmpty && chain.flaw == nil && findings.allSatisfy { $0.violations == 0 }
    }
}

extension Upkeep {
    /// Damages that are told; of more, the rest is not.
    private static let damagesMax = 20
    /// Events at the end of the chain that a check looks at; `audit verify` looks at all.
    private static let chainEventsMax: Int64 = 1000

    /// Checks the file, the references between rows, every rule and the end of the hash chain. Changes nothing.
    package func check() async throws -> CheckReport {
        let damages = try await database.damages(limit: Self.damagesMax)
        // A damaged file may have no rows to ask.
        guard damages.isEmpty else { return CheckReport(damages: damages, findings: [], chain: ChainReport()) }
        let rules = contents.rules
        let findings = try await database.read { transaction in
            try rules.map { rule in
                CheckReport.Finding(
                    rule: rule.name, violations: try rule.countViolations(in: transaction), whenBroken: rule.whenBroken)
            }
        }
        let head = try await chain.head()?.sequence ?? 0
        let end = try await chain.verify(from: head - Self.chainEventsMax + 1)
        return CheckReport(damages: [], findings: findings, chain: end)
    }
}
