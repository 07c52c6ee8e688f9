import Journal
import Logging
import ServiceLifecycle

/// Seals the journal every few seconds, behind the writers.
struct ChainSealingService: Service {
    /// How long an event waits for its seal, at most and without load.
    private static let period = Duration.seconds(3)

    let chain: JournalChain
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.period)  // ends early only to end the loop
                await seal()
            }
        }
    }

    /// One small transaction after another, so that activations come in between.
    private func seal() async {
        do {
            while try await chain.seal() == JournalChain.batchMax, !Task.isCancelled {}
        } catch {
            logger.warning("the journal was not sealed; it will be", metadata: ["error": "\(error)"])
        }
    }
}
