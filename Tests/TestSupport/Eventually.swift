/// A test waited in vain.
package struct InVain: Error, CustomStringConvertible {
    package let description: String
}

/// Returns once `condition` holds, which something else on its way brings about. Throws ``InVain`` when it does not
/// come: a test that waits for ever says nothing, and holds up all others.
package func eventually(
    _ what: String, within patience: Duration = TestHouse.patience, isolation: isolated (any Actor)? = #isolation,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + patience
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw InVain(description: "in vain: \(what)") }
        await Task.yield()
    }
}
