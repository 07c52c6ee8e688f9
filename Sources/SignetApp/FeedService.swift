import Access
import Licensing
import Logging
import Primitives
import ServiceLifecycle

/// Follows what other nodes commit: five steps a second, so that a revocation is everywhere within one (DESIGN D11).
struct FeedService: Service {
    private static let period = Duration.milliseconds(200)

    let signet: Signet

    /// What one step leaves to the next.
    private struct Standing {
        var isFollowing = true
        /// Whether a step told of admin tokens that were not read since: the next one does not tell of them again.
        var lacksTokens = false
    }

    func run() async throws {
        let follower = MemoryFollower(signet.licensing)
        await cancelWhenGracefulShutdown {
            var standing = Standing()
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.period)  // ends early only to end the loop
                if !Task.isCancelled { await step(follower, &standing) }
            }
        }
    }

    /// Tells once that memory is left behind, and once that it follows again.
    private func step(_ follower: MemoryFollower, _ standing: inout Standing) async {
        do {
            let subjects = try await follower.poll(at: signet.clock.now())
            if subjects.contains(where: { $0 == MemoryFollower.everything || $0.hasPrefix("admin_token:") }) {
                standing.lacksTokens = true
            }
            if standing.lacksTokens { try await signet.access.tokens.reload() }
            standing.lacksTokens = false
            if !standing.isFollowing { signet.logger.notice("memory follows the database again") }
            standing.isFollowing = true
        } catch {
            if standing.isFollowing {
                signet.logger.warning("memory is left behind", metadata: ["error": "\(error)"])
            }
            standing.isFollowing = false
        }
    }
}
