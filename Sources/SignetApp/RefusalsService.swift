import HTTPAPI
import Licensing
import Logging
import Primitives
import ServiceLifecycle

/// Stores refusals every few seconds.
struct RefusalsService: Service {
    /// What a crash may lose of the log of refusals.
    private static let period = Duration.seconds(5)

    let licensing: LicensingService
    let clock: any WallClock
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.period)  // ends early only to end the loop
                await store()
            }
        }
    }

    private func store() async {
        do {
            try await licensing.storeRefusals(at: clock.now())
        } catch {
            logger.warning("refusals were not stored; they will be", metadata: ["error": "\(error)"])
        }
    }
}
