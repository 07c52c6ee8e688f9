import Synchronization

/// A step of someone else that waits at one point, until a test lets it go on or lets go of this.
package final class HeldStep: Sendable {
    let point = Point()

    deinit { point.open() }

    /// Returns once the step waits. Throws `InVain`.
    package func reached() async throws { try await eventually("a held step is reached") { point.isReached } }

    package func letGo() { point.open() }

    /// Where the step waits.
    final class Point: Sendable {
        private struct State {
            var isReached = false
            var isOpen = false
            var waiting: CheckedContinuation<Void, Never>?
        }

        private let state = Mutex(State())

        var isReached: Bool { state.withLock { $0.isReached } }

        func arrive() async {
            await withCheckedContinuation { continuation in
                let goesOn = state.withLock { state in
                    state.isReached = true
                    if !state.isOpen { state.waiting = continuation }
                    return state.isOpen
                }
                if goesOn { continuation.resume() }
            }
        }

        func open() {
            let waiting = state.withLock { state in
                defer { state.waiting = nil }
                state.isOpen = true
                return state.waiting
            }
            waiting?.resume()
        }
    }
}
