import Access
import Licensing
import Logging
import Primitives
import ServiceLifecycle

/// Follows what other nodes commit: five steps a second, so that a revocation is everywhere within one (DESIGN D11).
struct FeedService: Service {
    private static let period = Duration.milliseconds(200)

    let signet: Signet

    func run() async throws {
        let follower = MemoryFollower(signet.licensing)
        await cancelWhenGracefulShutdown {
            var isFollowing = true
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.period)  // ends early only to end the loop
                if !Task.isCancelled { await step(follower, &isFollowing) }
            }
        }
    }

    /// Tells once that memory is left behind, and once that it follows again.
    private func step(_ follower: MemoryFollower, _ isFollowing: inout Bool) async {
        do {
            let subjects = try await follower.poll(at: signet.clock.now())
            if subjects.contains(where: { $0 == MemoryFollower.everything || $0.hasPrefix("admin_token:") }) {
                try await signet.access.tokens.reload()
            }
            if !isFollowing { signet.logger.notice("memory follows the database again") }
            isFollowing = true
        } catch {
            if isFollowing { signet.logger.warning("memory is left behind", metadata: ["error": "\(error)"]) }
            isFollowing = false
        }
    }
}
