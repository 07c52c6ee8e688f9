import TestSupport
import Testing

/// Random histories over nodes that share one database, each of which follows the others only now and then.
@Suite("After any history on several nodes", .onSharedDatabase)
struct SharedHistoryTests {
    private static let nodes = 3
    private static let steps = 700

    @Test(
        "who is current says what the model says, who is behind says what was so since, and following makes current",
        arguments: SeededGenerator.seeds)
    func history(seed: UInt64) async throws {
        var history = try await SharedHistory(nodes: Self.nodes, seed: seed)
        for step in 1...Self.steps { try await history.step("seed \(seed), step \(step)") }
        try await history.finish()
        // A fresh seed may revoke everything early.
        guard seed == 1 else { return }
        let counts = history.counts
        #expect(counts.taken > 20 && counts.refused > 5 && counts.behind > 20 && counts.followed > 20, "\(counts)")
    }
}
