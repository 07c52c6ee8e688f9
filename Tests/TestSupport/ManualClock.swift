package import Primitives
import Synchronization

/// A clock that stands still until a test moves it.
package final class ManualClock: WallClock {
    /// Monday, 2026-11-23T12:00:00Z: where every test begins.
    package static let start = Timestamp(seconds: 1_795_435_200)

    private let time: Mutex<Timestamp>

    package init(_ time: Timestamp = start) { self.time = Mutex(time) }

    package func now() -> Timestamp { time.withLock { $0 } }

    /// Moves the clock by `duration`, which may be negative: clocks are set back.
    package func advance(by duration: Duration) { time.withLock { $0 = $0 + duration } }

    package func set(to instant: Timestamp) { time.withLock { $0 = instant } }
}
