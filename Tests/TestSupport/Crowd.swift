import Synchronization

/// Many callers at once.
package enum Crowd {
    /// What each call of `body` came to, by its number from 0. `gate` opens once every call is on its way: each has
    /// begun, and most have gone as far as they get without waiting.
    package static func run<Value: Sendable>(
        _ count: Int, opening gate: HeldTransaction<Void>? = nil,
        _ body: @escaping @Sendable (Int) async throws -> Value
    ) async -> [Result<Value, any Error>] {
        let started = Counter()
        return await withTaskGroup(of: (Int, Result<Value, any Error>).self) { group in
            for number in 0..<count {
                group.addTask {
                    started.add()
                    do { return (number, .success(try await body(number))) } catch { return (number, .failure(error)) }
                }
            }
            while started.value < count { await Task.yield() }
            gate?.open()
            var results: [Int: Result<Value, any Error>] = [:]
            for await (number, result) in group { results[number] = result }
            return (0..<count).compactMap { results[$0] }
        }
    }

    private final class Counter: Sendable {
        private let number = Atomic(0)
        var value: Int { number.load(ordering: .acquiring) }
        func add() { number.add(1, ordering: .acquiringAndReleasing) }
    }
}
